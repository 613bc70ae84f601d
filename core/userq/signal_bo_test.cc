// The signal ioctl and buffers (behaviour 1.8): where the new fence goes, and what becomes of it if
// the buffers cannot be locked.
#include "core/userq/ioctl_test_fixture.h"
#include "core/userq/reset.h"

namespace userq {
namespace {

using kernel::kSecond;

class SignalBoTest : public IoctlTest {
 protected:
  void expect_nowhere(dma::Fence& fence) {
    for (uint32_t handle : {x_, y_}) EXPECT_EQ(usage_of(handle, fence), kNone);
    for (uint32_t handle : {s_, t_}) EXPECT_EQ(fence_of(handle), nullptr);
  }
};

TEST_F(SignalBoTest, ReadersGetAReadFenceAndWritersAWriteFence) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .read = {x_}, .write = {y_}}), 0);
              dma::Fence& fence = last_fence(a_);
              EXPECT_EQ(usage_of(x_, fence), kRead_);
              EXPECT_EQ(usage_of(y_, fence), kWrite_);
              EXPECT_EQ(usage_of(queue_bo(), fence), kNone);
              EXPECT_EQ(refs(fence), 5);  // list, queue, syncobj, two buffers
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, EachListMayBeEmpty) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.read = {x_, y_}}), 0);
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kRead_);
              EXPECT_EQ(usage_of(y_, last_fence(a_)), kRead_);
              EXPECT_EQ(signal_on(c_, 4, {.write = {y_, x_}}), 0);
              EXPECT_EQ(usage_of(x_, last_fence(c_)), kWrite_);
              EXPECT_EQ(usage_of(y_, last_fence(c_)), kWrite_);
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kRead_);  // another context: still there
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, LaterFenceOfAQueueTakesThePlaceOfTheEarlierOne) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.write = {x_}}), 0);
              EXPECT_EQ(refs(last_fence(a_)), 3);
              dma::Fence* first = dma::fence_get(&last_fence(a_), kTest);
              EXPECT_EQ(signal_on(a_, 5, {.write = {x_}}), 0);
              EXPECT_EQ(usage_of(x_, *first), kNone);
              EXPECT_EQ(refs(*first), 2);  // list and test
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kWrite_);
              dma::fence_put(first, kTest);
              complete_all();
            }}),
            "nothing");
}

// The sequence number is the user's: it may go back. Neither fence may get lost.
TEST_F(SignalBoTest, EarlierFenceOfAQueueGetsAPlaceOfItsOwn) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 9, {.write = {x_}}), 0);
              dma::Fence* first = dma::fence_get(&last_fence(a_), kTest);
              EXPECT_EQ(signal_on(a_, 5, {.write = {x_}}), 0);
              EXPECT_EQ(usage_of(x_, *first), kWrite_);
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kWrite_);
              dma::fence_put(first, kTest);
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, BufferThatTheQueueLivesInIsOneLikeAnyOther) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.write = {queue_bo()}}), 0);
              EXPECT_EQ(usage_of(queue_bo(), last_fence(a_)), kWrite_);
              EXPECT_EQ(signal_on(a_, 5, {.read = {queue_bo()}}), 0);
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, FenceBornSignaledIsPublishedAllTheSame) {
  EXPECT_EQ(run({[this] {
              gpu_write(kA, 4);
              EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .write = {x_}}), 0);
              EXPECT_EQ(flagged_status(s_), 1);
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kWrite_);
              EXPECT_EQ(refs(last_fence(a_)), 3);  // queue, syncobj, buffer
            }}),
            "nothing");
}

// Creating a queue does not ask for alignment.
TEST_F(SignalBoTest, MisalignedWritePointerIsRead) {
  EXPECT_EQ(run({[this] {
              drm_amdgpu_userq_in in = create_args(8);
              in.wptr_va += 4;
              in.rptr_va += 8;
              uint32_t id = 0;
              ASSERT_EQ(userq(in, &id), 0);
              EXPECT_EQ(vm_user_store64(vm(), wptr_va(8), uint64_t{5} << 32), 0);
              EXPECT_EQ(vm_user_store64(vm(), wptr_va(8) + 8, 6), 0);
              EXPECT_EQ(signal(signal_lists(id, {})), 0);
              EXPECT_EQ(last_fence(id).seqno, (uint64_t{6} << 32) + 5);
              complete(8, last_fence(id).seqno);
            }}),
            "nothing");
}

// --- the fence lives on ---

TEST_F(SignalBoTest, BufferNamedTwiceIsRefusedButTheFenceLivesOn) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(vm_user_store64(vm(), wptr_va(kA), 4), 0);
              uint32_t again;
              EXPECT_EQ(drm::gem_handle_create(file(), bo(x_).gem, &again), 0);
              uint32_t always[2];
              for (uint32_t& handle : always)
                handle = create_bo(kGpuPageSize, kGemCreateVmAlwaysValid);
              const Lists twice[] = {{.syncobjs = {s_}, .read = {x_, x_}},
                                     {.syncobjs = {s_}, .write = {y_, x_, x_}},
                                     {.syncobjs = {s_}, .read = {x_}, .write = {y_, x_}},
                                     {.syncobjs = {s_}, .read = {x_}, .write = {again}},
                                     // One reservation for both.
                                     {.syncobjs = {s_}, .read = {always[0]}, .write = {always[1]}}};
              for (const Lists& lists : twice) {
                expect_fence_lives_on(signal_lists(a_, lists), -EALREADY);
                expect_nowhere(last_fence(a_));
              }
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, RetryAfterAFailureMakesASecondFenceThatIsEqual) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.read = {x_, x_}}), -EALREADY);
              dma::Fence* first = dma::fence_get(&last_fence(a_), kTest);
              EXPECT_EQ(signal_on(a_, 4, {.read = {x_}}), 0);
              EXPECT_NE(&last_fence(a_), first);
              EXPECT_EQ(last_fence(a_).context, first->context);
              EXPECT_EQ(last_fence(a_).seqno, first->seqno);
              complete(kA, 4);
              EXPECT_TRUE(dma::fence_test_signaled_flag(*first));
              EXPECT_TRUE(dma::fence_test_signaled_flag(last_fence(a_)));
              EXPECT_EQ(refs(*first), 1);
              dma::fence_put(first, kTest);
            }}),
            "nothing");
}

// What the queue waits for goes over to the fence, which lives on with it.
TEST_F(SignalBoTest, FenceThatLivesOnKeepsTheDriversThatItInherited) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}}), 0);
              EXPECT_EQ(wait_on(b_, {.syncobjs = {s_}}), 0);
              EXPECT_EQ(held_drivers(b_, a_), 1);
              EXPECT_EQ(signal_on(b_, 1, {.read = {x_, x_}}), -EALREADY);
              EXPECT_EQ(held_drivers(b_), 0);
              EXPECT_EQ(refs(driver(a_)), 3);
              complete(kB, 1);
              EXPECT_EQ(refs(driver(a_)), 2);
              complete_all();
            }}),
            "nothing");
}

TEST_F(SignalBoTest, PendingSignalInterruptsTheWaitForABuffer) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(bo(y_), false);
                   rest(kSecond);
                   bo_unreserve(bo(y_));
                   complete_all();
                 },
                 [this] {
                   const SignalArgs args =
                       signal_lists(a_, {.syncobjs = {s_}, .read = {x_}, .write = {y_}});
                   EXPECT_EQ(vm_user_store64(vm(), wptr_va(kA), 4), 0);
                   kernel::task().signal_pending = true;
                   expect_fence_lives_on(args, -EINTR);
                   EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
                   EXPECT_LT(sched::now(), kSecond);
                 }}),
            "nothing");
}

// The other task is older: we back off, and sleep for the buffer that it has.
TEST_F(SignalBoTest, PendingSignalInterruptsTheWaitAfterBackingOff) {
  EXPECT_EQ(run({[this] {
                   drm::Exec exec;
                   drm::exec_init(exec, 0);
                   drm_exec_until_all_locked(exec) {
                     EXPECT_EQ(drm::exec_lock_obj(exec, bo(y_).gem), 0);
                     drm_exec_retry_on_contention(exec);
                   }
                   rest(kSecond);
                   drm::exec_fini(exec);
                   complete_all();
                 },
                 [this] {
                   const SignalArgs args = signal_lists(a_, {.write = {x_, y_}});
                   EXPECT_EQ(vm_user_store64(vm(), wptr_va(kA), 4), 0);
                   kernel::task().signal_pending = true;
                   expect_fence_lives_on(args, -EINTR);
                   EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
                   EXPECT_LT(sched::now(), kSecond);
                 }}),
            "nothing");
}

TEST_F(SignalBoTest, PendingSignalAloneInterruptsNothing) {
  EXPECT_EQ(run({[this] {
              kernel::task().signal_pending = true;
              EXPECT_EQ(signal_on(a_, 4, {.read = {x_}, .write = {y_}}), 0);
              complete_all();
            }}),
            "nothing");
}

// The queues cannot come back: the process has unmapped memory that they use.
TEST_F(SignalBoTest, QueuesThatCannotComeBackGetNoFence) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 0, {.syncobjs = {s_}}), 0);
              EXPECT_EQ(wait_on(b_, {.syncobjs = {s_}}), 0);
              drm_amdgpu_gem_userptr args{kUserEnd - kGpuPageSize, kGpuPageSize,
                                          kGemUserptrRegister, 0};
              signal_lists(a_, {});  // this process's memory is ours
              ASSERT_EQ(gem_userptr_ioctl(file(), args), 0);
              bo_userptr_unmapped(bo(args.handle));
              expect_refused(signal_lists(c_, {.syncobjs = {t_}, .read = {x_}}), -ENOMEM);
              // What the queue waits for ends with the fence that it was for.
              expect_refused(signal_lists(b_, {}), -ENOMEM);
              EXPECT_EQ(held_drivers(b_), 0);
            }}),
            "nothing");
}

// --- queues that are gone or dead ---

TEST_F(SignalBoTest, HungQueueGetsAFenceThatIsCancelled) {
  EXPECT_EQ(run({[this] {
              hang(kA);
              detect_and_reset_queues(mgr(), nullptr);
              ASSERT_EQ(state(a_), QueueState::kHung);
              EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .write = {x_}}), 0);
              EXPECT_EQ(flagged_status(s_), -ECANCELED);
              EXPECT_EQ(usage_of(x_, last_fence(a_)), kWrite_);
            }}),
            "nothing");
}

TEST_F(SignalBoTest, ResetAtAnyPointOfASignalLeavesNoFencePending) {
  int status = 0;
  inspect([&] { status = flagged_status(s_); });
  const Body signal_it = [this] {
    EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .write = {x_}}), 0);
    complete(kA, 4);
  };
  const Body reset = [this] {
    hang(kA);
    detect_and_reset_queues(mgr(), nullptr);
  };
  EXPECT_EQ(
      sweep({signal_it, reset}, [&] { ASSERT_TRUE(status == 1 || status == -ECANCELED) << status; },
            {kernel::kT1}),
      "nothing");
}

TEST_F(SignalBoTest, FreeOfTheQueueAtAnyPointLeavesTheFenceInTheBuffer) {
  int result = 0;
  EXPECT_EQ(sweep({[&] { result = signal(signal_lists(a_, {.write = {x_}})); },
                   [this] { EXPECT_EQ(free(a_), 0); }},
                  [&] { ASSERT_TRUE(result == 0 || result == -ENOENT) << result; }, {kernel::kT1}),
            "nothing");
}

TEST_F(SignalBoTest, CloseOfABufferAtAnyPointIsHarmless) {
  EXPECT_EQ(sweep({[this] {
                     const int result = signal(signal_lists(a_, {.write = {x_, y_}}));
                     EXPECT_TRUE(result == 0 || result == -ENOENT) << result;
                   },
                   [this] { EXPECT_EQ(close_bo(x_), 0); }},
                  {}, {kernel::kT1}),
            "nothing");
}

// --- contention ---

// Each has what the other one needs: the younger backs off. With an empty list of buffers to read
// from it once did so for ever.
TEST_F(SignalBoTest, TwoSignalsLockTheirBuffersInOppositeOrder) {
  for (bool writes : {false, true}) {
    const auto body = [this, writes](bool first) {
      const Handles handles = first ? Handles{x_, y_} : Handles{y_, x_};
      const Lists lists = writes ? Lists{.write = handles} : Lists{.read = handles};
      EXPECT_EQ(signal(signal_lists(first ? a_ : c_, lists)), 0);
    };
    EXPECT_EQ(sweep({[&] { body(true); }, [&] { body(false); }}, {}, {kernel::kT1}), "nothing");
    EXPECT_EQ(sweep({[&] { body(false); }, [&] { body(true); }}, {}, {kernel::kT1}), "nothing");
  }
}

}  // namespace
}  // namespace userq
