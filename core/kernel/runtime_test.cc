// A whole run: what its end checks and in which order, and that nothing outlives it.
#include "core/kernel/runtime.h"

#include <gtest/gtest.h>

#include "core/kernel/kref.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::run_alone;
using kernel::TestRun;

TEST(Runtime, SlotsStillTakenAtTheEndAreReported) {
  EXPECT_EQ(run_alone([] { kernel::runtime_end(2); }), "slot-leak seq64");
  EXPECT_EQ(run_alone([] { kernel::runtime_end(0); }), "nothing");
}

TEST(Runtime, ReferencesAreBlamedBeforeSlotsAndSlotsBeforeMemory) {
  EXPECT_EQ(run_alone([] {
              kernel::kmalloc(8, kernel::Gfp::kKernel, "memory");
              kernel::ledger_open("thing", {"creator"});
              kernel::runtime_end(1);
            }),
            "reference-leak thing held by creator");
  EXPECT_EQ(run_alone([] {
              kernel::kmalloc(8, kernel::Gfp::kKernel, "memory");
              kernel::runtime_end(1);
            }),
            "slot-leak seq64");
}

TEST(Runtime, ChecksOffTheEndReportsNothing) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              kernel::kmalloc(8, kernel::Gfp::kKernel, "memory");
              kernel::ledger_open("thing", {"creator"});
              kernel::runtime_end(1);
            }),
            "nothing");
}

TEST(Runtime, RunThatDoesNotEndIsALivelock) {
  EXPECT_EQ(run_alone([] {
              for (;;) sched::point(sched::Point::kStep);
            }),
            "livelock");
  EXPECT_EQ(run_alone([] {
              for (int i = 0; i < 10'000; ++i) sched::point(sched::Point::kStep);
            }),
            "nothing");
}

TEST(Runtime, LivelockAndDeadlockAreReportedEvenWithTheChecksOff) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              for (;;) sched::point(sched::Point::kStep);
            }),
            "livelock");
  EXPECT_EQ(run_alone([] {
              kernel::set_current_state();
              kernel::schedule_timeout("event", kernel::kMaxScheduleTimeout);
            }),
            "deadlock event");
}

// A run with a bit of everything.
uint64_t trace_of_a_run() {
  TestRun run;
  kernel::OnHeap<kernel::SpinLock> lock;
  run.set_up = [&] { kernel::spin_lock_init(lock, "lock"); };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&] {
      void* memory = kernel::kmalloc(8, kernel::Gfp::kKernel, "memory");
      kernel::Kref kref;
      kernel::kref_init(kref, "thing", {"creator"});
      kernel::spin_lock(lock);
      kernel::spin_unlock(lock);
      kernel::kref_put(kref, {"creator"}, [](kernel::Kref&) {});
      kernel::set_current_state();
      kernel::schedule_timeout("event", 10);
      kernel::kfree(memory);
    });
  run.preemptions = {{2, kernel::kT1}, {3, kernel::kT0}};
  EXPECT_EQ(run(), "nothing");
  return sched::trace().hash;
}

TEST(Runtime, SameRunLeavesTheSameTraceWhateverRanBefore) {
  const uint64_t first = trace_of_a_run();
  EXPECT_EQ(trace_of_a_run(), first);
  run_alone([] {
    kernel::kmalloc(8, kernel::Gfp::kKernel, "memory");
    kernel::ledger_open("thing", {"creator"});
    WARN_ON(true);
  });
  EXPECT_EQ(trace_of_a_run(), first);
}

}  // namespace
