// RCU: what a callback waits for, and the misuse that is reported.
#include "core/kernel/rcu.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/sched/sanitizer.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::run_alone;
using kernel::TestRun;
using sched::Target;

void step() { sched::point(sched::Point::kStep); }

// A callback that does what the test says.
struct Callback : kernel::RcuHead {
  std::function<void()> body;

  void call() {
    kernel::call_rcu(*this, [](RcuHead& head) { static_cast<Callback&>(head).body(); });
  }
};

void expect_callback_waits_for(
    const std::function<void(const std::function<void()>& section)>& read) {
  std::atomic<bool> reading, called_while_reading;
  bool ran;
  Callback callback;
  callback.body = [&] {
    ran = true;
    if (called_while_reading) EXPECT_FALSE(reading);
  };
  TestRun run;
  run.set_up = [&] { reading = called_while_reading = ran = false; };
  run.threads = {[&] {
                   read([&] {
                     reading = true;
                     for (int i = 0; i < 4; ++i) step();
                     reading = false;
                   });
                 },
                 [&] {
                   called_while_reading = reading.load();
                   callback.call();
                   step();
                 }};
  int waited = 0;
  EXPECT_EQ(run.sweep({kT1, Target::kSoftirq, kT0},
                      [&] {
                        ASSERT_TRUE(ran);
                        waited += called_while_reading;
                      }),
            "nothing");
  EXPECT_GT(waited, 0);  // the sweep did come across it
}

TEST(Rcu, CallbackWaitsForAnRcuReader) {
  expect_callback_waits_for([](auto& section) {
    kernel::rcu_read_lock();
    section();
    kernel::rcu_read_unlock();
  });
}

TEST(Rcu, CallbackWaitsForTheOutermostOfNestedReaders) {
  expect_callback_waits_for([](auto& section) {
    kernel::rcu_read_lock();
    kernel::rcu_read_lock();
    kernel::rcu_read_unlock();
    section();
    kernel::rcu_read_unlock();
  });
}

TEST(Rcu, CallbackWaitsForASpinlockHolder) {
  expect_callback_waits_for([](auto& section) {
    kernel::SpinLock lock;
    kernel::spin_lock_init(lock, "lock");
    kernel::spin_lock(lock);
    section();
    kernel::spin_unlock(lock);
    kernel::spin_lock_destroy(lock);
  });
}

TEST(Rcu, CallbackWaitsForInterruptsOff) {
  expect_callback_waits_for([](auto& section) {
    kernel::local_irq_disable();
    section();
    kernel::local_irq_enable();
  });
}

TEST(Rcu, CallbackWaitsForAnInterrupt) {
  expect_callback_waits_for([](auto& section) { kernel::in_interrupt(section); });
}

TEST(Rcu, CallbackWaitsForTheCallerOfCallRcuIfItReads) {
  bool ran = false;
  Callback callback;
  callback.body = [&] { ran = true; };
  TestRun run;
  run.threads = {[&] {
    kernel::rcu_read_lock();
    callback.call();
    step();
    EXPECT_FALSE(ran);
    kernel::rcu_read_unlock();
  }};
  run.preemptions = {{1, Target::kSoftirq}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_TRUE(ran);
}

TEST(Rcu, ReaderThatBeganLaterDoesNotDelayTheCallback) {
  std::atomic<bool> ran = false;
  Callback callback;
  callback.body = [&] { ran = true; };
  TestRun run;
  run.threads = {[&] {
    callback.call();
    kernel::rcu_read_lock();
    step();
    EXPECT_TRUE(ran);
    kernel::rcu_read_unlock();
  }};
  run.preemptions = {{1, Target::kSoftirq}};
  EXPECT_EQ(run(), "nothing");
}

TEST(Rcu, CallbackRunsWhenTheScheduleNamesSoftirqOrElseWhenNobodyElseCan) {
  for (bool named : {false, true}) {
    std::atomic<bool> ran = false;
    Callback callback;
    callback.body = [&] { ran = true; };
    TestRun run;
    run.threads = {[&] {
      callback.call();
      step();
      EXPECT_EQ(ran, named);
    }};
    if (named) run.preemptions = {{1, Target::kSoftirq}};
    EXPECT_EQ(run(), "nothing");
    EXPECT_TRUE(ran);
  }
}

// Asks first, and then takes; what it got runs here.
bool takes_what_there_is() {
  const bool there_is = kernel::rcu_has_softirq();
  sched::Job job;
  EXPECT_EQ(kernel::rcu_take_softirq(&job), there_is);
  const uint32_t tag = sched::current()->tag;
  if (there_is) job.run(job.arg);
  sched::current()->tag = tag;
  return there_is;
}

TEST(Rcu, ThereIsASoftirqExactlyWhenOneWouldBeHandedOut) {
  std::atomic<bool> reading;
  int ran, with_readers = 0, without_readers = 0;
  Callback first, second;
  first.body = second.body = [&] { ++ran; };
  TestRun run;
  run.set_up = [&] {
    reading = false;
    ran = 0;
  };
  run.threads = {[&] {
                   step();
                   kernel::rcu_read_lock();
                   reading = true;
                   step();
                   step();
                   reading = false;
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   EXPECT_FALSE(takes_what_there_is());
                   for (Callback* callback : {&first, &second}) {
                     const bool had_to_wait = reading;
                     callback->call();
                     step();
                     const bool took = takes_what_there_is();
                     if (had_to_wait && reading) EXPECT_FALSE(took);
                     ++(took ? without_readers : with_readers);
                   }
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { EXPECT_EQ(ran, 2); }), "nothing");
  EXPECT_GT(with_readers, 0);
  EXPECT_GT(without_readers, 0);
}

TEST(Rcu, CallbacksRunInTheOrderOfTheirCalls) {
  std::string order;
  Callback callbacks[3];
  for (int i = 0; i < 3; ++i) callbacks[i].body = [&order, i] { order += std::to_string(i); };
  EXPECT_EQ(run_alone([&] {
              callbacks[2].call();
              kernel::rcu_read_lock();
              callbacks[0].call();
              kernel::rcu_read_unlock();
              callbacks[1].call();
            }),
            "nothing");
  EXPECT_EQ(order, "201");
}

TEST(Rcu, CallbackBehindOneThatWaitsWaitsToo) {
  std::string order;
  Callback first, second;
  first.body = [&] { order += "first "; };
  second.body = [&] { order += "second"; };
  TestRun run;
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   step();
                   step();
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   first.call();
                   step();
                 },
                 [&] { second.call(); }};
  // t1 calls while t0 reads, t2 too; the softirq is named before t0 goes on.
  run.preemptions = {{1, kT1}, {1, kT2}, {0, Target::kSoftirq}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(order, "first second");
}

TEST(Rcu, CallbackBehindOneThatMayRunWaitsForItsOwnReaders) {
  std::atomic<bool> first_ran = false, second_ran = false;
  Callback first, second;
  first.body = [&] { first_ran = true; };
  second.body = [&] { second_ran = true; };
  TestRun run;
  run.threads = {[&] {
    first.call();
    kernel::rcu_read_lock();
    second.call();
    step();
    EXPECT_TRUE(first_ran);
    EXPECT_FALSE(second_ran);
    kernel::rcu_read_unlock();
  }};
  run.preemptions = {{1, Target::kSoftirq}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_TRUE(second_ran);
}

TEST(Rcu, CallbackMayCallAgain) {
  int runs = 0;
  Callback callback;
  callback.body = [&] {
    if (++runs < 3) callback.call();
  };
  EXPECT_EQ(run_alone([&] { callback.call(); }), "nothing");
  EXPECT_EQ(runs, 3);
}

TEST(Rcu, CallbackMustNotSleepAndWorksForTheCallersOperation) {
  Callback callback;
  uint32_t tag = 0;
  callback.body = [&] { tag = sched::current()->tag; };
  EXPECT_EQ(run_alone([&] { callback.call(); }), "nothing");
  EXPECT_EQ(tag, 1u);
  callback.body = [] { kernel::might_sleep("callback"); };
  EXPECT_EQ(run_alone([&] { callback.call(); }), "sleep-in-atomic callback");
}

TEST(Rcu, HeadThatWaitsMustNotBeUsedAgain) {
  int runs = 0;
  Callback callback, other;
  callback.body = [&] { ++runs; };
  EXPECT_EQ(run_alone([&] {
              callback.call();
              callback.call();
            }),
            "rcu-misuse call_rcu");
  // With the checks off it is not taken again; so the list stays whole.
  kernel::ChecksOff off;
  other.body = [&] { ++runs; };
  EXPECT_EQ(run_alone([&] {
              callback.call();
              other.call();
              callback.call();
            }),
            "nothing");
  EXPECT_EQ(runs, 2);
}

// --- waiting for a grace period ---

// t0 reads; t1 waits for a grace period. Plain variables: TSan sees that readers happen before.
void expect_waits_for_readers(void (*wait)()) {
  bool reading, began_while_reading;
  int value, waited = 0;
  TestRun run;
  run.set_up = [&] {
    reading = began_while_reading = false;
    value = 0;
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   __atomic_store_n(&reading, true, __ATOMIC_RELAXED);
                   step();
                   step();
                   value = 1;
                   __atomic_store_n(&reading, false, __ATOMIC_RELAXED);
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   began_while_reading = __atomic_load_n(&reading, __ATOMIC_RELAXED);
                   wait();
                   if (!began_while_reading) return;
                   EXPECT_EQ(value, 1);
                   step();
                 }};
  EXPECT_EQ(run.sweep({kT1, Target::kSoftirq, kT0}, [&] { waited += began_while_reading; }),
            "nothing");
  EXPECT_GT(waited, 0);
}

TEST(Rcu, SynchronizeWaitsForReaders) { expect_waits_for_readers(kernel::synchronize_rcu); }
TEST(Rcu, BarrierWaitsForReaders) { expect_waits_for_readers(kernel::rcu_barrier); }

TEST(Rcu, BarrierWaitsForCallbacksAndSynchronizeNeedNot) {
  for (bool barrier : {false, true}) {
    bool ran, ran_before_return, not_yet = false;
    Callback callback;
    callback.body = [&] {
      step();
      __atomic_store_n(&ran, true, __ATOMIC_RELAXED);
    };
    TestRun run;
    run.set_up = [&] { ran = false; };
    run.threads = {[&] {
      callback.call();
      barrier ? kernel::rcu_barrier() : kernel::synchronize_rcu();
      ran_before_return = __atomic_load_n(&ran, __ATOMIC_RELAXED);
      step();
    }};
    EXPECT_EQ(run.sweep({Target::kSoftirq, kT0}, [&] { not_yet |= !ran_before_return; }),
              "nothing");
    EXPECT_EQ(not_yet, !barrier);
  }
}

TEST(Rcu, SynchronizeAndBarrierLeaveTheCallbacksInOrder) {
  std::string order;
  Callback callbacks[3];
  for (int i = 0; i < 3; ++i) callbacks[i].body = [&order, i] { order += std::to_string(i); };
  EXPECT_EQ(run_alone([&] {
              kernel::synchronize_rcu();
              callbacks[0].call();
              kernel::synchronize_rcu();
              callbacks[1].call();
              kernel::rcu_barrier();
              callbacks[2].call();
            }),
            "nothing");
  EXPECT_EQ(order, "012");
}

TEST(Rcu, SynchronizeLosesNoCallbackThatComesWhileItWaits) {
  bool ran = false;
  Callback callback;
  callback.body = [&] { ran = true; };
  TestRun run;
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   step();
                   callback.call();
                   kernel::rcu_read_unlock();
                 },
                 [] { kernel::synchronize_rcu(); }};
  run.preemptions = {{1, kT1}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_TRUE(ran);
}

TEST(Rcu, WaitingForAGracePeriodWithinAReaderIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::synchronize_rcu();
            }),
            "rcu-misuse synchronize_rcu");
  EXPECT_EQ(run_alone([] {
              kernel::local_irq_disable();
              kernel::synchronize_rcu();
            }),
            "sleep-in-atomic synchronize_rcu");
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::rcu_barrier();
            }),
            "sleep-in-atomic rcu_barrier");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::synchronize_rcu();
            }),
            "deadlock synchronize_rcu");
}

TEST(Rcu, UnlockOutsideOfAReaderIsReported) {
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::rcu_read_unlock();
              kernel::rcu_read_unlock();
            }),
            "rcu-misuse rcu_read_unlock");
}

TEST(Rcu, NestedReadersInBalanceAreFine) {
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::rcu_read_lock();
              kernel::rcu_read_unlock();
              kernel::rcu_read_unlock();
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

TEST(Rcu, AssertionOfAReaderHoldsForEveryKindOfReader) {
  EXPECT_EQ(run_alone([] {
              kernel::rcu_read_lock();
              kernel::rcu_assert_reader("lookup");
              kernel::rcu_read_unlock();
              kernel::local_irq_disable();
              kernel::rcu_assert_reader("lookup");
              kernel::local_irq_enable();
              kernel::in_interrupt([] { kernel::rcu_assert_reader("lookup"); });
            }),
            "nothing");
  EXPECT_EQ(run_alone([] { kernel::rcu_assert_reader("lookup"); }), "rcu-misuse lookup");
}

TEST(Rcu, ChecksOffMisuseIsNotReported) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              kernel::rcu_assert_reader("lookup");
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

// --- objects freed while others read them ---

struct Object {
  kernel::RcuHead rcu;
  int value;

  static void free_rcu(kernel::RcuHead& head) { kernel::kfree(&head); }  // rcu comes first
};

// t0 looks the object up `lookups` times; t1 removes it and hands it to `release`.
struct LookupBesideRemoval : TestRun {
  Object* published;

  LookupBesideRemoval(int lookups, void (*release)(Object& object)) {
    set_up = [this] {
      published = kernel::kzalloc_obj<Object>("object");
      published->value = 7;
    };
    threads = {[this, lookups] {
                 for (int i = 0; i < lookups; ++i) {
                   kernel::rcu_read_lock();
                   const Object* object = kernel::rcu_dereference(published);
                   step();
                   if (object != nullptr) EXPECT_EQ(object->value, 7);
                   kernel::rcu_read_unlock();
                 }
               },
               [this, release] {
                 Object* object = published;
                 kernel::rcu_assign_pointer(published, static_cast<Object*>(nullptr));
                 release(*object);
               }};
  }
};

TEST(Rcu, ObjectFreedAfterAGracePeriodIsSafeToReadAtEveryPreemption) {
  LookupBesideRemoval run(2,
                          [](Object& object) { kernel::call_rcu(object.rcu, Object::free_rcu); });
  EXPECT_EQ(run.sweep({kT1, Target::kSoftirq, kT0}), "nothing");
}

// Its RcuHead need not come first.
TEST(Rcu, KfreeRcuFreesTheObjectAfterAGracePeriod) {
  struct Late {
    int value;
    kernel::RcuHead rcu;
  };
  Late* published;
  TestRun run;
  run.set_up = [&] {
    published = kernel::kzalloc_obj<Late>("late");
    published->value = 7;
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   const Late* late = kernel::rcu_dereference(published);
                   step();
                   if (late != nullptr) EXPECT_EQ(late->value, 7);
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   Late* late = published;
                   kernel::rcu_assign_pointer(published, static_cast<Late*>(nullptr));
                   kfree_rcu(late, rcu);
                 }};
  EXPECT_EQ(run.sweep({kT1, Target::kSoftirq, kT0}), "nothing");
}

#if defined(FENCEBENCH_ASAN) || defined(FENCEBENCH_TSAN)
TEST(RcuDeathTest, ObjectFreedAtOnceIsNot) {
  LookupBesideRemoval run(1, [](Object& object) { kernel::kfree(&object); });
  run.preemptions = {{2, kT1}};  // between the lookup and the use
  EXPECT_DEATH(run(), "heap-use-after-free|data race");
}
#endif

}  // namespace
