// Waiting for one fence and for the first of several.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/errno.h"
#include "core/kernel/mutex.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kSecond;
using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

constexpr sched::Target kIrq = sched::Target::kIrq;
constexpr uint32_t kUntouched = 99;

TEST(FenceWait, PendingSignalInterruptsOnlyWhereAllowed) {
  EXPECT_EQ(with_fence([](Fence& f) {
              kernel::task().signal_pending = true;
              EXPECT_EQ(fence_wait(f, true), -kernel::kErestartsys);
              EXPECT_EQ(fence_wait_timeout(f, true, 0), -kernel::kErestartsys);
              EXPECT_EQ(fence_wait_timeout(f, false, 5), 0);
              EXPECT_EQ(sched::now(), 5u);
              // Complete is complete, signal or not.
              fence_signal(f);
              EXPECT_EQ(fence_wait(f, true), 0);
            }),
            "nothing");
}

TEST(FenceWait, SignalDuringTheSleepInterrupts) {
  static Fence* f;
  int result = 1;
  TestRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] { result = fence_wait(*f, true); },
                 [] {
                   kernel::task(0).signal_pending = true;
                   sched::wake(sched::context(0));
                 }};
  run.tear_down = {[] {
    fence_signal(*f);  // the waiter has left: nobody is called
    put_mock(*f);
  }};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(result, -kernel::kErestartsys);
}

TEST(FenceWait, NoWakeUpIsLost) {
  static Fence* f;
  int result;
  TestRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] { result = fence_wait(*f, false); }, [] { fence_signal(*f); }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(result, 0); }), "nothing");
}

TEST(FenceWait, OfANeverSignaledFenceIsADeadlock) {
  EXPECT_EQ(run_alone([] { fence_wait(mock_fence(), false); }), "deadlock fence");
}

TEST(FenceWait, WithASpinlockHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              kernel::spin_lock(*f.lock);
              fence_wait(f, false);
            }),
            "sleep-in-atomic dma_fence_wait_timeout");
}

// --- the wait op ---

struct WaitArguments {
  Fence* fence;
  bool interruptible;
  uint64_t timeout;
} seen_by_wait;

constexpr FenceOps kWaitingOps = {mock_name,
                                  mock_name,
                                  nullptr,
                                  nullptr,
                                  nullptr,
                                  [](Fence& fence, bool interruptible, uint64_t timeout) {
                                    seen_by_wait = {&fence, interruptible, timeout};
                                    return int64_t{77};
                                  }};

TEST(FenceWaitOp, ReplacesTheSleepBeforeTheSignalAndAfterIt) {
  EXPECT_EQ(with_fence(
                [](Fence& f) {
                  EXPECT_EQ(fence_wait_timeout(f, true, 5), 77);
                  EXPECT_EQ(seen_by_wait.fence, &f);
                  EXPECT_TRUE(seen_by_wait.interruptible);
                  EXPECT_EQ(seen_by_wait.timeout, 5u);
                  EXPECT_TRUE(kernel::test_bit(kFenceEnableSignalBit, f.flags));
                  fence_signal(f);
                  EXPECT_EQ(f.ops, &kWaitingOps);
                  EXPECT_EQ(fence_wait(f, false), 0);
                  EXPECT_FALSE(seen_by_wait.interruptible);
                  EXPECT_EQ(seen_by_wait.timeout, kernel::kMaxScheduleTimeout);
                },
                kWaitingOps),
            "nothing");
}

// --- interrupts ---

TEST(FenceWait, EndsWhenAnInterruptSignals) {
  static Fence* f;
  int64_t result;
  TestRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] { result = fence_wait_timeout(*f, true, kSecond); }};
  run.irqs = {[] { fence_signal(*f); }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kIrq}, [&] { ASSERT_EQ(result, int64_t{kSecond}); }), "nothing");
}

// --- any of several ---

// Runs `body` on one thread with `count` mock fences.
std::string with_fences(size_t count, const std::function<void(std::vector<Fence*>& f)>& body) {
  return run_alone([&] {
    std::vector<Fence*> fences;
    for (size_t i = 0; i < count; ++i) fences.push_back(&mock_fence());
    body(fences);
    for (Fence* f : fences) put_mock(*f);
  });
}

int64_t wait_any(const std::vector<Fence*>& fences, bool interruptible, uint64_t timeout,
                 uint32_t* index) {
  *index = kUntouched;
  return fence_wait_any_timeout(fences.data(), static_cast<uint32_t>(fences.size()), interruptible,
                                timeout, index);
}

TEST(FenceWaitAny, WithoutFencesIsRefusedWithAWarning) {
  const auto no_array = [] {
    uint32_t index;
    EXPECT_EQ(fence_wait_any_timeout(nullptr, 1, true, 1, &index), -EINVAL);
  };
  const auto no_fences = [] {
    Fence* f = nullptr;
    uint32_t index;
    EXPECT_EQ(fence_wait_any_timeout(&f, 0, true, 1, &index), -EINVAL);
  };
  EXPECT_EQ(run_alone(no_array), "warn-on fence_wait_any_timeout");
  EXPECT_EQ(run_alone(no_fences), "warn-on fence_wait_any_timeout");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone(no_array), "nothing");
  EXPECT_EQ(run_alone(no_fences), "nothing");
}

TEST(FenceWaitAny, PollsAtTimeout0) {
  EXPECT_EQ(with_fences(3,
                        [](std::vector<Fence*>& f) {
                          uint32_t index;
                          EXPECT_EQ(wait_any(f, true, 0, &index), 0);
                          EXPECT_EQ(index, kUntouched);
                          fence_signal(*f[2]);
                          EXPECT_EQ(wait_any(f, true, 0, &index), 1);
                          EXPECT_EQ(index, 2u);
                          fence_signal(*f[1]);
                          EXPECT_EQ(wait_any(f, true, 0, &index), 1);
                          EXPECT_EQ(index, 1u);
                          // Polling asks nobody to signal.
                          EXPECT_FALSE(kernel::test_bit(kFenceEnableSignalBit, f[0]->flags));
                        }),
            "nothing");
}

TEST(FenceWaitAny, ReturnsAtOnceIfOneIsComplete) {
  EXPECT_EQ(with_fences(3,
                        [](std::vector<Fence*>& f) {
                          uint32_t index;
                          fence_signal(*f[1]);
                          EXPECT_EQ(wait_any(f, false, 7, &index), 7);
                          EXPECT_EQ(index, 1u);
                          EXPECT_EQ(fence_wait_any_timeout(f.data(), 3, false, 7, nullptr), 7);
                          EXPECT_EQ(sched::now(), 0u);
                          // The callback on the first one is gone.
                          EXPECT_TRUE(kernel::list_empty(f[0]->cb_list));
                        }),
            "nothing");
}

TEST(FenceWaitAny, TimesOutAndLeavesNoCallbacks) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          uint32_t index;
                          EXPECT_EQ(wait_any(f, false, 5, &index), 0);
                          EXPECT_EQ(sched::now(), 5u);
                          EXPECT_EQ(index, kUntouched);
                          for (Fence* fence : f) EXPECT_TRUE(kernel::list_empty(fence->cb_list));
                        }),
            "nothing");
}

TEST(FenceWaitAny, PendingSignalInterruptsOnlyWhereAllowed) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          uint32_t index;
                          kernel::task().signal_pending = true;
                          EXPECT_EQ(wait_any(f, true, 5, &index), -kernel::kErestartsys);
                          EXPECT_EQ(sched::now(), 0u);
                          EXPECT_EQ(index, kUntouched);
                          for (Fence* fence : f) EXPECT_TRUE(kernel::list_empty(fence->cb_list));
                          EXPECT_EQ(wait_any(f, false, 5, &index), 0);
                          EXPECT_EQ(sched::now(), 5u);
                          // Complete is complete, signal or not.
                          fence_signal(*f[0]);
                          EXPECT_EQ(wait_any(f, true, 5, &index), 5);
                        }),
            "nothing");
}

TEST(FenceWaitAny, SignalDuringTheSleepInterrupts) {
  static Fence* f;
  int64_t result = 1;
  TestRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] {
                   uint32_t index;
                   result = wait_any({f}, true, kernel::kMaxScheduleTimeout, &index);
                 },
                 [] {
                   kernel::task(0).signal_pending = true;
                   sched::wake(sched::context(0));
                 }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(result, -kernel::kErestartsys);
}

TEST(FenceWaitAny, WithoutMemoryWaitsForNothing) {
  EXPECT_EQ(with_fences(2,
                        [](std::vector<Fence*>& f) {
                          uint32_t index;
                          kernel::task().fail_alloc = 1;
                          EXPECT_EQ(wait_any(f, false, 5, &index), -ENOMEM);
                          EXPECT_EQ(index, kUntouched);
                          // Polling needs none.
                          kernel::task().fail_alloc = 1;
                          EXPECT_EQ(wait_any(f, false, 0, &index), 0);
                        }),
            "nothing");
}

// Two fences, the waiter, and whoever signals: the index names one that is complete.
TEST(FenceWaitAny, NoWakeUpIsLost) {
  static Fence* fences[2];
  int64_t result;
  uint32_t index;
  bool complete;
  uint32_t seen[2] = {};
  TestRun run;
  run.set_up = [] {
    for (Fence*& f : fences) f = &mock_fence();
  };
  run.threads = {[&] {
    result = wait_any({fences[0], fences[1]}, false, kernel::kMaxScheduleTimeout, &index);
    complete = fence_test_signaled_flag(*fences[index]);
  }};
  for (int i = 0; i < 2; ++i) run.threads.push_back([i] { fence_signal(*fences[i]); });
  run.tear_down = {[] {
    for (Fence* f : fences) put_mock(*f);
  }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_GT(result, 0);
                        ASSERT_TRUE(complete);
                        ++seen[index];
                      }),
            "nothing");
  EXPECT_EQ(run.sweep({kernel::kT2, kT0},
                      [&] {
                        ASSERT_TRUE(complete);
                        ++seen[index];
                      }),
            "nothing");
  EXPECT_GT(seen[0], 0u);
  EXPECT_GT(seen[1], 0u);
}

TEST(FenceWaitAny, WithASpinlockHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence* f = &mock_fence();
              kernel::spin_lock(*f->lock);
              fence_wait_any_timeout(&f, 1, false, 0, nullptr);
            }),
            "sleep-in-atomic dma_fence_wait_any_timeout");
}

// --- the signalling section ---

TEST(FenceSignallingSection, AllowsNoWaiting) {
  const char* const kFinding = "fence-contract wait-in-signalling-section";
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_begin_signalling();
              fence_wait_timeout(f, false, 0);
            }),
            kFinding);
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_begin_signalling();
              Fence* const fences[] = {&f};
              fence_wait_any_timeout(fences, 1, false, 0, nullptr);
            }),
            kFinding);
  EXPECT_EQ(with_fence([](Fence& f) {
              const bool cookie = fence_begin_signalling();
              const bool nested = fence_begin_signalling();
              fence_end_signalling(nested);
              fence_signal(f);
              fence_end_signalling(cookie);
              fence_wait(f, false);
            }),
            "nothing");
}

// Waiting with a lock held that somebody takes on the way to the signal.
TEST(FenceSignallingSection, TakesNoLockUnderWhichFencesAreWaitedFor) {
  const auto body = [](bool wait_under_lock) {
    kernel::OnHeap<kernel::Mutex> mutex;
    return with_fence([&](Fence& f) {
      kernel::mutex_init(mutex, "mutex");
      const bool cookie = fence_begin_signalling();
      kernel::mutex_lock(mutex);
      kernel::mutex_unlock(mutex);
      fence_signal(f);
      fence_end_signalling(cookie);
      kernel::mutex_lock(mutex);
      if (wait_under_lock) fence_wait(f, false);
      kernel::mutex_unlock(mutex);
      fence_wait(f, false);
      kernel::mutex_destroy(mutex);
    });
  };
  EXPECT_EQ(body(true), "lock-order-inversion mutex -> dma_fence_map");
  EXPECT_EQ(body(false), "nothing");
}

}  // namespace
}  // namespace dma
