// Suppressions: the file, and that a run goes on after each suppressed finding.
#include "core/kernel/suppress.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "core/kernel/kref.h"
#include "core/kernel/list.h"
#include "core/kernel/mutex.h"
#include "core/kernel/rcu.h"
#include "core/kernel/runtime.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::run_alone;
using kernel::Suppressed;
using kernel::TestRun;
using kernel::Verdict;

// --- lines ---

// What is wrong with a line, or "" if it is taken.
std::string problem_of(const char* line) {
  char message[512] = "";
  const bool good = kernel::add_suppression(line, message, sizeof message);
  EXPECT_EQ(good, message[0] == 0);
  return message;
}

struct SuppressLines : testing::Test {
  ~SuppressLines() override { kernel::forget_suppressions(); }
};

TEST_F(SuppressLines, VerdictAndPlaceMustBothBeThose) {
  EXPECT_EQ(problem_of("warn-on:some_function  # known\n"), "");
  EXPECT_TRUE(kernel::suppressed(Verdict::kWarnOn, "some_function"));
  EXPECT_FALSE(kernel::suppressed(Verdict::kWarnOn, "some_function2"));
  EXPECT_FALSE(kernel::suppressed(Verdict::kWarnOn, "a_some_function"));
  EXPECT_FALSE(kernel::suppressed(Verdict::kWarnOn, ""));
  EXPECT_FALSE(kernel::suppressed(Verdict::kDeadlock, "some_function"));
}

TEST_F(SuppressLines, StarStandsForAnyText) {
  EXPECT_EQ(problem_of(" lock-order-inversion : a* -> *b  #known"), "");
  for (const char* place : {"a -> b", "a1 -> 1b", "a -> b -> b", "a -> bbb"})
    EXPECT_TRUE(kernel::suppressed(Verdict::kLockOrderInversion, place)) << place;
  for (const char* place : {"a -> bc", "ca -> b", "a->b", "a -> "})
    EXPECT_FALSE(kernel::suppressed(Verdict::kLockOrderInversion, place)) << place;
  EXPECT_EQ(problem_of("deadlock:* # known"), "");
  EXPECT_TRUE(kernel::suppressed(Verdict::kDeadlock, ""));
  EXPECT_TRUE(kernel::suppressed(Verdict::kDeadlock, "anything"));
}

TEST_F(SuppressLines, NoPlaceIsTheEmptyPlace) {
  EXPECT_EQ(problem_of("livelock: # known"), "");
  EXPECT_TRUE(kernel::suppressed(Verdict::kLivelock, ""));
  EXPECT_FALSE(kernel::suppressed(Verdict::kLivelock, "lock"));
}

TEST_F(SuppressLines, EmptyLinesAndCommentsSuppressNothing) {
  for (const char* line : {"", "\n", "  \t\r\n", "# warn-on:place # reason\n"})
    EXPECT_EQ(problem_of(line), "");
  EXPECT_FALSE(kernel::suppressed(Verdict::kWarnOn, "place"));
}

TEST_F(SuppressLines, FaultyLinesSayWhatToDo) {
  EXPECT_EQ(problem_of("warn-on:place"),
            "it gives no reason why the finding may stay; write it as 'verdict:place  # reason'");
  EXPECT_EQ(problem_of("warn-on:place #  \n"), problem_of("warn-on:place"));
  EXPECT_EQ(problem_of("warn-on place # is: known"),
            "no ':' between verdict and place; write it as 'verdict:place  # reason'");
  EXPECT_EQ(problem_of("warning:place # known"),
            "no verdict is called 'warning'; take it from the SUMMARY line of the report");
  EXPECT_EQ(problem_of(("warn-on:" + std::string(600, 'x') + " # known").c_str()),
            "at most 128 lines of 511 characters; use '*' to join some");
  EXPECT_FALSE(kernel::suppressed(Verdict::kWarnOn, "place"));
}

TEST_F(SuppressLines, ThereMayBeTooMany) {
  for (int i = 0; i < 128; ++i) ASSERT_EQ(problem_of("warn-on:place # known"), "");
  EXPECT_NE(problem_of("warn-on:place # known"), "");
}

// --- files ---

std::string problem_of_file(const std::string& text) {
  const std::string path = testing::TempDir() + "suppress_test.supp";
  FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return "no file";
  std::fputs(text.c_str(), file);
  std::fclose(file);
  char message[1024] = "";
  EXPECT_EQ(kernel::load_suppressions(path.c_str(), message, sizeof message), message[0] == 0);
  std::remove(path.c_str());
  const std::string problem = message;
  const size_t at = problem.find("suppress_test.supp");
  return at == std::string::npos ? problem : problem.substr(at);
}

TEST_F(SuppressLines, FileIsReadLineByLine) {
  EXPECT_EQ(problem_of_file("# known ones\n\nwarn-on:a  # reason\nwarn-on:b  # reason"), "");
  EXPECT_TRUE(kernel::suppressed(Verdict::kWarnOn, "a"));
  EXPECT_TRUE(kernel::suppressed(Verdict::kWarnOn, "b"));
}

TEST_F(SuppressLines, FaultyLineOfAFileIsNamedByItsNumber) {
  EXPECT_EQ(problem_of_file("warn-on:a  # reason\n\nwarn-on:b\n"),
            "suppress_test.supp:3: it gives no reason why the finding may stay; write it as "
            "'verdict:place  # reason'");
  EXPECT_EQ(problem_of_file("#" + std::string(600, 'x') + "\n"),
            "suppress_test.supp:1: longer than 510 characters");
  char message[1024];
  EXPECT_FALSE(kernel::load_suppressions("/no/such/file", message, sizeof message));
  EXPECT_STREQ(message, "/no/such/file: No such file or directory");
}

// --- runs ---

constexpr char kRole[] = "holder", kOtherRole[] = "other";

// What is found when a thread does `body`, and that `body` goes on to its end when `known`, and
// nothing else, is suppressed.
void expect_goes_on(const std::string& found, const char* known,
                    const std::function<void()>& body) {
  EXPECT_EQ(run_alone(body), found);
  Suppressed suppressed({known});
  bool done = false;
  EXPECT_EQ(run_alone([&] {
              body();
              done = true;
            }),
            "nothing");
  EXPECT_TRUE(done);
}

TEST(Suppress, WrongUseOfALockGoesOn) {
  expect_goes_on("unlock-not-owner s", "unlock-not-owner:s", [] {
    kernel::SpinLock lock;
    kernel::spin_lock_init(lock, "s");
    kernel::spin_unlock(lock);
    kernel::spin_lock_destroy(lock);
    kernel::check_context_at_return("op");
  });
  expect_goes_on("use-after-destroy spinlock", "use-after-destroy:spinlock", [] {
    kernel::SpinLock lock;
    kernel::spin_lock_init(lock, "s");
    kernel::spin_lock_destroy(lock);
    kernel::spin_lock(lock);
    kernel::spin_unlock(lock);
    kernel::check_context_at_return("op");
  });
  expect_goes_on("warn-on s", "warn-on:s", [] {
    kernel::SpinLock lock;
    kernel::spin_lock_init(lock, "s");
    kernel::lockdep_assert_held(lock);
    kernel::spin_lock_destroy(lock);
  });
  expect_goes_on("warn-on m", "warn-on:m", [] {
    kernel::Mutex mutex;
    kernel::mutex_init(mutex, "m");
    kernel::lockdep_assert_held(mutex);
    kernel::mutex_destroy(mutex);
  });
}

TEST(Suppress, LocksLeftHeldGoOn) {
  kernel::OnHeap<kernel::Mutex> mutex;
  auto destroy_held = [&] {
    kernel::mutex_init(mutex, "m");
    kernel::mutex_lock(mutex);
    kernel::mutex_destroy(mutex);
  };
  EXPECT_EQ(run_alone(destroy_held), "lock-destroyed-while-held m");
  Suppressed known({"lock-destroyed-while-held:m", "lock-held-at-return:op"});
  EXPECT_EQ(run_alone([&] {
              destroy_held();
              kernel::check_context_at_return("op");
            }),
            "nothing");
}

TEST(Suppress, DestroyedLockHasNoNameInReports) {
  Suppressed known({"use-after-destroy:*"});
  EXPECT_EQ(run_alone([] {
              kernel::Mutex mutex;
              kernel::mutex_init(mutex, "m");
              kernel::mutex_destroy(mutex);
              kernel::lockdep_assert_held(mutex);
            }),
            "warn-on destroyed lock");
}

TEST(Suppress, SleepInAtomicGoesOn) {
  expect_goes_on("sleep-in-atomic kmalloc", "sleep-in-atomic:kmalloc", [] {
    kernel::local_irq_disable();
    kernel::kfree(kernel::kmalloc(8, kernel::Gfp::kKernel, "memory"));
    kernel::local_irq_enable();
  });
  expect_goes_on("sleep-in-atomic kmalloc", "sleep-in-atomic:*", [] {
    kernel::rcu_read_lock();
    kernel::kfree(kernel::kmalloc(8, kernel::Gfp::kKernel, "memory"));
    kernel::rcu_read_unlock();
  });
}

TEST(Suppress, RcuMisuseGoesOn) {
  expect_goes_on("rcu-misuse rcu_read_unlock", "rcu-misuse:rcu_read_unlock", [] {
    kernel::rcu_read_unlock();
    kernel::check_context_at_return("op");
  });
  expect_goes_on("rcu-misuse use", "rcu-misuse:use", [] { kernel::rcu_assert_reader("use"); });
}

TEST(Suppress, ListCorruptionLeavesTheListAsItIs) {
  expect_goes_on("list-corruption list_del", "list-corruption:*", [] {
    kernel::ListHead head, entry;
    kernel::init_list_head(head);
    kernel::list_add_tail(entry, head);
    kernel::list_del(entry);
    kernel::list_del(entry);
    EXPECT_TRUE(kernel::list_empty(head));
  });
  expect_goes_on("list-corruption list_add", "list-corruption:*", [] {
    kernel::ListHead head, entry;
    kernel::init_list_head(head);
    kernel::list_add_tail(entry, head);
    kernel::list_add_tail(entry, head);
    EXPECT_EQ(head.next, &entry);
    EXPECT_EQ(entry.next, &head);
  });
}

struct Counted {
  kernel::Kref kref;
};

void release(kernel::Kref& kref) { kernel::kfree(container_of(&kref, Counted, kref)); }

Counted& make_counted() {
  Counted* counted = kernel::kzalloc_obj<Counted>("counted");
  kernel::kref_init(counted->kref, "thing", {kRole});
  return *counted;
}

TEST(Suppress, WrongHolderGoesOn) {
  // Who holds nothing drops the reference: the object goes, and the entry of the true holder with
  // it.
  Suppressed known({"refcount-underflow:thing dropped by other", "refcount-underflow:thing"});
  EXPECT_EQ(run_alone([] {
              Counted& counted = make_counted();
              kernel::kref_put(counted.kref, {kOtherRole}, release);
            }),
            "nothing");
}

TEST(Suppress, MoveFromAWrongHolderGoesOn) {
  expect_goes_on("refcount-underflow thing moved by other", "refcount-underflow:thing moved by *",
                 [] {
                   Counted& counted = make_counted();
                   kernel::kref_move(counted.kref, {kOtherRole}, {kRole});
                   kernel::kref_put(counted.kref, {kRole}, release);
                 });
}

TEST(Suppress, PutAndGetAfterTheLastPutGoOn) {
  Suppressed known({"refcount-underflow:*", "refcount-resurrect:*", "reference-leak:*"});
  EXPECT_EQ(run_alone([] {
              kernel::Kref kref;
              kernel::kref_init(kref, "thing", {kRole});
              auto nothing = [](kernel::Kref&) {};
              EXPECT_TRUE(kernel::kref_put(kref, {kRole}, nothing));
              EXPECT_FALSE(kernel::kref_put(kref, {kRole}, nothing));
              kernel::kref_get(kref, {kOtherRole});
            }),
            "nothing");
}

TEST(Suppress, LeakIsForgottenWithAllThatFollowsFromItAndTheNextIsFound) {
  auto leak = [] {
    make_counted();
    kernel::kmalloc(8, kernel::Gfp::kKernel, "held by it");
  };
  EXPECT_EQ(run_alone(leak), "reference-leak thing held by holder");
  Suppressed known({"reference-leak:thing held by holder"});
  EXPECT_EQ(run_alone(leak), "nothing");
  EXPECT_EQ(kernel::slab_live_objects(), 0u);
  EXPECT_EQ(run_alone([&] {
              leak();
              kernel::runtime_end(1);  // a slot that follows from it, too
              EXPECT_EQ(kernel::slab_live_objects(), 0u);
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              leak();
              Counted& counted = make_counted();
              kernel::kref_get(counted.kref, {kOtherRole});
            }),
            "reference-leak thing held by other");
}

TEST(Suppress, WhatALeakedObjectHoldsIsNoLeakOfItsOwn) {
  Suppressed known({"reference-leak:outer held by holder"});
  EXPECT_EQ(run_alone([] {
              const uint32_t outer = kernel::ledger_open("outer", {kRole});
              kernel::ledger_open("inner", {kOtherRole, outer});
            }),
            "nothing");
}

TEST(Suppress, ObjectsThatHoldEachOtherAreALeakAsWell) {
  auto ring = [] {
    const uint32_t a = kernel::ledger_open("a", {kRole});
    const uint32_t b = kernel::ledger_open("b", {kRole, a});
    kernel::ledger_move(a, {kRole}, {kRole, b});
  };
  EXPECT_EQ(run_alone(ring), "reference-leak a held by holder");
  Suppressed known({"reference-leak:a held by *"});
  EXPECT_EQ(run_alone(ring), "nothing");
}

TEST(Suppress, SlotLeakGoesOn) {
  expect_goes_on("slot-leak seq64", "slot-leak:seq64", [] { kernel::runtime_end(1); });
}

TEST(Suppress, LeakedMemoryIsFreedAndTheNextLeakFound) {
  auto leak = [] { kernel::kmalloc(8, kernel::Gfp::kKernel, "known"); };
  EXPECT_EQ(run_alone(leak), "object-leak known");
  Suppressed known({"object-leak:known"});
  EXPECT_EQ(run_alone([&] {
              leak();
              leak();
            }),
            "nothing");
  EXPECT_EQ(kernel::slab_live_objects(), 0u);
  EXPECT_EQ(run_alone([&] {
              leak();
              kernel::kmalloc(8, kernel::Gfp::kKernel, "new");
            }),
            "object-leak new");
}

void warn() { EXPECT_TRUE(WARN_ON(true)); }

TEST(Suppress, WarningGoesOn) { expect_goes_on("warn-on warn", "warn-on:warn", warn); }

TEST(Suppress, RunIsGivenUpAfterADeadlockOrLivelockAndTheNextStartsClean) {
  auto deadlock = [] {
    kernel::set_current_state();
    kernel::schedule_timeout("event", kernel::kMaxScheduleTimeout);
  };
  auto livelock = [] {
    for (;;) sched::point(sched::Point::kStep);
  };
  Suppressed known({"deadlock:event", "livelock:"});
  bool went_on = false;
  for (const std::function<void()>& body : {std::function<void()>(deadlock), {livelock}}) {
    TestRun run;
    run.threads = {[&] {
      kernel::kmalloc(8, kernel::Gfp::kKernel, "lost with the run");
      kernel::ledger_open("thing", {kRole});
      body();
      went_on = true;
    }};
    run.tear_down = {[&] { went_on = true; }};
    EXPECT_EQ(run(), "nothing");
    EXPECT_EQ(kernel::slab_live_objects(), 0u);
    EXPECT_EQ(run_alone([] {}), "nothing");
  }
  EXPECT_FALSE(went_on);
}

// To TSan, what one context describes for a finding that turns out to be suppressed is no business
// of another one.
TEST(Suppress, ContextsMayHaveSuppressedFindingsAtOnce) {
  kernel::set_operation_printer([](uint32_t tag, char* buffer, size_t capacity) {
    return static_cast<size_t>(std::snprintf(buffer, capacity, "operation of t%u", tag - 1));
  });
  Suppressed known({"refcount-underflow:*", "lock-order-inversion:*", "sleep-in-atomic:*",
                    "lock-held-at-return:*"});
  TestRun run;
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([] {
      const uint32_t object = kernel::ledger_open("thing", {kRole});
      for (int i = 0; i < 4; ++i) kernel::ledger_put(object, {kOtherRole});
      kernel::ledger_put(object, {kRole});
      kernel::OnHeap<kernel::SpinLock> first, second;
      kernel::spin_lock_init(first, "lock");
      kernel::spin_lock_init(second, "lock");
      kernel::spin_lock(first);
      kernel::spin_lock(second);
      kernel::might_sleep("sleep");
      kernel::check_context_at_return("op");
      kernel::spin_unlock(second);
      kernel::spin_unlock(first);
    });
  EXPECT_EQ(run.sweep({kernel::kT1}), "nothing");
  kernel::set_operation_printer(nullptr);
}

}  // namespace
