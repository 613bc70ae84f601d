// The rules of syncobj.h for the two array waits, and their races.
#include "core/drm/syncobj_test_fixture.h"
#include "core/kernel/mutex.h"

namespace drm {
namespace {

using dma::Fence;
using kernel::kErestartsys;
using kernel::kSecond;

constexpr uint32_t kDeadline = kSyncobjWaitFlagsWaitDeadline;

using SyncobjWaitTest = SyncobjFixture;

// --- arguments ---

TEST_F(SyncobjWaitTest, EachWaitHasItsFlags) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    EXPECT_EQ(wait({handle}, 0, kAll | kForSubmit | kDeadline), 0);
    EXPECT_EQ(wait({handle}, 0, kAvailable), -EINVAL);
    EXPECT_EQ(wait_points({handle}, {0}, 0, kAll | kForSubmit | kAvailable | kDeadline), 0);
    EXPECT_EQ(wait_points({handle}, {0}, 0, 16), -EINVAL);
  });
}

TEST_F(SyncobjWaitTest, BadMemoryIsRefused) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    drm_syncobj_wait handles{kUserBase - 8, 0, 1, 0, 7, 0, 0};
    EXPECT_EQ(call(syncobj_wait_ioctl, handles), -EFAULT);
    EXPECT_EQ(handles.first_signaled, 7u);
    drm_syncobj_timeline_wait points{put_handles({handle}), kUserBase - 8, 0, 1, 0, 0, 0, 0};
    EXPECT_EQ(call(syncobj_timeline_wait_ioctl, points), -EFAULT);
    for (uint32_t n : {1, 2}) {
      kernel::task().fail_copy = n;
      EXPECT_EQ(wait_points({handle}, {0}, 0, 0), -EFAULT);
    }
  });
}

TEST_F(SyncobjWaitTest, WithoutPointsAllAreZero) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    drm_syncobj_timeline_wait args{put_handles({handle, handle}), 0, 0, 2, kAll, 0, 0, 0};
    EXPECT_EQ(call(syncobj_timeline_wait_ioctl, args), 0);
  });
}

TEST_F(SyncobjWaitTest, OneUnknownHandleAndNothingIsWaitedFor) {
  alone([this] {
    const uint32_t handle = create();
    attach(handle);
    EXPECT_EQ(wait({handle, 77}, kNever, kForSubmit), -ENOENT);
    EXPECT_EQ(sched::now(), 0u);
  });
}

TEST_F(SyncobjWaitTest, RunningOutOfMemoryLeavesNothing) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    // Handles, syncobjs, points, entries.
    EXPECT_EQ(fail_each_allocation([&] { return wait({handle}, 0, 0); }), 4u);
    EXPECT_EQ(fail_each_allocation([&] { return wait_points({handle}, {0}, 0, 0); }), 4u);
  });
}

TEST_F(SyncobjWaitTest, WaitingForASubmissionWithALockHeldIsReported) {
  const auto wait_under_mutex = [this](uint32_t flags) {
    kernel::OnHeap<kernel::Mutex> mutex;
    return run({[&, flags] {
      kernel::mutex_init(mutex, "mutex");
      const uint32_t handle = create(kSyncobjCreateSignaled);
      drm_syncobj_timeline_wait args{put_handles({handle}), 0, 0, 1, flags, 0, 0, 0};
      kernel::task().mm = file().mm;
      kernel::mutex_lock(mutex);
      EXPECT_EQ(syncobj_timeline_wait_ioctl(file(), args), 0);
      kernel::mutex_unlock(mutex);
      kernel::mutex_destroy(mutex);
    }});
  };
  EXPECT_EQ(wait_under_mutex(kForSubmit), "warn-on drm_syncobj_array_wait_timeout");
  EXPECT_EQ(wait_under_mutex(kAvailable), "warn-on drm_syncobj_array_wait_timeout");
  EXPECT_EQ(wait_under_mutex(kAll), "nothing");
}

// --- time ---

TEST_F(SyncobjWaitTest, TheTimeoutIsAbsolute) {
  alone([this] {
    const uint32_t handle = create();
    attach(handle);
    sleep(kSecond);
    EXPECT_EQ(wait({handle}, 3 * kSecond, 0), -ETIME);
    EXPECT_EQ(sched::now(), 3 * kSecond);
    for (int64_t past : {int64_t{0}, int64_t{1}, int64_t{-1}, INT64_MIN}) {
      EXPECT_EQ(wait({handle}, past, 0), -ETIME);
      EXPECT_EQ(wait({handle}, past, kForSubmit), -ETIME);
    }
    EXPECT_EQ(sched::now(), 3 * kSecond);
  });
}

TEST_F(SyncobjWaitTest, NoWaitIsForEver) {
  alone([this] {
    const uint32_t handle = create();
    attach(handle);
    EXPECT_EQ(wait({handle}, kNever, 0), -ETIME);
    EXPECT_EQ(sched::now(), kernel::kMaxScheduleTimeout - 1);
  });
}

TEST_F(SyncobjWaitTest, AFenceThatIsCompleteIsFoundDespiteTimeoutAndSignal) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled), pending = create();
    attach(pending);
    kernel::task().signal_pending = true;
    EXPECT_EQ(wait({pending, handle}, 0, 0), 0);
    EXPECT_EQ(wait({pending, handle}, kNever, kAll), -kErestartsys);
    EXPECT_EQ(wait({pending}, 0, 0), -ETIME);
    EXPECT_EQ(sched::now(), 0u);
  });
}

// --- what counts as complete ---

TEST_F(SyncobjWaitTest, TheFirstSignaledIndexIsTold) {
  alone([this] {
    const uint32_t a = create(), b = create(), c = create();
    attach(a);
    trigger(b);
    trigger(c);
    uint32_t first;
    EXPECT_EQ(wait({a, b, c}, 0, 0, &first), 0);
    EXPECT_EQ(first, 1u);
    EXPECT_EQ(wait({c, b}, 0, kAll, &first), 0);
    EXPECT_EQ(first, 0u);
    EXPECT_EQ(wait_points({a, c}, {0, 0}, 0, kAvailable, &first), 0);
    EXPECT_EQ(first, 0u);
  });
}

TEST_F(SyncobjWaitTest, ASyncobjMayBeNamedTwice) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(wait({handle, handle}, kSecond, kAll | kForSubmit), -ETIME);
    attach(handle);
    EXPECT_EQ(wait({handle, handle}, 2 * kSecond, kAll | kForSubmit), -ETIME);
    trigger(handle);
    EXPECT_EQ(wait({handle, handle}, 0, kAll), 0);
  });
}

TEST_F(SyncobjWaitTest, AnErrorOfTheFenceIsACompletion) {
  alone([this] {
    const uint32_t handle = create();
    Fence& fence = attach(handle);
    dma::fence_set_error(fence, -ECANCELED);
    dma::fence_signal(fence);
    EXPECT_EQ(wait({handle}, 0, 0), 0);
  });
}

// Whether the fences of these ops are done is seen by polling, or only when they are asked to
// signal.
bool done;
bool poll_done(Fence&) { return done; }
bool ask_done(Fence&) { return !done; }
constexpr dma::FenceOps kPolled = {dma::mock_name, dma::mock_name, poll_done, nullptr, nullptr};
constexpr dma::FenceOps kAsked = {dma::mock_name, dma::mock_name, nullptr, ask_done, nullptr};

TEST_F(SyncobjWaitTest, AFenceThatDoesNotSignalByItselfIsAsked) {
  for (const dma::FenceOps* ops : {&kPolled, &kAsked}) {
    alone([&] {
      const uint32_t a = create(), b = create();
      for (uint32_t handle : {a, b}) {
        Fence& fence = dma::mock_fence(*ops);
        submit(handle, 0, fence);
        dma::put_mock(fence);
      }
      done = false;
      EXPECT_EQ(wait({a}, 0, 0), -ETIME);
      done = true;
      EXPECT_EQ(wait({b}, 0, 0), 0);
      EXPECT_EQ(signal({a}), 0);  // `a` was asked before
    });
  }
}

TEST_F(SyncobjWaitTest, ADeadlineGoesToTheFencesThatAreThere) {
  static uint64_t deadline;
  static constexpr dma::FenceOps kOps = {dma::mock_name,
                                         dma::mock_name,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         [](Fence&, uint64_t time) { deadline = time; }};
  alone([this] {
    const uint32_t handle = create(), empty = create();
    Fence& fence = dma::mock_fence(kOps);
    submit(handle, 2, fence);
    deadline = 0;
    drm_syncobj_timeline_wait args{
        put_handles({empty, handle}), put_points({1, 2}), 0, 2, kForSubmit, 0, 0, 123456};
    EXPECT_EQ(call(syncobj_timeline_wait_ioctl, args), -ETIME);
    EXPECT_EQ(deadline, 0u);
    args.flags |= kDeadline;
    EXPECT_EQ(call(syncobj_timeline_wait_ioctl, args), -ETIME);
    EXPECT_EQ(deadline, 123456u);
    // A wait that is over at once wants nothing of the others.
    args.deadline_nsec = 9;
    trigger(empty, 1);
    EXPECT_EQ(call(syncobj_timeline_wait_ioctl, args), 0);
    EXPECT_EQ(deadline, 123456u);
    dma::fence_signal(fence);
    dma::put_mock(fence);
  });
}

TEST_F(SyncobjWaitTest, AFenceCompletedByAnInterruptWakesTheWaiter) {
  uint32_t handle = 0;
  Fence* fence = nullptr;
  also_set_up([&] {
    handle = create();
    fence = &attach(handle, 1);
  });
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(wait_points({handle}, {1}, 9 * kSecond, 0), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                 },
                 [&] {
                   sleep(kSecond);
                   kernel::in_interrupt([&] { dma::fence_signal(*fence); });
                 }}),
            "nothing");
}

// --- races: t0 waits, t1 does what may come in between ---

class SyncobjWaitRace : public SyncobjFixture {
 protected:
  SyncobjWaitRace() {
    also_set_up([this] {
      a_ = create();
      b_ = create();
      result_ = 1;
    });
  }

  Body wait_all(int64_t timeout) {
    return [this, timeout] {
      result_ = wait_points({a_, b_}, {1, 0}, timeout, kAll | kForSubmit);
      // With all the time in the world, nobody takes any: no wake-up was lost.
      if (timeout == kNever) EXPECT_EQ(sched::now(), 0u);
    };
  }
  // Runs both with all preemptions; `expected` may come out, and each of it does.
  void race(const Body& waiter, const Body& other, std::vector<int> expected) {
    std::vector<int> seen(expected.size());
    EXPECT_EQ(sweep({waiter, other},
                    [&] {
                      size_t i = 0;
                      while (i < expected.size() && expected[i] != result_) ++i;
                      ASSERT_LT(i, expected.size()) << result_;
                      ++seen[i];
                    }),
              "nothing");
    for (size_t i = 0; i < seen.size(); ++i) EXPECT_GT(seen[i], 0) << expected[i];
  }

  uint32_t a_ = 0, b_ = 0;
  int result_ = 1;
};

TEST_F(SyncobjWaitRace, SubmissionAndCompletion) {
  race(wait_all(kNever),
       [this] {
         Fence& fence = attach(b_);
         trigger(a_, 1);
         dma::fence_signal(fence);
       },
       {0});
}

TEST_F(SyncobjWaitRace, ThePointComesWithALaterOne) {
  race(wait_all(kNever),
       [this] {
         trigger(b_);
         trigger(a_, 2);
         trigger(a_, 3);
       },
       {0});
}

// What was looked up stays looked up; what was not may be gone.
TEST_F(SyncobjWaitRace, ReplaceAndReset) {
  also_set_up([this] {
    trigger(a_, 1);
    trigger(b_);
  });
  race(wait_all(5),
       [this] {
         EXPECT_EQ(reset({b_}), 0);
         attach(a_, 2);
       },
       {0, -ETIME});
}

TEST_F(SyncobjWaitRace, Destroy) {
  also_set_up([this] { trigger(a_, 1); });
  race(wait_all(5),
       [this] {
         EXPECT_EQ(destroy(b_), 0);
         EXPECT_EQ(destroy(a_), 0);
       },
       {-ETIME, -ENOENT});
}

TEST_F(SyncobjWaitRace, HostSignal) {
  race(wait_all(kNever),
       [this] {
         EXPECT_EQ(signal({b_}), 0);
         EXPECT_EQ(signal_points({a_}, {1}), 0);
       },
       {0});
}

// Both wake up at the same time.
TEST_F(SyncobjWaitRace, TimeoutAgainstCompletion) {
  Fence* fence = nullptr;
  also_set_up([&] {
    trigger(b_);
    fence = &attach(a_, 1);
  });
  race(wait_all(kSecond),
       [&] {
         sleep(kSecond);
         dma::fence_signal(*fence);
       },
       {0, -ETIME});
}

TEST_F(SyncobjWaitRace, TimeoutAgainstSubmission) {
  also_set_up([this] { trigger(b_); });
  race(wait_all(kSecond),
       [this] {
         sleep(kSecond);
         trigger(a_, 1);
       },
       {0, -ETIME});
}

TEST_F(SyncobjWaitRace, SignalAgainstSubmission) {
  also_set_up([this] { trigger(b_); });
  race(wait_all(kNever),
       [this] {
         kernel::task(0).signal_pending = true;
         kernel::wake_up_process(sched::context(0));
         trigger(a_, 1);
       },
       {0, -kErestartsys});
}

TEST_F(SyncobjWaitRace, CompletionByAnInterruptAnywhere) {
  Fence* fences[2] = {};
  also_set_up([&] {
    fences[0] = &attach(a_, 1);
    fences[1] = &attach(b_);
  });
  for (Fence*& fence : fences) run_.irqs.push_back([&fence] { dma::fence_signal(*fence); });
  run_.threads = {wait_all(kNever)};
  EXPECT_EQ(
      run_.sweep({sched::Target::kIrq, sched::Target::kIrq}, [this] { ASSERT_EQ(result_, 0); }),
      "nothing");
}

TEST_F(SyncobjWaitRace, TheFileOutlivesTheWaitAndTheHandlesDoNot) {
  race([this] { result_ = wait({a_, b_}, 5, kForSubmit); },
       [this] {
         trigger(b_);
         EXPECT_EQ(destroy(a_), 0);
         EXPECT_EQ(destroy(b_), 0);
       },
       {0, -ENOENT});
}

}  // namespace
}  // namespace drm
