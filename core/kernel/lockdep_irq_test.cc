// The lock checker: which locks interrupts and softirqs may take. Each rule on faulty and on
// correct code, and suppressed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "core/kernel/list.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/mutex.h"
#include "core/kernel/rcu.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::OnHeap;
using kernel::run_alone;
using kernel::SpinLock;
using kernel::Suppressed;
using kernel::TestRun;

OnHeap<SpinLock> spinlock(const char* name) {
  OnHeap<SpinLock> lock;
  kernel::spin_lock_init(lock, name);
  return lock;
}

void take(SpinLock& lock) {
  kernel::spin_lock(lock);
  kernel::spin_unlock(lock);
}

void take_irqsave(SpinLock& lock) {
  unsigned long flags;
  kernel::spin_lock_irqsave(lock, flags);
  kernel::spin_unlock_irqrestore(lock, flags);
}

void take_in_interrupt(SpinLock& lock) {
  kernel::in_interrupt([&] { take(lock); });
}

void take_within_irqsave(SpinLock& outer, SpinLock& inner) {
  unsigned long flags;
  kernel::spin_lock_irqsave(outer, flags);
  take_irqsave(inner);
  kernel::spin_unlock_irqrestore(outer, flags);
}

struct SpinLocks {
  OnHeap<SpinLock> a = spinlock("a"), b = spinlock("b"), c = spinlock("c");
};

// What is found when one thread does `body`. The locks are new: the run before may have ended with
// some of them held.
std::string with_locks(const std::function<void(SpinLocks& s)>& body) {
  SpinLocks s;
  return run_alone([&] { body(s); });
}

// --- interrupts ---

TEST(LockdepIrq, ClassTakenInAnInterruptAndWithInterruptsOnIsReportedInEitherOrder) {
  EXPECT_EQ(with_locks([](SpinLocks& s) {
              take_in_interrupt(s.a);
              take(s.a);
            }),
            "irq-unsafe-lock a");
  EXPECT_EQ(with_locks([](SpinLocks& s) {
              take(s.a);
              take_in_interrupt(s.a);
            }),
            "irq-unsafe-lock a");
  EXPECT_EQ(with_locks([](SpinLocks& s) {
              take_irqsave(s.a);
              take_in_interrupt(s.a);
              kernel::spin_lock_irq(s.a);
              kernel::spin_unlock_irq(s.a);
              take(s.b);
            }),
            "nothing");
}

TEST(LockdepIrq, InterruptsTurnedOnWhileALockIsHeldAreReported) {
  auto found = [](const std::function<void(SpinLocks & s)>& body) {
    return with_locks([&](SpinLocks& s) {
      take_in_interrupt(s.a);
      kernel::spin_lock_irq(s.a);
      body(s);
      kernel::spin_unlock_irq(s.a);
    });
  };
  EXPECT_EQ(found([](SpinLocks& s) { take_irqsave(s.b); }), "nothing");
  EXPECT_EQ(found([](SpinLocks& s) {
              kernel::spin_lock_irq(s.b);
              kernel::spin_unlock_irq(s.b);
            }),
            "irq-unsafe-lock a");
  EXPECT_EQ(found([](SpinLocks&) { kernel::local_irq_enable(); }), "irq-unsafe-lock a");
  EXPECT_EQ(found([](SpinLocks& s) {
              kernel::spin_lock_irq(s.b);
              kernel::spin_unlock_irqrestore(s.b, 0);
            }),
            "irq-unsafe-lock a");
}

// What a lock that interrupts take waits for must be safe as well, whichever of the facts comes
// last.
TEST(LockdepIrq, UnsafeClassTakenWithinOneThatInterruptsTakeIsReported) {
  using Fact = void (*)(SpinLocks& s);
  const Fact facts[] = {[](SpinLocks& s) { take_in_interrupt(s.a); },
                        [](SpinLocks& s) { take(s.c); },
                        [](SpinLocks& s) { take_within_irqsave(s.a, s.b); },
                        [](SpinLocks& s) { take_within_irqsave(s.b, s.c); }};
  unsigned order[] = {0, 1, 2, 3};
  do {
    EXPECT_EQ(with_locks([&](SpinLocks& s) {
                for (const unsigned i : order) facts[i](s);
              }),
              "irq-unsafe-lock a -> c");
  } while (std::next_permutation(std::begin(order), std::end(order)));
  for (unsigned left_out = 0; left_out < 4; ++left_out)
    EXPECT_EQ(with_locks([&](SpinLocks& s) {
                for (unsigned i = 0; i < 4; ++i)
                  if (i != left_out) facts[i](s);
              }),
              "nothing");
}

TEST(LockdepIrq, SleepingLocksAreNoMatter) {
  OnHeap<kernel::Mutex> mutex;
  kernel::mutex_init(mutex, "mutex");
  EXPECT_EQ(with_locks([&](SpinLocks& s) {
              take_in_interrupt(s.a);
              kernel::mutex_lock(mutex);
              kernel::spin_lock_irq(s.a);
              kernel::spin_unlock_irq(s.a);  // interrupts on, the mutex held
              kernel::mutex_unlock(mutex);
            }),
            "nothing");
}

TEST(LockdepIrq, TakenWithoutWaitingCountsAsTaken) {
  EXPECT_EQ(with_locks([](SpinLocks& s) {
              take_in_interrupt(s.a);
              kernel::spin_acquire(*sched::current(), "a", kernel::LockMode::kTry);
            }),
            "irq-unsafe-lock a");
}

// For the whole process, so the name is its own.
TEST(LockdepIrq, OneUseWithInterruptsOnIsEnoughIfTheClassIsDeclared) {
  for (int i = 0; i < 2; ++i) {
    kernel::lockdep_declare_irq_safe("declared safe");
    auto lock = spinlock("declared safe");
    EXPECT_EQ(run_alone([&] { take(lock); }), "irq-unsafe-lock declared safe");
    lock = spinlock("declared safe");
    EXPECT_EQ(with_locks([&](SpinLocks& s) {
                take(s.a);
                take_within_irqsave(lock, s.a);
              }),
              "irq-unsafe-lock declared safe -> a");
    lock = spinlock("declared safe");
    EXPECT_EQ(with_locks([&](SpinLocks& s) { take_within_irqsave(lock, s.a); }), "nothing");
  }
}

TEST(LockdepIrq, SuppressedFindingDoesNotHideTheNext) {
  Suppressed known({"irq-unsafe-lock:a", "irq-unsafe-lock:b -> *"});
  auto known_faults = [](SpinLocks& s) {
    for (int i = 0; i < 2; ++i) {
      take_in_interrupt(s.a);
      take(s.a);
      take_in_interrupt(s.b);
      take(s.c);
      take_within_irqsave(s.b, s.c);
    }
  };
  EXPECT_EQ(with_locks(known_faults), "nothing");
  EXPECT_EQ(with_locks([&](SpinLocks& s) {
              known_faults(s);
              take_in_interrupt(s.c);
            }),
            "irq-unsafe-lock c");
}

TEST(LockdepIrq, WhatIsSuppressedIsNotHeldAgainstOtherLocks) {
  Suppressed known({"irq-unsafe-lock:a"});
  EXPECT_EQ(with_locks([](SpinLocks& s) {
              take_in_interrupt(s.a);
              take(s.a);  // known
              take_in_interrupt(s.b);
              take_within_irqsave(s.b, s.a);
            }),
            "nothing");
}

// --- softirqs ---

// An RCU callback, which runs as a softirq.
struct Callback {
  kernel::RcuHead head;
  SpinLock lock;
  void (*take)(SpinLock& lock);

  static void run(kernel::RcuHead& head) {
    Callback& self = *container_of(&head, Callback, head);
    self.take(self.lock);
  }
};

// What is found when a callback and then a thread take a lock.
std::string taken_by(void (*in_softirq)(SpinLock& lock), void (*in_thread)(SpinLock& lock)) {
  auto callback = std::make_unique<Callback>();
  callback->take = in_softirq;
  kernel::spin_lock_init(callback->lock, "lock");
  TestRun run;
  run.set_up = [&] { kernel::call_rcu(callback->head, Callback::run); };
  run.threads = {[&] { in_thread(callback->lock); }};
  return run();
}

TEST(LockdepIrq, ClassTakenInASoftirqAndPlainlyByAThreadIsReported) {
  EXPECT_EQ(taken_by(take, take), "irq-unsafe-lock lock");
  EXPECT_EQ(taken_by(take_irqsave, take), "irq-unsafe-lock lock");
  EXPECT_EQ(taken_by(take, take_irqsave), "nothing");
}

TEST(LockdepIrq, UnsafeClassTakenWithinOneThatSoftirqsTakeIsReported) {
  auto within = [](SpinLock& lock) {
    static OnHeap<SpinLock> inner;
    kernel::spin_lock_init(inner, "inner");
    take(inner);
    take_within_irqsave(lock, inner);
  };
  EXPECT_EQ(taken_by(take_irqsave, within), "irq-unsafe-lock lock -> inner");
  EXPECT_EQ(taken_by([](SpinLock&) {}, within), "nothing");
}

TEST(LockdepIrq, ClassTakenPlainlyInASoftirqAndInAnInterruptIsReported) {
  EXPECT_EQ(taken_by(take, take_in_interrupt), "irq-unsafe-lock lock");
  EXPECT_EQ(taken_by(take_irqsave, take_in_interrupt), "nothing");
}

// --- the text ---

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return static_cast<size_t>(std::snprintf(buffer, capacity, "do number %u", tag));
}

void run_printing(std::vector<TestRun::Body> threads) {
  kernel::set_operation_printer(print_operation);
  TestRun run;
  run.print = true;
  run.threads = std::move(threads);
  run();
}

TEST(LockdepIrqDeathTest, BothSidesAreTold) {
  SpinLocks s;
  EXPECT_DEATH(run_printing({[&] { take_in_interrupt(s.a); }, [&] { take(s.a); }}),
               "ERROR: irq-unsafe-lock: a is taken in interrupts, and with interrupts on: one that "
               "comes then waits for ever\n"
               "  a in interrupts: operation 1: do number 1\n"
               "  a with interrupts on: operation 2: do number 2\n");
}

TEST(LockdepIrqDeathTest, WayToTheUnsafeClassIsTold) {
  SpinLocks s;
  EXPECT_DEATH(
      run_printing({[&] { take_within_irqsave(s.a, s.b); }, [&] { take_within_irqsave(s.b, s.c); },
                    [&] { take(s.c); }, [&] { take_in_interrupt(s.a); }}),
      "ERROR: irq-unsafe-lock: c, which is taken with interrupts on, is waited for while a "
      "is held, which is taken in interrupts\n"
      "  a in interrupts: operation 4: do number 4\n"
      "  a -> b: operation 1: do number 1\n"
      "  b -> c: operation 2: do number 2\n"
      "  c with interrupts on: operation 3: do number 3\n");
}

}  // namespace
