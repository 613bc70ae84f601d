// Contexts: what must not sleep, and what must be in balance when an operation returns.
#include "core/kernel/task.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/kernel/mutex.h"
#include "core/kernel/rcu.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;

struct Locks {
  kernel::OnHeap<kernel::SpinLock> spin;
  kernel::OnHeap<kernel::Mutex> mutex;

  Locks() {
    kernel::spin_lock_init(spin, "spin");
    kernel::mutex_init(mutex, "mutex");
  }
};

// What a check at the return of an operation says if the operation did `body`.
std::string at_return(const std::function<void()>& body) {
  return run_alone([&] {
    body();
    kernel::check_context_at_return("op");
  });
}

TEST(Task, ReturnInBalanceIsFine) {
  Locks locks;
  EXPECT_EQ(at_return([&] {
              kernel::mutex_lock(locks.mutex);
              kernel::spin_lock_irq(locks.spin);
              kernel::rcu_read_lock();
              kernel::rcu_read_unlock();
              kernel::spin_unlock_irq(locks.spin);
              kernel::mutex_unlock(locks.mutex);
              kernel::local_irq_disable();
              kernel::local_irq_enable();
            }),
            "nothing");
}

TEST(Task, EachKindOfImbalanceAtReturnIsReported) {
  Locks locks;
  EXPECT_EQ(at_return([&] { kernel::spin_lock(locks.spin); }), "lock-held-at-return op");
  EXPECT_EQ(at_return([&] { kernel::mutex_lock(locks.mutex); }), "lock-held-at-return op");
  EXPECT_EQ(at_return([] { kernel::rcu_read_lock(); }), "lock-held-at-return op");
  EXPECT_EQ(at_return([] { kernel::local_irq_disable(); }), "lock-held-at-return op");
  EXPECT_EQ(at_return([] { ++sched::current()->preempt_off; }), "lock-held-at-return op");
}

TEST(Task, InterruptsLeftOffByTheWrongUnlockAreReported) {
  Locks locks;
  EXPECT_EQ(at_return([&] {
              kernel::spin_lock_irq(locks.spin);
              kernel::spin_unlock(locks.spin);
            }),
            "lock-held-at-return op");
}

TEST(Task, InterruptMustReturnAsItCame) {
  Locks locks;
  auto interrupt = [](const std::function<void()>& body) {
    return run_alone([&] {
      kernel::in_interrupt([&] {
        body();
        kernel::check_context_at_return("irq");
      });
    });
  };
  EXPECT_EQ(interrupt([&] {
              unsigned long flags;
              kernel::spin_lock_irqsave(locks.spin, flags);
              kernel::spin_unlock_irqrestore(locks.spin, flags);
            }),
            "nothing");
  EXPECT_EQ(interrupt([&] { kernel::spin_lock(locks.spin); }), "lock-held-at-return irq");
  EXPECT_EQ(interrupt([] { kernel::local_irq_enable(); }), "lock-held-at-return irq");
}

TEST(Task, AtomicContextsAreKnown) {
  Locks locks;
  EXPECT_EQ(run_alone([&] {
              EXPECT_FALSE(kernel::in_atomic());
              EXPECT_FALSE(kernel::in_irq());
              kernel::mutex_lock(locks.mutex);
              EXPECT_FALSE(kernel::in_atomic());
              kernel::mutex_unlock(locks.mutex);
              kernel::spin_lock(locks.spin);
              EXPECT_TRUE(kernel::in_atomic());
              kernel::spin_unlock(locks.spin);
              kernel::local_irq_disable();
              EXPECT_TRUE(kernel::in_atomic());
              kernel::local_irq_enable();
              kernel::in_interrupt([] {
                EXPECT_TRUE(kernel::in_atomic());
                EXPECT_TRUE(kernel::in_irq());
              });
              EXPECT_FALSE(kernel::in_atomic());
            }),
            "nothing");
}

TEST(Task, SleepIsReportedByTheNameOfWhatSleeps) {
  EXPECT_EQ(run_alone([] { kernel::might_sleep("something"); }), "nothing");
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::might_sleep("something");
            }),
            "sleep-in-atomic something");
  EXPECT_EQ(run_alone([] { kernel::in_interrupt([] { kernel::might_sleep("something"); }); }),
            "sleep-in-atomic something");
}

TEST(Task, InterruptsComeAgainAfterTheyWereEnabled) {
  static std::atomic<bool> came;
  came = false;
  EXPECT_EQ(run_alone([] {
              kernel::local_irq_disable();
              sched::raise_irq(0, {[](void*) { came = true; }, nullptr, 0});
              sched::point(sched::Point::kStep);
              EXPECT_FALSE(came);
              kernel::local_irq_enable();
              EXPECT_TRUE(came);
            }),
            "nothing");
}

// As on a CPU: disabling does not nest.
TEST(Task, EnablingTurnsInterruptsOnWhateverTheyWere) {
  EXPECT_EQ(at_return([] {
              kernel::local_irq_enable();
              EXPECT_FALSE(kernel::in_atomic());
              kernel::local_irq_disable();
              kernel::local_irq_disable();
              kernel::local_irq_enable();
            }),
            "nothing");
}

TEST(TaskReportDeathTest, SleepNamesTheOutermostLockHeld) {
  Locks locks;
  kernel::OnHeap<kernel::SpinLock> inner;
  kernel::spin_lock_init(inner, "inner");
  kernel::TestRun run;
  run.print = true;
  run.threads = {[&] {
    kernel::spin_lock(inner);
    kernel::spin_lock(locks.spin);
    kernel::spin_unlock(inner);
    kernel::might_sleep("something");
  }};
  EXPECT_DEATH(run(), "something may sleep, but the context is atomic; locks held: spin\n");
}

TEST(Task, StateIsNewInEachRun) {
  EXPECT_EQ(run_alone([] {
              kernel::task().fail_alloc = 1;
              kernel::task().signal_pending = true;
            }),
            "nothing");
  EXPECT_EQ(run_alone([] {
              EXPECT_EQ(kernel::task().fail_alloc, 0u);
              EXPECT_FALSE(kernel::task().signal_pending);
            }),
            "nothing");
}

TEST(Task, ChecksOffImbalanceIsNotReported) {
  kernel::ChecksOff off;
  EXPECT_EQ(at_return([] {
              kernel::rcu_read_lock();
              kernel::might_sleep("something");
            }),
            "nothing");
}

}  // namespace
