// Wait queues: no wake-up is missed, and what the waits return.
#include "core/kernel/wait_queue.h"

#include <gtest/gtest.h>

#include "core/kernel/atomic.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::run_alone;
using kernel::TestRun;
using kernel::WaitQueueHead;

void sleep_until(uint64_t time) {
  kernel::set_current_state();
  kernel::schedule_timeout("time", time - sched::now());
}

TEST(WaitQueue, NoWakeUpIsMissedAtEveryPreemption) {
  WaitQueueHead head;
  int done;
  TestRun run;
  run.set_up = [&] {
    kernel::init_waitqueue_head(head, "event");
    done = 0;
  };
  auto wait = [&] { kernel::wait_event(head, [&] { return kernel::read_once(done) == 1; }); };
  run.threads = {wait, [&] {
                   kernel::write_once(done, 1);
                   kernel::wake_up(head);
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(head.first, nullptr); }), "nothing");
  run.threads.push_back(wait);
  EXPECT_EQ(run.sweep({kT1, kT2, kT0}, [&] { ASSERT_EQ(head.first, nullptr); }), "nothing");
}

TEST(WaitQueue, NobodyQueuesUpForAConditionThatIsTrue) {
  WaitQueueHead head;
  EXPECT_EQ(run_alone([&] {
              kernel::init_waitqueue_head(head, "event");
              kernel::wait_event(head, [&] {
                EXPECT_EQ(head.first, nullptr);
                return true;
              });
            }),
            "nothing");
}

TEST(WaitQueue, ConditionMayTakeLocks) {
  WaitQueueHead head;
  kernel::OnHeap<kernel::SpinLock> lock;
  int done;
  TestRun run;
  run.set_up = [&] {
    kernel::init_waitqueue_head(head, "event");
    kernel::spin_lock_init(lock, "lock");
    done = 0;
  };
  run.threads = {[&] {
                   kernel::wait_event(head, [&] {
                     kernel::spin_lock(lock);
                     const bool result = done == 2;
                     kernel::spin_unlock(lock);
                     return result;
                   });
                 },
                 [&] {
                   for (int i = 0; i < 2; ++i) {
                     kernel::spin_lock(lock);
                     ++done;
                     kernel::spin_unlock(lock);
                     kernel::wake_up(head);
                   }
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(WaitQueue, EveryWakeUpWakesAll) {
  for (auto* wake : {kernel::wake_up, kernel::wake_up_all}) {
    WaitQueueHead head;
    int done = 0;
    TestRun run;
    run.set_up = [&] { kernel::init_waitqueue_head(head, "event"); };
    auto wait = [&] {
      kernel::wait_event(head, [&] { return kernel::read_once(done) == 1; });
      EXPECT_EQ(sched::now(), 10u);
    };
    run.threads = {wait, wait, wait, [&] {
                     EXPECT_TRUE(kernel::waitqueue_active(head));
                     sleep_until(10);
                     kernel::write_once(done, 1);
                     wake(head);
                   }};
    EXPECT_EQ(run(), "nothing");
    EXPECT_EQ(head.first, nullptr);
  }
}

TEST(WaitQueue, TimeoutReturnsWhatIsLeft) {
  WaitQueueHead head;
  int done = 0;
  TestRun run;
  run.set_up = [&] { kernel::init_waitqueue_head(head, "event"); };
  run.threads = {[&] {
                   auto condition = [&] { return kernel::read_once(done) == 1; };
                   EXPECT_EQ(kernel::wait_event_timeout(head, condition, 0), 0);
                   EXPECT_EQ(kernel::wait_event_timeout(head, condition, 50), 0);
                   EXPECT_EQ(sched::now(), 50u);
                   EXPECT_EQ(kernel::wait_event_timeout(head, condition, 100), 90);
                   EXPECT_EQ(kernel::wait_event_timeout(head, condition, 100), 100);
                   EXPECT_EQ(kernel::wait_event_timeout(head, condition, 0), 1);
                   EXPECT_FALSE(kernel::waitqueue_active(head));
                 },
                 [&] {
                   sleep_until(55);
                   kernel::wake_up(head);  // for nothing
                   sleep_until(60);
                   kernel::write_once(done, 1);
                   kernel::wake_up(head);
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(WaitQueue, ConditionThatComesTrueWithTheTimeoutCounts) {
  WaitQueueHead head;
  EXPECT_EQ(run_alone([&] {
              kernel::init_waitqueue_head(head, "event");
              auto late = [] { return sched::now() >= 50; };
              EXPECT_EQ(kernel::wait_event_timeout(head, late, 50), 1);
            }),
            "nothing");
}

TEST(WaitQueue, OnlyAnInterruptibleWaitEndsWithASignal) {
  WaitQueueHead head;
  EXPECT_EQ(run_alone([&] {
              kernel::init_waitqueue_head(head, "event");
              auto never = [] { return false; };
              auto always = [] { return true; };
              EXPECT_EQ(kernel::wait_event_interruptible_timeout(head, never, 50), 0);
              kernel::task().signal_pending = true;
              EXPECT_EQ(kernel::wait_event_interruptible_timeout(head, always, 50), 50);
              EXPECT_EQ(kernel::wait_event_timeout(head, never, 50), 0);
              EXPECT_EQ(kernel::wait_event_interruptible_timeout(head, never, 50),
                        -kernel::kErestartsys);
              EXPECT_EQ(sched::now(), 100u);
              EXPECT_FALSE(kernel::waitqueue_active(head));
            }),
            "nothing");
}

TEST(WaitQueue, WakesFromAnInterrupt) {
  WaitQueueHead head;
  int done;
  TestRun run;
  run.set_up = [&] {
    kernel::init_waitqueue_head(head, "event");
    done = 0;
  };
  run.threads = {[&] { kernel::wait_event(head, [&] { return kernel::read_once(done) == 1; }); }};
  run.irqs = {[&] {
    kernel::write_once(done, 1);
    kernel::wake_up(head);
  }};
  EXPECT_EQ(run.sweep({sched::Target::kIrq}), "nothing");
}

// Clean under TSan: who is woken looks at the condition behind the queue's lock.
TEST(WaitQueue, WhatIsDoneBeforeTheWakeUpHappensBeforeTheNextLook) {
  WaitQueueHead head;
  int payload;
  TestRun run;
  run.set_up = [&] {
    kernel::init_waitqueue_head(head, "event");
    payload = 0;
  };
  run.threads = {[&] {
                   kernel::WaitQueueEntry entry{};
                   kernel::prepare_to_wait(head, entry);
                   kernel::schedule_timeout("event", kernel::kMaxScheduleTimeout);
                   kernel::prepare_to_wait(head, entry);
                   EXPECT_EQ(payload, 1);
                   kernel::finish_wait(head, entry);
                   kernel::finish_wait(head, entry);  // once more does nothing
                   EXPECT_FALSE(kernel::waitqueue_active(head));
                 },
                 [&] {
                   payload = 1;
                   kernel::wake_up(head);
                 }};
  EXPECT_EQ(run(), "nothing");
}

// --- misuse ---

TEST(WaitQueue, EventThatNeverComesIsADeadlock) {
  WaitQueueHead head;
  EXPECT_EQ(run_alone([&] {
              kernel::init_waitqueue_head(head, "event");
              kernel::wait_event(head, [] { return false; });
            }),
            "deadlock event");
}

TEST(WaitQueue, WaitInAtomicContextIsReportedEvenIfTheConditionIsTrue) {
  WaitQueueHead head;
  EXPECT_EQ(run_alone([&] {
              kernel::init_waitqueue_head(head, "event");
              kernel::local_irq_disable();
              kernel::wait_event(head, [] { return true; });
            }),
            "sleep-in-atomic event");
}

TEST(WaitQueue, UseBeforeInitIsReported) {
  for (auto use : {+[](WaitQueueHead& head) { kernel::wake_up(head); },
                   +[](WaitQueueHead& head) { kernel::wait_event(head, [] { return false; }); }}) {
    WaitQueueHead head{};
    EXPECT_EQ(run_alone([&] { use(head); }), "use-after-destroy waitqueue");
  }
}

}  // namespace
