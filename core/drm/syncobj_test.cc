// The rules of syncobj.h for binary syncobjs, and of file.h for their handles.
#include "core/drm/syncobj.h"

#include "core/drm/syncobj_test_fixture.h"
#include "core/kernel/mutex.h"

namespace drm {
namespace {

using dma::Fence;
using kernel::kErestartsys;
using kernel::kSecond;

using SyncobjTest = SyncobjFixture;

// --- create and destroy ---

TEST_F(SyncobjTest, HandlesCountFromOneAndAreReused) {
  alone([this] {
    EXPECT_EQ(create(), 1u);
    EXPECT_EQ(create(), 2u);
    EXPECT_EQ(destroy(1), 0);
    EXPECT_EQ(create(), 1u);
  });
}

TEST_F(SyncobjTest, CreateWithUnknownFlagsIsRefused) {
  alone([this] {
    uint32_t handle;
    EXPECT_EQ(create(2, &handle), -EINVAL);
    EXPECT_EQ(create(kSyncobjCreateSignaled | 4, &handle), -EINVAL);
  });
}

TEST_F(SyncobjTest, CreatedSignaledHasASignaledFence) {
  alone([this] {
    sleep(kSecond);
    const uint32_t handle = create(kSyncobjCreateSignaled);
    Fence* fence;
    ASSERT_EQ(syncobj_find_fence(file(), handle, 0, 0, &fence, kTest), 0);
    EXPECT_TRUE(dma::fence_is_signaled(*fence));
    EXPECT_EQ(dma::fence_timestamp(*fence), kSecond);
    dma::fence_put(fence, kTest);
  });
}

TEST_F(SyncobjTest, CreateThatRunsOutOfMemoryLeavesNothing) {
  alone([this] {
    uint32_t handle;
    // The object, and a node of the handle table; the fence.
    EXPECT_EQ(fail_each_allocation([&] { return create(0, &handle); }), 2u);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(fail_each_allocation([&] { return create(kSyncobjCreateSignaled, &handle); }), 3u);
    EXPECT_EQ(handle, 1u);
  });
}

TEST_F(SyncobjTest, DestroyOfAHandleThatIsNotThereIsRefused) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(destroy(0), -EINVAL);
    EXPECT_EQ(destroy(handle + 1), -EINVAL);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(destroy(handle), -EINVAL);
  });
}

TEST_F(SyncobjTest, HandlesOfAnotherFileAreUnknown) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(destroy(handle, 1), -EINVAL);
    EXPECT_EQ(find(handle, 0, kForSubmit, 1), -ENOENT);
    EXPECT_EQ(signal({handle}, 1), -ENOENT);
    EXPECT_EQ(find(handle, 0, 0), -EINVAL);  // nothing happened to it
  });
}

TEST_F(SyncobjTest, DestroyDropsTheFence) {
  alone([this] {
    const uint32_t handle = create();
    Fence& fence = attach(handle);
    EXPECT_EQ(kernel::kref_read(fence.refcount), 2);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(kernel::kref_read(fence.refcount), 1);
  });
}

TEST_F(SyncobjTest, FileCloseDropsHandlesAndFences) {
  alone([this] {
    for (int i = 0; i < 70; ++i) trigger(create());
  });
}

// --- reset and signal ---

TEST_F(SyncobjTest, SignalAndResetActOnEveryHandle) {
  alone([this] {
    const uint32_t a = create(), b = create();
    attach(a);
    EXPECT_EQ(signal({a, b, a}), 0);
    EXPECT_EQ(wait({a, b}, 0, kAll), 0);
    EXPECT_EQ(reset({a, b, a}), 0);
    EXPECT_EQ(find(a, 0, 0), -EINVAL);
    EXPECT_EQ(find(b, 0, 0), -EINVAL);
  });
}

TEST_F(SyncobjTest, EachSyncobjIsSignaledWithAFenceOfItsOwn) {
  alone([this] {
    const uint32_t a = create(), b = create();
    ASSERT_EQ(signal({a, b}), 0);
    Fence *of_a, *of_b;
    ASSERT_EQ(syncobj_find_fence(file(), a, 0, 0, &of_a, kTest), 0);
    ASSERT_EQ(syncobj_find_fence(file(), b, 0, 0, &of_b, kTest), 0);
    EXPECT_NE(of_a, of_b);
    dma::fence_put(of_a, kTest);
    dma::fence_put(of_b, kTest);
  });
}

TEST_F(SyncobjTest, SignalThatRunsOutOfMemoryHasSignaledThoseBefore) {
  alone([this] {
    const uint32_t a = create(), b = create();
    kernel::task().fail_alloc = 4;  // after two arrays and the fence of `a`
    EXPECT_EQ(signal({a, b}), -ENOMEM);
    EXPECT_EQ(find(a, 0, 0), 0);
    EXPECT_EQ(find(b, 0, 0), -EINVAL);
  });
}

TEST_F(SyncobjTest, ArrayIoctlsRefuseBadMemory) {
  alone([this] {
    const uint32_t handle = create();
    drm_syncobj_array unmapped{kUserBase - 8, 1, 0}, huge{kUserBase, UINT32_MAX, 0};
    for (auto ioctl : {syncobj_signal_ioctl, syncobj_reset_ioctl}) {
      EXPECT_EQ(call(ioctl, unmapped), -EFAULT);
      EXPECT_EQ(call(ioctl, huge), -ENOMEM);
      drm_syncobj_array args{put_handles({handle}), 1, 0};
      kernel::task().fail_copy = 1;
      EXPECT_EQ(call(ioctl, args), -EFAULT);
    }
    EXPECT_EQ(fail_each_allocation([&] { return reset({handle}); }), 2u);
    EXPECT_EQ(find(handle, 0, 0), -EINVAL);
  });
}

// --- find_fence ---

TEST_F(SyncobjTest, FindFenceRefusesUnknownFlagsAndHandles) {
  alone([this] {
    const uint32_t handle = create();
    attach(handle);
    EXPECT_EQ(find(handle, 0, kAll), -EINVAL);
    EXPECT_EQ(find(handle, 0, kForSubmit | kAvailable), -EINVAL);
    EXPECT_EQ(find(handle + 1, 0, 0), -ENOENT);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(find(handle, 0, kForSubmit), -ENOENT);
  });
}

TEST_F(SyncobjTest, FindFenceWithoutWaitingNeedsAFence) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(find(handle, 0, 0), -EINVAL);
    attach(handle);
    EXPECT_EQ(find(handle, 0, 0), 0);
    EXPECT_EQ(find(handle, 0, kForSubmit), 0);
    EXPECT_EQ(find(handle, 1, 0), -EINVAL);  // it is no timeline
    EXPECT_EQ(sched::now(), 0u);
  });
}

TEST_F(SyncobjTest, FindFenceGivesUpAfterFiveSeconds) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(find(handle, 0, kForSubmit), -ETIME);
    EXPECT_EQ(sched::now(), 5 * kSecond);
    attach(handle);  // finds no waiter left
  });
}

TEST_F(SyncobjTest, FindFenceIsInterruptible) {
  alone([this] {
    kernel::task().signal_pending = true;
    const uint32_t handle = create();
    EXPECT_EQ(find(handle, 0, kForSubmit), -kErestartsys);
    EXPECT_EQ(sched::now(), 0u);
    attach(handle);  // a fence that is there needs no sleep
    EXPECT_EQ(find(handle, 0, kForSubmit), 0);
  });
}

TEST_F(SyncobjTest, WaitingForASubmissionWithASpinlockHeldIsReported) {
  kernel::OnHeap<kernel::SpinLock> lock;
  EXPECT_EQ(run({[&] {
              kernel::spin_lock_init(lock, "lock");
              const uint32_t handle = create();
              kernel::spin_lock(lock);
              find(handle, 0, kForSubmit);
            }}),
            "sleep-in-atomic drm_syncobj_find_fence");
}

// Even when the fence is there already.
TEST_F(SyncobjTest, WaitingForASubmissionWithAMutexHeldIsReported) {
  const auto find_under_mutex = [this](uint32_t flags) {
    kernel::OnHeap<kernel::Mutex> mutex;
    return run({[&, flags] {
      kernel::mutex_init(mutex, "mutex");
      const uint32_t handle = create(kSyncobjCreateSignaled);
      kernel::mutex_lock(mutex);
      Fence* fence;
      EXPECT_EQ(syncobj_find_fence(file(), handle, 0, flags, &fence, kTest), 0);
      dma::fence_put(fence, kTest);
      kernel::mutex_unlock(mutex);
      kernel::mutex_destroy(mutex);
    }});
  };
  EXPECT_EQ(find_under_mutex(kForSubmit), "warn-on drm_syncobj_find_fence");
  EXPECT_EQ(find_under_mutex(0), "nothing");
}

TEST_F(SyncobjTest, SubmissionWakesEveryWaiter) {
  int results[3] = {1, 1, 1};
  std::vector<Body> threads;
  for (int& result : results) {
    threads.push_back([this, &result] {
      if (sched::current()->id == 0) create();
      result = find(1, 0, kForSubmit);
      EXPECT_EQ(sched::now(), kSecond);
    });
  }
  threads.push_back([this] {
    sleep(kSecond);
    attach(1);
    EXPECT_EQ(sched::now(), kSecond);
  });
  EXPECT_EQ(run(threads), "nothing");
  for (int result : results) EXPECT_EQ(result, 0);
}

TEST_F(SyncobjTest, AResetDoesNotWakeAWaiter) {
  int result = 1;
  EXPECT_EQ(run({[&] { result = find(create(), 0, kForSubmit); },
                 [this] {
                   reset({1});
                   sleep(kSecond);
                   signal({1});
                 }}),
            "nothing");
  EXPECT_EQ(result, 0);
}

TEST_F(SyncobjTest, DestroyWhileWaitedForKeepsTheObjectForTheWaiter) {
  int result = 1;
  EXPECT_EQ(
      run({[&] { result = find(create(), 0, kForSubmit); }, [this] { EXPECT_EQ(destroy(1), 0); }}),
      "nothing");
  EXPECT_EQ(result, -ETIME);
  EXPECT_EQ(sched::now(), 5 * kSecond);
}

// --- races ---

// A syncobj and its waiter, set up before the threads of a sweep.
class SyncobjRaceTest : public SyncobjFixture {
 protected:
  SyncobjRaceTest() {
    also_set_up([this] { handle_ = create(); });
  }

  // One run of find_fence on t0. The ledger sees to it that no reference is lost.
  Body waiter(uint64_t point = 0) {
    return [this, point] {
      result_ = find(handle_, point, kForSubmit);
      waited_ = sched::now();
    };
  }

  uint32_t handle_ = 0;
  int result_ = 1;
  uint64_t waited_ = 0;
};

TEST_F(SyncobjRaceTest, ASubmissionIsFoundHoweverItMeetsTheWaiter) {
  EXPECT_EQ(sweep({waiter(), [this] { attach(handle_); }},
                  [this] {
                    ASSERT_EQ(result_, 0);
                    ASSERT_EQ(waited_, 0u);
                  }),
            "nothing");
}

TEST_F(SyncobjRaceTest, APointIsFoundHoweverItMeetsTheWaiter) {
  EXPECT_EQ(sweep({waiter(2),
                   [this] {
                     attach(handle_, 1);
                     attach(handle_, 2);
                   }},
                  [this] {
                    ASSERT_EQ(result_, 0);
                    ASSERT_EQ(waited_, 0u);
                  }),
            "nothing");
}

// At 5 s the waiter wakes up, and so does the submitter.
TEST_F(SyncobjRaceTest, ASubmissionAtTheTimeoutLosesNoReference) {
  static sched::Timer timer;
  int found = 0, timed_out = 0;
  EXPECT_EQ(sweep({[this] {
                     timer = {};
                     timer.fire = [](sched::Timer*) {
                       for (unsigned id : {0u, 1u}) sched::wake(sched::context(id));
                     };
                     sched::timer_start(timer, kSyncobjWaitForSubmitTimeout);
                     waiter()();
                   },
                   [this] {
                     sleep(6 * kSecond);
                     attach(handle_);
                   }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -ETIME) << result_;
                    ++(result_ == 0 ? found : timed_out);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(timed_out, 0);
}

TEST_F(SyncobjRaceTest, ASubmissionDuringAnInterruptionLosesNoReference) {
  int found = 0, interrupted = 0;
  EXPECT_EQ(sweep({waiter(),
                   [this] {
                     kernel::task(0).signal_pending = true;
                     sched::wake(sched::context(0));
                     attach(handle_);
                   }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -kErestartsys) << result_;
                    ++(result_ == 0 ? found : interrupted);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(interrupted, 0);
}

TEST_F(SyncobjRaceTest, FindAgainstDestroyGivesTheFenceOrNoSuchHandle) {
  int found = 0, gone = 0;
  also_set_up([this] { attach(handle_); });
  EXPECT_EQ(sweep({waiter(), [this] { EXPECT_EQ(destroy(handle_), 0); }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -ENOENT) << result_;
                    ++(result_ == 0 ? found : gone);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(gone, 0);
}

TEST_F(SyncobjRaceTest, FindAgainstReplaceGivesAFence) {
  also_set_up([this] { trigger(handle_); });
  EXPECT_EQ(sweep({waiter(), [this] { trigger(handle_); }}, [this] { ASSERT_EQ(result_, 0); }),
            "nothing");
}

}  // namespace
}  // namespace drm
