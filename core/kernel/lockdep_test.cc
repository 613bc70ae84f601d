// The lock checker: the order of locks, works as locks, declared facts, fence-signalling sections.
// Each rule on faulty and on correct code, and suppressed. Interrupts: lockdep_irq_test.cc.
#include "core/kernel/lockdep.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "core/kernel/list.h"
#include "core/kernel/mutex.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue.h"

namespace {

using kernel::LockMode;
using kernel::Mutex;
using kernel::OnHeap;
using kernel::run_alone;
using kernel::Suppressed;
using kernel::TestRun;

OnHeap<Mutex> mutex(const char* name) {
  OnHeap<Mutex> lock;
  kernel::mutex_init(lock, name);
  return lock;
}

void take(Mutex& lock) {
  kernel::mutex_lock(lock);
  kernel::mutex_unlock(lock);
}

void take_within(Mutex& outer, Mutex& inner) {
  kernel::mutex_lock(outer);
  take(inner);
  kernel::mutex_unlock(outer);
}

struct Mutexes {
  OnHeap<Mutex> a = mutex("a"), b = mutex("b"), c = mutex("c"), d = mutex("d");
};

// What is found when one thread does `body`. The locks are new: the run before may have ended with
// some of them held.
std::string with_mutexes(const std::function<void(Mutexes& m)>& body) {
  Mutexes m;
  return run_alone([&] { body(m); });
}

// Likewise with two mutexes of these names.
std::string with_two(const char* first, const char* second,
                     const std::function<void(Mutex& first, Mutex& second)>& body) {
  auto a = mutex(first), b = mutex(second);
  return run_alone([&] { body(a, b); });
}

// --- order ---

TEST(Lockdep, OppositeOrdersAreReportedThoughOneThreadTakesThemInTurn) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take_within(m.a, m.b);
              take_within(m.b, m.a);
            }),
            "lock-order-inversion b -> a");
}

TEST(Lockdep, SameOrderIsFineHoweverOften) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              for (int i = 0; i < 2000; ++i) {
                take_within(m.a, m.b);
                take_within(m.b, m.c);
                take_within(m.a, m.c);
                take(m.c);
              }
            }),
            "nothing");
}

TEST(Lockdep, CycleOfSeveralClassesIsReportedThoughNoTwoThreadsMeet) {
  for (const bool cycle : {true, false}) {
    Mutexes m;
    TestRun run;
    run.threads = {[&] { take_within(m.a, m.b); }, [&] { take_within(m.b, m.c); },
                   [&] { take_within(m.c, m.d); },
                   [&] { cycle ? take_within(m.d, m.a) : take_within(m.a, m.d); }};
    EXPECT_EQ(run(), cycle ? "lock-order-inversion d -> a" : "nothing");
  }
}

TEST(Lockdep, OuterLockIsBlamedIfItCausesTheCycle) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take_within(m.a, m.b);
              kernel::mutex_lock(m.b);
              kernel::mutex_lock(m.c);
              take(m.a);
            }),
            "lock-order-inversion b -> a");
}

TEST(Lockdep, LocksWithOneNameAreOneClassWhereverTheNameStands) {
  static const char kHere[] = "name", kThere[] = "name";
  auto first = mutex(kHere), second = mutex(kThere), other = mutex("other");
  EXPECT_EQ(run_alone([&] {
              take_within(first, other);
              take_within(other, second);
            }),
            "lock-order-inversion other -> name");
}

TEST(Lockdep, TwoLocksOfOneClassAreReportedUnlessATicketAllowsThem) {
  EXPECT_EQ(with_two("m", "m", take_within), "lock-order-inversion m -> m");
  for (const LockMode mode : {LockMode::kExclusive, LockMode::kShared})
    EXPECT_EQ(run_alone([&] {
                kernel::lock_acquire("ww", LockMode::kExclusive);
                kernel::lock_acquire("ww", mode);
              }),
              "lock-order-inversion ww -> ww");
  for (const LockMode mode : {LockMode::kNested, LockMode::kTry})
    EXPECT_EQ(run_alone([&] {
                kernel::lock_acquire("ww", LockMode::kExclusive);
                kernel::lock_acquire("ww", mode);
                kernel::lock_release("ww");
                EXPECT_EQ(kernel::locks_held(), 1u);
                kernel::lock_release("ww");
                kernel::check_context_at_return("op");
              }),
              "nothing");
}

TEST(Lockdep, TicketAllowsNoOtherOrder) {
  EXPECT_EQ(run_alone([] {
              kernel::lock_acquire("ww", LockMode::kNested);
              kernel::lock_acquire("m", LockMode::kExclusive);
              kernel::lock_release("ww");
              kernel::lock_acquire("ww", LockMode::kNested);
            }),
            "lock-order-inversion m -> ww");
}

TEST(Lockdep, TrylockMayComeInAnyOrderButOthersWithinItMayNot) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take_within(m.a, m.b);
              kernel::mutex_lock(m.b);
              kernel::lock_acquire("a", LockMode::kTry);
              kernel::lock_release("a");
              kernel::mutex_unlock(m.b);
            }),
            "nothing");
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take_within(m.a, m.b);
              kernel::lock_acquire("b", LockMode::kTry);
              take(m.a);
            }),
            "lock-order-inversion b -> a");
}

TEST(Lockdep, ReleaseInAnyOrderLeavesTheOthersHeld) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              kernel::mutex_lock(m.a);
              kernel::lock_acquire("b", LockMode::kTry);
              kernel::lock_acquire("c", LockMode::kTry);
              kernel::mutex_unlock(m.a);
              EXPECT_STREQ(kernel::held_lock_names(), "b, c");
              take(m.d);
              kernel::lock_release("b");
              EXPECT_STREQ(kernel::held_lock_names(), "c");
              kernel::lock_release("c");
              EXPECT_STREQ(kernel::held_lock_names(), "none");
              take_within(m.d, m.a);  // d was not taken within a
            }),
            "nothing");
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              kernel::mutex_lock(m.a);
              kernel::lock_acquire("b", LockMode::kTry);
              kernel::mutex_unlock(m.a);
              take(m.d);
              kernel::lock_release("b");
              take_within(m.d, m.b);
            }),
            "lock-order-inversion d -> b");
}

TEST(Lockdep, EachContextHoldsItsOwnLocks) {
  Mutexes m;
  TestRun run;
  run.threads = {[&] { take_within(m.b, m.a); },
                 [&] {
                   kernel::mutex_lock(m.a);
                   sched::point(sched::Point::kStep);
                   kernel::mutex_unlock(m.a);
                   take(m.b);
                 }};
  EXPECT_EQ(run.sweep({kernel::kT1, kernel::kT0}), "nothing");
}

TEST(Lockdep, NextRunKnowsNothingOfTheOrderOfThisOne) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) { take_within(m.a, m.b); }), "nothing");
  EXPECT_EQ(with_mutexes([](Mutexes& m) { take_within(m.b, m.a); }), "nothing");
}

TEST(Lockdep, ChecksOffNothingIsReported) {
  kernel::ChecksOff off;
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take_within(m.a, m.b);
              take_within(m.b, m.a);
              bool cookie;
              kernel::signalling_begin(&cookie);
              kernel::kfree(kernel::kmalloc(8, kernel::Gfp::kKernel, "memory"));
              kernel::lockdep_might_wait_for_fence("wait");
              kernel::signalling_end(cookie);
              kernel::mutex_lock(m.a);
              kernel::lockdep_assert_none_held("op");
              kernel::mutex_unlock(m.a);
            }),
            "nothing");
}

TEST(Lockdep, SuppressedInversionDoesNotHideTheNext) {
  Suppressed known({"lock-order-inversion:b -> a"});
  auto both_orders = [](Mutexes& m) {
    take_within(m.a, m.b);
    take_within(m.b, m.a);
    take_within(m.b, m.a);
    take_within(m.a, m.b);
  };
  EXPECT_EQ(with_mutexes(both_orders), "nothing");
  EXPECT_EQ(with_mutexes([&](Mutexes& m) {
              both_orders(m);
              take_within(m.b, m.c);
              take_within(m.c, m.a);
            }),
            "lock-order-inversion c -> a");
}

TEST(Lockdep, SuppressedRecursionGoesOn) {
  Suppressed known({"lock-order-inversion:m -> m"});
  EXPECT_EQ(with_two("m", "m",
                     [](Mutex& first, Mutex& second) {
                       take_within(first, second);
                       take_within(second, first);
                       kernel::check_context_at_return("op");
                     }),
            "nothing");
}

// --- works ---

struct WorkUnderTest {
  kernel::Work work;
  Mutex outer, inner;

  static void run(kernel::Work& work) { take(container_of(&work, WorkUnderTest, work)->inner); }
};
kernel::Workqueue queue{"wq", true};

// What is found when a work that takes one mutex has run, and then a thread waits for it with that
// mutex held, or with another one.
std::string wait_for_work(void (*wait)(kernel::Work& work), bool with_the_inner_lock) {
  auto test = std::make_unique<WorkUnderTest>();
  kernel::init_work(test->work, WorkUnderTest::run, "work");
  kernel::mutex_init(test->outer, "outer");
  kernel::mutex_init(test->inner, "inner");
  TestRun run;
  run.set_up = [&] { kernel::queue_work(queue, test->work); };
  run.threads = {[&] {
    Mutex& held = with_the_inner_lock ? test->inner : test->outer;
    kernel::mutex_lock(held);
    wait(test->work);
    kernel::mutex_unlock(held);
  }};
  return run();
}

TEST(Lockdep, WaitingForAWorkWithALockThatItTakesIsReportedThoughItIsDone) {
  auto cancel = [](kernel::Work& work) { kernel::cancel_work_sync(work); };
  auto flush = [](kernel::Work& work) { kernel::flush_work(work); };
  auto flush_queue = [](kernel::Work&) { kernel::flush_workqueue(queue); };
  EXPECT_EQ(wait_for_work(cancel, true), "lock-order-inversion inner -> work");
  EXPECT_EQ(wait_for_work(cancel, false), "nothing");
  EXPECT_EQ(wait_for_work(flush, true), "lock-order-inversion inner -> work");
  EXPECT_EQ(wait_for_work(flush, false), "nothing");
  EXPECT_EQ(wait_for_work(flush_queue, true), "lock-order-inversion inner -> wq");
  EXPECT_EQ(wait_for_work(flush_queue, false), "nothing");
}

// --- declared facts: they stay for the whole process, so each test has names of its own ---

TEST(Lockdep, OneWrongOrderIsEnoughIfTheRightOneIsDeclared) {
  for (int i = 0; i < 2; ++i) {
    kernel::lockdep_declare_order("declared outer", "declared middle");
    kernel::lockdep_declare_order("declared middle", "declared inner");
    EXPECT_EQ(with_two("declared inner", "declared outer", take_within),
              "lock-order-inversion declared inner -> declared outer");
    EXPECT_EQ(with_two("declared outer", "declared inner", take_within), "nothing");
    EXPECT_EQ(with_two("declared outer", "declared middle", take_within), "nothing");
  }
}

TEST(Lockdep, NumberingOfNamesIsNotSeen) {
  static char names[300][16];
  kernel::lockdep_declare_order("declared first", "declared second");
  for (auto& name : names) {
    std::snprintf(name, sizeof name, "name %d", static_cast<int>(&name - names));
    ASSERT_EQ(with_two("declared first", name, take_within), "nothing");
    ASSERT_EQ(with_two("declared second", "declared first", take_within),
              "lock-order-inversion declared second -> declared first");
  }
}

TEST(LockdepDeathTest, MoreClassesInARunThanThereIsRoomForEndTheProcess) {
  static char names[100][16];
  EXPECT_DEATH(run_alone([] {
                 for (auto& name : names) {
                   std::snprintf(name, sizeof name, "name %d", static_cast<int>(&name - names));
                   kernel::lock_acquire(name, LockMode::kExclusive);
                   kernel::lock_release(name);
                 }
               }),
               "fencebench: internal error: too many classes of locks in one run");
}

// --- fence-signalling sections ---

void in_section(const std::function<void()>& body) {
  bool cookie;
  kernel::signalling_begin(&cookie);
  body();
  kernel::signalling_end(cookie);
}

void wait_for_fence() { kernel::lockdep_might_wait_for_fence("dma_fence_wait"); }
void allocate(kernel::Gfp gfp) { kernel::kfree(kernel::kmalloc(8, gfp, "memory")); }

TEST(LockdepSignalling, WaitWithinASectionIsReportedAndAfterItIsFine) {
  EXPECT_EQ(run_alone([] { in_section(wait_for_fence); }),
            "fence-contract wait-in-signalling-section");
  EXPECT_EQ(run_alone([] {
              wait_for_fence();
              in_section([] {});
              wait_for_fence();
            }),
            "nothing");
}

TEST(LockdepSignalling, AllocationThatMaySleepIsReportedWithinASection) {
  EXPECT_EQ(run_alone([] { in_section([] { allocate(kernel::Gfp::kKernel); }); }),
            "fence-contract alloc-in-signalling-section");
  EXPECT_EQ(run_alone([] {
              in_section([] { allocate(kernel::Gfp::kAtomic); });
              allocate(kernel::Gfp::kKernel);
            }),
            "nothing");
}

TEST(LockdepSignalling, SectionsNest) {
  EXPECT_EQ(run_alone([] {
              in_section([] {
                bool cookie;
                kernel::signalling_begin(&cookie);
                EXPECT_TRUE(cookie);
                kernel::signalling_end(cookie);
              });
              wait_for_fence();
              kernel::check_context_at_return("op");
            }),
            "nothing");
  EXPECT_EQ(run_alone([] {
              in_section([] {
                in_section([] {});
                wait_for_fence();
              });
            }),
            "fence-contract wait-in-signalling-section");
}

TEST(LockdepSignalling, SectionThatDoesNotEndIsReportedAtReturn) {
  EXPECT_EQ(run_alone([] {
              bool cookie;
              kernel::signalling_begin(&cookie);
              EXPECT_FALSE(cookie);
              kernel::check_context_at_return("op");
            }),
            "lock-held-at-return op");
}

TEST(LockdepSignalling, LockHeldOverAWaitMustNotBeTakenWithinASection) {
  auto wait_with_lock = [](Mutex& lock) {
    kernel::mutex_lock(lock);
    wait_for_fence();
    kernel::mutex_unlock(lock);
  };
  EXPECT_EQ(with_mutexes([&](Mutexes& m) {
              wait_with_lock(m.a);
              in_section([&] { take(m.a); });
            }),
            "lock-order-inversion dma_fence_map -> a");
  EXPECT_EQ(with_mutexes([&](Mutexes& m) {
              in_section([&] { take(m.a); });
              wait_with_lock(m.a);
            }),
            "lock-order-inversion a -> dma_fence_map");
  EXPECT_EQ(with_mutexes([&](Mutexes& m) {
              wait_with_lock(m.b);
              in_section([&] { take(m.a); });
            }),
            "nothing");
}

TEST(LockdepSignalling, SectionMayBeginWithAnyLockHeld) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              in_section([&] { take(m.a); });
              kernel::mutex_lock(m.a);
              in_section([] {});
              kernel::mutex_unlock(m.a);
            }),
            "nothing");
}

TEST(LockdepSignalling, AtomicContextIsNoSection) {
  EXPECT_EQ(run_alone([] {
              auto lock = std::make_unique<kernel::SpinLock>();
              kernel::spin_lock_init(*lock, "lock");
              kernel::spin_lock(*lock);
              bool cookie;
              kernel::signalling_begin(&cookie);
              EXPECT_TRUE(cookie);
              EXPECT_STREQ(kernel::held_lock_names(), "lock");
              kernel::spin_unlock(*lock);
              kernel::signalling_end(cookie);
              kernel::spin_lock_destroy(*lock);
            }),
            "nothing");
}

TEST(LockdepSignalling, SuppressedFindingsGoOn) {
  Suppressed known({"fence-contract:wait-in-*", "fence-contract:alloc-in-*"});
  EXPECT_EQ(run_alone([] {
              in_section([] {
                wait_for_fence();
                allocate(kernel::Gfp::kKernel);
              });
              kernel::check_context_at_return("op");
            }),
            "nothing");
}

// --- assertions ---

TEST(Lockdep, AssertionThatNothingIsHeldWarnsIfAnythingIs) {
  EXPECT_EQ(with_mutexes([](Mutexes& m) {
              take(m.a);
              kernel::lockdep_assert_none_held("find_fence");
            }),
            "nothing");
  auto held = [](Mutexes& m) {
    kernel::mutex_lock(m.a);
    kernel::lockdep_assert_none_held("find_fence");
    kernel::mutex_unlock(m.a);
  };
  EXPECT_EQ(with_mutexes(held), "warn-on find_fence");
  Suppressed known({"warn-on:find_fence"});
  EXPECT_EQ(with_mutexes(held), "nothing");
}

TEST(Lockdep, HeldLocksAreCountedAndNamedOutermostFirst) {
  EXPECT_EQ(run_alone([] {
              kernel::lock_acquire("a", LockMode::kExclusive);
              kernel::lock_acquire("ww", LockMode::kNested);
              kernel::lock_acquire("ww", LockMode::kNested);
              EXPECT_EQ(kernel::locks_held(), 3u);
              EXPECT_STREQ(kernel::held_lock_names(), "a, ww");
              kernel::check_context_at_return("op");
            }),
            "lock-held-at-return op");
}

TEST(Lockdep, ReleaseOfWhatIsNotHeldChangesNothing) {
  EXPECT_EQ(run_alone([] {
              kernel::lock_acquire("a", LockMode::kExclusive);
              kernel::lock_release("b");
              EXPECT_STREQ(kernel::held_lock_names(), "a");
              kernel::lock_release("a");
            }),
            "nothing");
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

TEST(LockdepDeathTest, InversionTellsTheWholeCycleWithItsOperationsAndTheLocksHeld) {
  Mutexes m;
  EXPECT_DEATH(run_printing({[&] { take_within(m.a, m.b); }, [&] { take_within(m.b, m.c); },
                             [&] {
                               kernel::mutex_lock(m.c);
                               kernel::mutex_lock(m.d);
                               take(m.a);
                             }}),
               "ERROR: lock-order-inversion: a is taken while c is held, but elsewhere it is the "
               "other way round\n"
               "  c -> a: operation 3: do number 3\n"
               "  a -> b: operation 1: do number 1\n"
               "  b -> c: operation 2: do number 2\n"
               "  locks held: c, d\n"
               "  in t2, operation 3: do number 3\n(.|\n)*"
               "SUMMARY: fencebench: lock-order-inversion c -> a\n$");
}

TEST(LockdepDeathTest, RecursionNamesTheLocksHeld) {
  auto first = mutex("m"), second = mutex("m");
  EXPECT_DEATH(run_printing({[&] { take_within(first, second); }}),
               "ERROR: lock-order-inversion: m is taken while a lock of this class is held\n"
               "  locks held: m\n");
}

TEST(LockdepDeathTest, InversionOfADeclaredOrderSaysSo) {
  kernel::lockdep_declare_order("declared one", "declared two");
  auto one = mutex("declared one"), two = mutex("declared two");
  EXPECT_DEATH(run_printing({[&] { take_within(two, one); }}),
               "\n  declared two -> declared one: operation 1: do number 1\n"
               "  declared one -> declared two: declared by the driver\n");
}

}  // namespace
