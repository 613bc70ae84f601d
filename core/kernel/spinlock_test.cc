// Spinlocks, and the checkers that watch their use: each on faulty and on correct code.
#include "core/kernel/spinlock.h"

#include <gtest/gtest.h>

#include "core/kernel/mutex.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;
using kernel::SpinLock;
using kernel::TestRun;

SpinLock lock;
int counter;

void irq_takes_lock(void*) {
  kernel::spin_lock(lock);
  ++counter;
  kernel::spin_unlock(lock);
}

TEST(Spinlock, ExcludesOtherThreadsAtEveryPreemption) {
  for (uint32_t after = 0; after < 30; ++after) {
    counter = 0;
    TestRun run;
    run.threads = {[] {
                     kernel::spin_lock_init(lock, "lock");
                     for (int i = 0; i < 4; ++i) {
                       kernel::spin_lock(lock);
                       const int before = counter;
                       sched::point(sched::Point::kStep);
                       counter = before + 1;
                       kernel::spin_unlock(lock);
                     }
                   },
                   [] {
                     for (int i = 0; i < 4 && lock.name != nullptr; ++i) irq_takes_lock(nullptr);
                   }};
    run.preemptions = {{after + 1, sched::Target{1}}, {2, sched::Target{0}}, {3, sched::Target{1}}};
    EXPECT_EQ(to_string(run()), "nothing");
    EXPECT_GE(counter, 4);
  }
}

TEST(Spinlock, TakenTwiceByOneContextIsADeadlock) {
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock(lock);
              kernel::spin_lock(lock);
            }),
            "deadlock lock");
}

TEST(Spinlock, InterruptThatNeedsALockHeldWithInterruptsOnIsADeadlock) {
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock(lock);
              sched::raise_irq(0, {irq_takes_lock, nullptr, 0});
              sched::point(sched::Point::kStep);
              kernel::spin_unlock(lock);
            }),
            "deadlock lock");
}

TEST(Spinlock, WithInterruptsOffTheInterruptComesAfterTheUnlock) {
  counter = 0;
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              unsigned long flags;
              kernel::spin_lock_irqsave(lock, flags);
              sched::raise_irq(0, {irq_takes_lock, nullptr, 0});
              sched::point(sched::Point::kStep);
              EXPECT_EQ(counter, 0);
              kernel::spin_unlock_irqrestore(lock, flags);
              EXPECT_EQ(counter, 1);
            }),
            "nothing");
}

TEST(Spinlock, IrqsaveNestsAndRestoresWhatWas) {
  EXPECT_EQ(run_alone([] {
              SpinLock inner;
              kernel::spin_lock_init(lock, "outer");
              kernel::spin_lock_init(inner, "inner");
              unsigned long outer_flags, inner_flags;
              kernel::spin_lock_irqsave(lock, outer_flags);
              kernel::spin_lock_irqsave(inner, inner_flags);
              kernel::spin_unlock_irqrestore(inner, inner_flags);
              EXPECT_GT(sched::current()->irq_off, 0u);
              kernel::spin_unlock_irqrestore(lock, outer_flags);
              EXPECT_EQ(sched::current()->irq_off, 0u);
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

TEST(Spinlock, UnlockByAnotherIsReported) {
  TestRun run;
  run.threads = {[] {
                   kernel::spin_lock_init(lock, "lock");
                   kernel::spin_lock(lock);
                   sched::point(sched::Point::kStep);
                 },
                 [] { kernel::spin_unlock(lock); }};
  run.preemptions = {{2, sched::Target{1}}};
  EXPECT_EQ(to_string(run()), "unlock-not-owner lock");
}

TEST(Spinlock, DestroyWhileHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock(lock);
              kernel::spin_lock_destroy(lock);
            }),
            "lock-destroyed-while-held lock");
}

TEST(Spinlock, UseAfterDestroyIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock_destroy(lock);
              kernel::spin_lock(lock);
            }),
            "use-after-destroy spinlock");
}

TEST(Spinlock, HeldAtReturnIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock(lock);
              kernel::check_context_at_return("some_ioctl");
            }),
            "lock-held-at-return some_ioctl");
}

TEST(Spinlock, SleepingWithOneHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::Mutex mutex;
              kernel::mutex_init(mutex, "mutex");
              kernel::spin_lock_init(lock, "lock");
              kernel::spin_lock(lock);
              kernel::mutex_lock(mutex);
            }),
            "sleep-in-atomic mutex");
}

}  // namespace
