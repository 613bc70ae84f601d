// Completions: events before and after the wait, one or many waiters.
#include "core/kernel/completion.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::Completion;
using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::run_alone;
using kernel::TestRun;

void sleep_until(uint64_t time) {
  kernel::set_current_state();
  kernel::schedule_timeout("time", time - sched::now());
}

// Plain variable: TSan sees that what comes before the event happens before what follows the wait.
TEST(Completion, WaiterGoesOnAfterTheEventAtEveryPreemption) {
  Completion x;
  int payload;
  TestRun run;
  run.set_up = [&] {
    kernel::init_completion(x, "event");
    payload = 0;
  };
  run.threads = {[&] {
                   kernel::wait_for_completion(x);
                   EXPECT_EQ(payload, 1);
                 },
                 [&] {
                   payload = 1;
                   kernel::complete(x);
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(Completion, EachEventLetsOneWaiterGoOn) {
  Completion x;
  std::atomic<int> went_on = 0;
  TestRun run;
  run.threads = {[&] {
    kernel::init_completion(x, "event");
    kernel::complete(x);
    kernel::complete(x);
    sleep_until(10);
    EXPECT_EQ(went_on, 2);
    kernel::complete(x);
    sleep_until(20);
    EXPECT_EQ(went_on, 3);
    EXPECT_EQ(x.done, 0u);
  }};
  for (int i = 0; i < 3; ++i)
    run.threads.push_back([&] {
      kernel::wait_for_completion(x);
      ++went_on;
    });
  EXPECT_EQ(run(), "nothing");
}

TEST(Completion, CompleteAllLetsAllGoOnForEver) {
  Completion x;
  TestRun run;
  run.set_up = [&] { kernel::init_completion(x, "event"); };
  auto wait = [&] {
    for (int i = 0; i < 3; ++i) kernel::wait_for_completion(x);
  };
  run.threads = {wait, wait, [&] {
                   kernel::complete_all(x);
                   kernel::complete(x);
                   EXPECT_TRUE(kernel::try_wait_for_completion(x));
                   EXPECT_TRUE(kernel::try_wait_for_completion(x));
                   EXPECT_EQ(x.done, UINT32_MAX);
                 }};
  EXPECT_EQ(run.sweep({kT2, kT1, kT0}), "nothing");
}

TEST(Completion, TimeoutEndsTheWaitAndReturnsWhatIsLeft) {
  Completion x;
  TestRun run;
  run.threads = {[&] {
                   kernel::init_completion(x, "event");
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, 0), 0u);
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, 50), 0u);
                   EXPECT_EQ(sched::now(), 50u);
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, 100), 90u);
                   EXPECT_EQ(sched::now(), 60u);
                   kernel::complete(x);
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, 100), 100u);
                   kernel::complete(x);
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, 0), 1u);
                   kernel::complete(x);
                   EXPECT_EQ(kernel::wait_for_completion_timeout(x, kernel::kMaxScheduleTimeout),
                             kernel::kMaxScheduleTimeout);
                 },
                 [&] {
                   sleep_until(60);
                   kernel::complete(x);
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(Completion, TryingTakesAnEventAndDoesNotSleep) {
  Completion x;
  EXPECT_EQ(run_alone([&] {
              kernel::init_completion(x, "event");
              kernel::local_irq_disable();
              EXPECT_FALSE(kernel::try_wait_for_completion(x));
              kernel::complete(x);
              EXPECT_TRUE(kernel::try_wait_for_completion(x));
              EXPECT_FALSE(kernel::try_wait_for_completion(x));
              kernel::local_irq_enable();
            }),
            "nothing");
}

TEST(Completion, MayBeCompletedInAnInterrupt) {
  Completion x;
  TestRun run;
  run.set_up = [&] { kernel::init_completion(x, "event"); };
  run.threads = {[&] { kernel::wait_for_completion(x); }};
  run.irqs = {[&] { kernel::complete(x); }};
  EXPECT_EQ(run.sweep({sched::Target::kIrq}), "nothing");
}

// --- misuse ---

TEST(Completion, EventThatNeverComesIsADeadlock) {
  Completion x;
  EXPECT_EQ(run_alone([&] {
              kernel::init_completion(x, "event");
              kernel::wait_for_completion(x);
            }),
            "deadlock event");
}

TEST(Completion, WaitInAtomicContextIsReportedEvenAfterTheEvent) {
  Completion x;
  EXPECT_EQ(run_alone([&] {
              kernel::init_completion(x, "event");
              kernel::complete(x);
              kernel::local_irq_disable();
              kernel::wait_for_completion(x);
            }),
            "sleep-in-atomic event");
}

TEST(Completion, UseBeforeInitIsReported) {
  for (auto use : {+[](Completion& x) { kernel::complete(x); },
                   +[](Completion& x) { kernel::wait_for_completion(x); },
                   +[](Completion& x) { kernel::try_wait_for_completion(x); }}) {
    Completion x{};
    EXPECT_EQ(run_alone([&] { use(x); }), "use-after-destroy completion");
  }
}

}  // namespace
