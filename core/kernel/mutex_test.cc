// Mutexes, and the checkers that watch their use: each on faulty and on correct code.
#include "core/kernel/mutex.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/kernel/rcu.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::Mutex;
using kernel::run_alone;
using kernel::TestRun;

kernel::OnHeap<Mutex> make_mutex(const char* name = "mutex") {
  kernel::OnHeap<Mutex> mutex;
  kernel::mutex_init(mutex, name);
  return mutex;
}

void lock_and_unlock(Mutex& mutex) {
  kernel::mutex_lock(mutex);
  kernel::mutex_unlock(mutex);
}

// Loses an update if somebody else comes in between.
void increment_under(Mutex& mutex, int& counter) {
  kernel::mutex_lock(mutex);
  const int before = counter;
  sched::point(sched::Point::kStep);
  counter = before + 1;
  kernel::mutex_unlock(mutex);
}

TEST(Mutex, ExcludesOtherThreadsAtEveryPreemption) {
  for (unsigned cpus = 1; cpus <= 2; ++cpus) {
    kernel::OnHeap<Mutex> mutex;
    int counter;
    TestRun run;
    run.cpus = cpus;
    run.set_up = [&] {
      mutex = make_mutex();
      counter = 0;
    };
    for (int thread = 0; thread < 2; ++thread)
      run.threads.push_back([&] {
        increment_under(mutex, counter);
        increment_under(mutex, counter);
      });
    EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(counter, 4); }), "nothing");
  }
}

TEST(Mutex, WaiterSleepsAndGoesOnAfterTheUnlock) {
  auto mutex = make_mutex();
  std::string order;
  TestRun run;
  run.cpus = 1;  // the waiter must give the CPU back
  run.threads = {[&] {
                   kernel::mutex_lock(mutex);
                   order += "locked ";
                   sched::point(sched::Point::kStep);
                   order += "unlocking ";
                   kernel::mutex_unlock(mutex);
                 },
                 [&] {
                   kernel::mutex_lock(mutex);
                   order += "taken over";
                   kernel::mutex_unlock(mutex);
                 }};
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(order, "locked unlocking taken over");
}

TEST(Mutex, TryingTakesOnlyAFreeOneAndDoesNotSleep) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              EXPECT_TRUE(kernel::mutex_trylock(mutex));
              kernel::lockdep_assert_held(mutex);
              EXPECT_FALSE(kernel::mutex_trylock(mutex));
              kernel::mutex_unlock(mutex);
              kernel::local_irq_enable();
              kernel::check_context_at_return("test");
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_destroy(mutex);
              kernel::mutex_trylock(mutex);
            }),
            "use-after-destroy mutex");
}

TEST(Mutex, TryingExcludesAtEveryPreemption) {
  kernel::OnHeap<Mutex> mutex;
  int counter, got = 0;
  TestRun run;
  run.set_up = [&] {
    mutex = make_mutex();
    counter = 0;
  };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&] {
      if (!kernel::mutex_trylock(mutex)) return;
      const int before = counter;
      sched::point(sched::Point::kStep);
      counter = before + 1;
      kernel::mutex_unlock(mutex);
    });
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { got |= counter; }), "nothing");
  EXPECT_EQ(got, 1 | 2);  // both or one
}

TEST(Mutex, InterruptibleWaitEndsWithASignalButAFreeOneIsTaken) {
  auto mutex = make_mutex();
  TestRun run;
  run.threads = {[&] {
                   EXPECT_EQ(kernel::mutex_lock_interruptible(mutex), 0);
                   kernel::set_current_state();
                   kernel::schedule_timeout("time", 50);
                   kernel::mutex_unlock(mutex);
                 },
                 [&] {
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(kernel::mutex_lock_interruptible(mutex), -EINTR);
                   EXPECT_EQ(sched::now(), 0u);
                   kernel::check_context_at_return("test");
                   kernel::mutex_lock(mutex);
                   EXPECT_EQ(sched::now(), 50u);
                   kernel::mutex_unlock(mutex);
                   EXPECT_EQ(kernel::mutex_lock_interruptible(mutex), 0);
                   kernel::mutex_unlock(mutex);
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(Mutex, InterruptibleWaitWithoutASignalWaits) {
  auto mutex = make_mutex();
  TestRun run;
  run.threads = {[&] {
                   kernel::mutex_lock(mutex);
                   kernel::set_current_state();
                   kernel::schedule_timeout("time", 50);
                   kernel::mutex_unlock(mutex);
                 },
                 [&] {
                   EXPECT_EQ(kernel::mutex_lock_interruptible(mutex), 0);
                   EXPECT_EQ(sched::now(), 50u);
                   kernel::mutex_unlock(mutex);
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(Mutex, TakenTwiceByOneThreadIsReportedAndADeadlockWithTheChecksOff) {
  auto mutex = make_mutex();
  auto twice = [&] {
    return run_alone([&] {
      kernel::mutex_lock(mutex);
      kernel::mutex_lock(mutex);
    });
  };
  EXPECT_EQ(twice(), "lock-order-inversion mutex -> mutex");
  kernel::ChecksOff off;
  EXPECT_EQ(twice(), "deadlock mutex");
}

TEST(Mutex, TakenTwiceInTurnIsFine) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              lock_and_unlock(mutex);
              lock_and_unlock(mutex);
            }),
            "nothing");
}

TEST(Mutex, ChecksOffOppositeOrdersDeadlockWhenBothHoldOne) {
  kernel::ChecksOff off;
  auto a = make_mutex("a"), b = make_mutex("b");
  auto take_both = [](Mutex& first, Mutex& second) {
    kernel::mutex_lock(first);
    kernel::mutex_lock(second);
    kernel::mutex_unlock(second);
    kernel::mutex_unlock(first);
  };
  TestRun run;
  run.threads = {[&] { take_both(a, b); }, [&] { take_both(b, a); }};
  EXPECT_EQ(run(), "nothing");
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "deadlock b");
}

TEST(Mutex, UnlockByAnotherIsReported) {
  auto mutex = make_mutex();
  TestRun run;
  run.threads = {[&] {
                   kernel::mutex_lock(mutex);
                   sched::point(sched::Point::kStep);
                 },
                 [&] { kernel::mutex_unlock(mutex); }};
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "unlock-not-owner mutex");
}

TEST(Mutex, DestroyWhileHeldIsReported) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_lock(mutex);
              kernel::mutex_destroy(mutex);
            }),
            "lock-destroyed-while-held mutex");
}

TEST(Mutex, DestroyAfterUnlockIsFine) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              lock_and_unlock(mutex);
              kernel::mutex_destroy(mutex);
            }),
            "nothing");
}

TEST(Mutex, UseBeforeInitIsReported) {
  Mutex mutex{};
  EXPECT_EQ(run_alone([&] { kernel::mutex_lock(mutex); }), "use-after-destroy mutex");
}

TEST(Mutex, UseAfterDestroyIsReported) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_destroy(mutex);
              kernel::mutex_lock(mutex);
            }),
            "use-after-destroy mutex");
}

TEST(Mutex, DestroyedTwiceIsReported) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_destroy(mutex);
              kernel::mutex_destroy(mutex);
            }),
            "use-after-destroy mutex");
}

TEST(Mutex, TakenInAnInterruptIsReportedEvenWhenFree) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] { kernel::in_interrupt([&] { kernel::mutex_lock(mutex); }); }),
            "sleep-in-atomic mutex");
}

TEST(Mutex, TakenWithASpinlockHeldIsReportedButNotAfterItsUnlock) {
  auto mutex = make_mutex();
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::spin_unlock(lock);
              lock_and_unlock(mutex);
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::mutex_lock(mutex);
            }),
            "sleep-in-atomic mutex");
}

TEST(Mutex, SpinlockWithinAMutexIsFine) {
  auto mutex = make_mutex();
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_lock(mutex);
              kernel::spin_lock(lock);
              kernel::spin_unlock(lock);
              kernel::mutex_unlock(mutex);
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

TEST(Mutex, TakenWithInterruptsOffIsReported) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              kernel::mutex_lock(mutex);
            }),
            "sleep-in-atomic mutex");
}

TEST(Mutex, TakenWithinAnRcuReaderIsReportedButNotTheOtherWayRound) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_lock(mutex);
              kernel::rcu_read_lock();
              kernel::rcu_read_unlock();
              kernel::mutex_unlock(mutex);
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              kernel::rcu_read_lock();
              kernel::mutex_lock(mutex);
            }),
            "sleep-in-atomic mutex");
}

TEST(Mutex, HeldAtReturnIsReported) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_lock(mutex);
              kernel::check_context_at_return("some_ioctl");
            }),
            "lock-held-at-return some_ioctl");
  mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_trylock(mutex);
              kernel::check_context_at_return("some_ioctl");
            }),
            "lock-held-at-return some_ioctl");
}

TEST(Mutex, AssertionThatItIsHeldWarnsUnlessItIs) {
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::mutex_lock(mutex);
              kernel::lockdep_assert_held(mutex);
              kernel::mutex_unlock(mutex);
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] { kernel::lockdep_assert_held(mutex); }), "warn-on mutex");
}

TEST(Mutex, ChecksOffMisuseIsNotReported) {
  kernel::ChecksOff off;
  auto mutex = make_mutex();
  EXPECT_EQ(run_alone([&] {
              kernel::lockdep_assert_held(mutex);
              kernel::rcu_read_lock();
              lock_and_unlock(mutex);
              kernel::mutex_destroy(mutex);
              lock_and_unlock(mutex);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

}  // namespace
