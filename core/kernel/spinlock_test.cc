// Spinlocks, and the checkers that watch their use: each on faulty and on correct code.
#include "core/kernel/spinlock.h"

#include <gtest/gtest.h>

#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::SpinLock;
using kernel::TestRun;

kernel::OnHeap<SpinLock> make_lock(const char* name = "lock") {
  kernel::OnHeap<SpinLock> lock;
  kernel::spin_lock_init(lock, name);
  return lock;
}

// Loses an update if somebody else comes in between.
void increment_under(SpinLock& lock, int& counter) {
  kernel::spin_lock(lock);
  const int before = counter;
  sched::point(sched::Point::kStep);
  counter = before + 1;
  kernel::spin_unlock(lock);
}

TEST(Spinlock, ExcludesOtherThreadsAtEveryPreemption) {
  kernel::OnHeap<SpinLock> lock;
  int counter;
  TestRun run;
  run.set_up = [&] {
    lock = make_lock();
    counter = 0;
  };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&] {
      increment_under(lock, counter);
      increment_under(lock, counter);
    });
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(counter, 4); }), "nothing");
}

TEST(Spinlock, HolderKeepsItsCpu) {
  auto lock = make_lock();
  bool other_ran = false;
  TestRun run;
  run.cpus = 1;
  run.threads = {[&] {
                   kernel::spin_lock(lock);
                   for (int i = 0; i < 5; ++i) sched::point(sched::Point::kStep);
                   EXPECT_FALSE(other_ran);
                   kernel::spin_unlock(lock);
                 },
                 [&] {
                   kernel::spin_lock(lock);
                   other_ran = true;
                   kernel::spin_unlock(lock);
                 }};
  run.preemptions = {{2, kT1}, {1, kT1}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_TRUE(other_ran);
}

TEST(Spinlock, TakenTwiceByOneContextIsReportedAndADeadlockWithTheChecksOff) {
  auto lock = make_lock();
  auto twice = [&] {
    return run_alone([&] {
      kernel::spin_lock(lock);
      kernel::spin_lock(lock);
    });
  };
  EXPECT_EQ(twice(), "lock-order-inversion lock -> lock");
  kernel::ChecksOff off;
  EXPECT_EQ(twice(), "deadlock lock");
}

TEST(Spinlock, ChecksOffOppositeOrdersDeadlockWhenBothHoldOne) {
  kernel::ChecksOff off;
  auto a = make_lock("a"), b = make_lock("b");
  auto take_both = [](SpinLock& first, SpinLock& second) {
    kernel::spin_lock(first);
    kernel::spin_lock(second);
    kernel::spin_unlock(second);
    kernel::spin_unlock(first);
  };
  TestRun run;
  run.threads = {[&] { take_both(a, b); }, [&] { take_both(b, a); }};
  EXPECT_EQ(run(), "nothing");
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "deadlock b");
}

TEST(Spinlock, ChecksOffInterruptThatNeedsALockHeldWithInterruptsOnIsADeadlock) {
  kernel::ChecksOff off;
  auto lock = make_lock();
  int counter = 0;
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::in_interrupt([&] { increment_under(lock, counter); });
              kernel::spin_unlock(lock);
            }),
            "deadlock lock");
}

struct InterruptOnCpu0 {
  kernel::OnHeap<SpinLock> lock = make_lock();
  int counter = 0;

  void raise() { sched::raise_irq(0, {handle, this, 0}); }
  static void handle(void* self) {
    increment_under(static_cast<InterruptOnCpu0*>(self)->lock,
                    static_cast<InterruptOnCpu0*>(self)->counter);
  }
  int count() {
    unsigned long flags;
    kernel::spin_lock_irqsave(lock, flags);
    const int now = counter;
    kernel::spin_unlock_irqrestore(lock, flags);
    return now;
  }
};

TEST(Spinlock, WithInterruptsSavedAndOffTheInterruptComesAfterTheUnlock) {
  InterruptOnCpu0 irq;
  EXPECT_EQ(run_alone([&] {
              unsigned long flags;
              kernel::spin_lock_irqsave(irq.lock, flags);
              irq.raise();
              sched::point(sched::Point::kStep);
              EXPECT_EQ(irq.counter, 0);
              kernel::spin_unlock_irqrestore(irq.lock, flags);
              EXPECT_EQ(irq.count(), 1);
            }),
            "nothing");
}

TEST(Spinlock, WithInterruptsOffTheInterruptComesAfterTheUnlock) {
  InterruptOnCpu0 irq;
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock_irq(irq.lock);
              irq.raise();
              sched::point(sched::Point::kStep);
              EXPECT_EQ(irq.counter, 0);
              kernel::spin_unlock_irq(irq.lock);
              EXPECT_EQ(irq.count(), 1);
            }),
            "nothing");
}

TEST(Spinlock, IrqsaveNestsAndRestoresWhatWas) {
  auto outer = make_lock("outer"), inner = make_lock("inner");
  EXPECT_EQ(run_alone([&] {
              unsigned long outer_flags, inner_flags;
              kernel::spin_lock_irqsave(outer, outer_flags);
              kernel::spin_lock_irqsave(inner, inner_flags);
              kernel::spin_unlock_irqrestore(inner, inner_flags);
              EXPECT_GT(sched::current()->irq_off, 0u);
              kernel::spin_unlock_irqrestore(outer, outer_flags);
              EXPECT_EQ(sched::current()->irq_off, 0u);
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

TEST(Spinlock, UnlockIrqTurnsInterruptsOnWhateverTheyWere) {
  auto outer = make_lock("outer"), inner = make_lock("inner");
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock_irq(outer);
              kernel::spin_lock_irq(inner);
              kernel::spin_unlock_irq(inner);
              EXPECT_EQ(sched::current()->irq_off, 0u);
              kernel::spin_unlock_irq(outer);
            }),
            "nothing");
}

TEST(Spinlock, UnlockByAnotherIsReported) {
  auto lock = make_lock();
  TestRun run;
  run.threads = {[&] {
                   kernel::spin_lock(lock);
                   sched::point(sched::Point::kStep);
                 },
                 [&] { kernel::spin_unlock(lock); }};
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "unlock-not-owner lock");
}

TEST(Spinlock, UnlockOfAFreeOneIsReported) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] { kernel::spin_unlock(lock); }), "unlock-not-owner lock");
}

TEST(Spinlock, DestroyWhileHeldIsReported) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::spin_lock_destroy(lock);
            }),
            "lock-destroyed-while-held lock");
}

TEST(Spinlock, DestroyAfterUnlockIsFine) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::spin_unlock(lock);
              kernel::spin_lock_destroy(lock);
            }),
            "nothing");
}

TEST(Spinlock, UseBeforeInitIsReported) {
  SpinLock lock{};
  EXPECT_EQ(run_alone([&] { kernel::spin_lock(lock); }), "use-after-destroy spinlock");
}

TEST(Spinlock, UseAfterDestroyIsReported) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock_destroy(lock);
              kernel::spin_lock(lock);
            }),
            "use-after-destroy spinlock");
}

TEST(Spinlock, InitAfterDestroyMakesItUsableAgain) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock_destroy(lock);
              kernel::spin_lock_init(lock, "again");
              kernel::spin_lock(lock);
              kernel::spin_unlock(lock);
            }),
            "nothing");
}

TEST(Spinlock, AssertionThatItIsHeldSpeaksOfTheRunningContext) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              EXPECT_TRUE(kernel::spin_is_held(lock));
              kernel::lockdep_assert_held(lock);
              kernel::spin_unlock(lock);
            }),
            "nothing");
  TestRun run;
  run.threads = {[&] {
                   kernel::spin_lock(lock);
                   sched::point(sched::Point::kStep);
                   kernel::spin_unlock(lock);
                 },
                 [&] { kernel::lockdep_assert_held(lock); }};
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "warn-on lock");
}

TEST(Spinlock, ChecksOffMisuseIsNotReported) {
  kernel::ChecksOff off;
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              kernel::lockdep_assert_held(lock);
              kernel::spin_lock_destroy(lock);
              kernel::spin_lock(lock);
              kernel::spin_unlock(lock);
            }),
            "nothing");
}

}  // namespace
