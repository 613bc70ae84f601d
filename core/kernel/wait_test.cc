// Sleeping and waking: time, wake-ups that come early, and wake-ups that are lost.
#include "core/kernel/wait.h"

#include <gtest/gtest.h>

#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::kMaxScheduleTimeout;
using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

TEST(Wait, TimeoutEndsInVirtualTime) {
  EXPECT_EQ(run_alone([] {
              const uint64_t start = sched::now();
              kernel::set_current_state();
              EXPECT_EQ(kernel::schedule_timeout("event", 3600 * kernel::kSecond), 0u);
              EXPECT_EQ(sched::now(), start + 3600 * kernel::kSecond);
            }),
            "nothing");
}

TEST(Wait, WakeUpReturnsWhatIsLeftOfTheTimeout) {
  TestRun run;
  run.threads = {[] {
                   kernel::set_current_state();
                   EXPECT_EQ(kernel::schedule_timeout("event", 100), 60u);
                 },
                 [] {
                   kernel::set_current_state();
                   EXPECT_EQ(kernel::schedule_timeout("delay", 40), 0u);
                   kernel::wake_up_process(sched::context(0));
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(Wait, SleepersWakeInTheOrderOfTheirTimeouts) {
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  std::string order;
  TestRun run;
  for (uint64_t timeout : {30, 10, 20})
    run.threads.push_back([&, timeout] {
      kernel::set_current_state();
      kernel::schedule_timeout("event", timeout);
      kernel::spin_lock(lock);
      order += std::to_string(timeout) + " ";
      kernel::spin_unlock(lock);
    });
  run.cpus = 1;
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(order, "10 20 30 ");
}

TEST(Wait, WaitWithoutTimeoutTakesNoTime) {
  TestRun run;
  run.threads = {[] {
                   kernel::set_current_state();
                   EXPECT_EQ(kernel::schedule_timeout("event", kMaxScheduleTimeout),
                             kMaxScheduleTimeout);
                   EXPECT_EQ(sched::now(), 0u);
                 },
                 [] { kernel::wake_up_process(sched::context(0)); }};
  EXPECT_EQ(run(), "nothing");
}

TEST(Wait, NobodyLeftToWakeTheSleeperIsADeadlock) {
  EXPECT_EQ(run_alone([] {
              kernel::set_current_state();
              kernel::schedule_timeout("event", kMaxScheduleTimeout);
            }),
            "deadlock event");
}

TEST(Wait, WakeUpBetweenAnnouncementAndSleepCounts) {
  EXPECT_EQ(run_alone([] {
              kernel::set_current_state();
              kernel::wake_up_process(*sched::current());
              EXPECT_EQ(kernel::schedule_timeout("event", 50), 50u);
              EXPECT_EQ(sched::now(), 0u);
            }),
            "nothing");
}

TEST(Wait, WakeUpBeforeTheAnnouncementIsLost) {
  EXPECT_EQ(run_alone([] {
              kernel::wake_up_process(*sched::current());
              kernel::set_current_state();
              EXPECT_EQ(kernel::schedule_timeout("event", 50), 0u);
            }),
            "nothing");
}

// t0 waits for `done`, which t1 sets, in the way of the kernel or with the announcement in the
// wrong place.
struct WaitForFlag : TestRun {
  kernel::OnHeap<kernel::SpinLock> lock;
  bool done;

  explicit WaitForFlag(bool announce_before_unlock) {
    set_up = [this] {
      kernel::spin_lock_init(lock, "lock");
      done = false;
    };
    threads = {[this, announce_before_unlock] {
                 kernel::spin_lock(lock);
                 while (!done) {
                   if (announce_before_unlock) kernel::set_current_state();
                   kernel::spin_unlock(lock);
                   if (!announce_before_unlock) kernel::set_current_state();
                   kernel::schedule_timeout("done", kMaxScheduleTimeout);
                   kernel::spin_lock(lock);
                 }
                 kernel::spin_unlock(lock);
               },
               [this] {
                 kernel::spin_lock(lock);
                 done = true;
                 kernel::spin_unlock(lock);
                 kernel::wake_up_process(sched::context(0));
               }};
  }
};

TEST(Wait, FlagUnderALockIsNeverMissed) {
  EXPECT_EQ(WaitForFlag(true).sweep({kT1, kT0, kT1}), "nothing");
}

TEST(Wait, AnnouncementAfterTheUnlockMissesAWakeUpInBetween) {
  WaitForFlag run(false);
  EXPECT_EQ(run(), "nothing");
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "deadlock done");
}

TEST(Wait, WakeUpOfAFormerRunIsForgotten) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(run_alone([] {
                EXPECT_EQ(kernel::schedule_timeout("unannounced", 50), 0u);
                kernel::wake_up_process(*sched::current());
              }),
              "nothing");
}

TEST(Wait, SleepingInAtomicContextIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::set_current_state();
              kernel::local_irq_disable();
              kernel::schedule_timeout("event", 1);
            }),
            "sleep-in-atomic event");
}

TEST(Wait, SignalIsPendingForOneTaskOnly) {
  TestRun run;
  run.threads = {[] {
                   EXPECT_FALSE(kernel::signal_pending());
                   kernel::task().signal_pending = true;
                   EXPECT_TRUE(kernel::signal_pending());
                 },
                 [] { EXPECT_FALSE(kernel::signal_pending()); }};
  EXPECT_EQ(run(), "nothing");
}

}  // namespace
