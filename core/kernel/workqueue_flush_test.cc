// Waiting for works: what flushing promises, the new time of a delayed work, and the waits that
// would never end.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "core/kernel/mutex.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue_test_fixture.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::ordered;
using kernel::run_alone;
using kernel::sleep_for;
using kernel::step;
using kernel::TestDelayedWork;
using kernel::TestRun;
using kernel::TestWork;
using kernel::unordered;
using sched::Target;

// --- flush_work ---

TEST(FlushWork, WaitsForAQueuedOneAndForARunningOne) {
  for (bool running : {false, true}) {
    TestWork work([] { sleep_for(10); });
    EXPECT_EQ(run_alone([&] {
                kernel::queue_work(unordered, work);
                if (running) sleep_for(5);
                EXPECT_TRUE(kernel::flush_work(work));
                EXPECT_EQ(sched::now(), 10u);
              }),
              "nothing");
  }
}

TEST(FlushWork, OfAnIdleOneDoesNotWait) {
  TestWork work([] {});
  EXPECT_EQ(run_alone([&] {
              EXPECT_FALSE(kernel::flush_work(work));
              kernel::queue_work(unordered, work);
              sleep_for(1);
              EXPECT_FALSE(kernel::flush_work(work));
            }),
            "nothing");
}

// Plain variables: TSan sees that the work happens before what follows the flush.
TEST(FlushWork, AfterItTheWorkHasRunAtEveryPreemption) {
  int runs;
  bool inside;
  TestWork work([&] {
    inside = true;
    step();
    ++runs;
    inside = false;
  });
  TestWork other([] { step(); });  // so that workers take turns
  TestRun run;
  run.set_up = [&] {
    runs = 0;
    inside = false;
  };
  run.threads = {[&] {
                   kernel::queue_work(unordered, other);
                   kernel::queue_work(unordered, work);
                   step();
                   kernel::flush_work(work);
                   EXPECT_EQ(runs, 1);
                   EXPECT_FALSE(inside);
                 },
                 [&] {
                   kernel::flush_work(work);  // whether or not it is queued yet
                   step();
                 }};
  EXPECT_EQ(run.sweep({Target::kWorker, kT0, kT1}), "nothing");
}

TEST(FlushWork, OfOneThatIsQueuedAgainWhileItRunsWaitsForTheSecondRun) {
  std::atomic<int> runs = 0;
  TestWork work([&] {
    sleep_for(10);
    ++runs;
  });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(unordered, work);
              sleep_for(5);
              EXPECT_TRUE(kernel::queue_work(unordered, work));
              EXPECT_TRUE(kernel::flush_work(work));
              EXPECT_EQ(runs, 2);
            }),
            "nothing");
}

TEST(FlushWork, DoesNotWaitForALaterQueueing) {
  std::atomic<int> runs = 0;
  TestWork work([&] {
    sleep_for(10);
    if (++runs < 3) kernel::queue_work(unordered, work);
  });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(unordered, work);
              EXPECT_TRUE(kernel::flush_work(work));
              EXPECT_EQ(runs, 1);
              EXPECT_TRUE(work.pending || sched::now() == 10);
            }),
            "nothing");
  EXPECT_EQ(runs, 3);
}

TEST(FlushWork, EndsWhenAnotherCancelsTheWork) {
  TestWork blocks_the_queue([] { sleep_for(100); }, "other"), work([] { FAIL(); });
  TestRun run;
  run.threads = {[&] {
                   kernel::queue_work(ordered, blocks_the_queue);
                   kernel::queue_work(ordered, work);
                   EXPECT_TRUE(kernel::flush_work(work));
                   EXPECT_EQ(sched::now(), 50u);
                 },
                 [&] {
                   sleep_for(50);
                   EXPECT_TRUE(kernel::cancel_work(work));
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(FlushWork, OfOneThatFreesItselfIsSafe) {
  EXPECT_EQ(run_alone([] {
              auto* work = kernel::kzalloc_obj<kernel::Work>("work");
              kernel::init_work(*work, [](kernel::Work& w) { kernel::kfree(&w); }, "work");
              kernel::queue_work(unordered, *work);
              EXPECT_TRUE(kernel::flush_work(*work));
            }),
            "nothing");
}

// --- delayed works ---

TEST(FlushWork, DoesNotWaitForTheTimeOfADelayedOneButFlushDelayedWorkRunsItAtOnce) {
  std::atomic<uint64_t> ran_at = 0;
  TestDelayedWork work([&] { ran_at = sched::now(); });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_delayed_work(unordered, work, 500);
              EXPECT_FALSE(kernel::flush_work(work.work));
              sleep_for(100);
              EXPECT_TRUE(kernel::flush_delayed_work(work));
              EXPECT_EQ(ran_at, 100u);
              EXPECT_FALSE(kernel::delayed_work_pending(work));
              sleep_for(1000);
              EXPECT_EQ(ran_at, 100u);
              EXPECT_FALSE(kernel::flush_delayed_work(work));
            }),
            "nothing");
}

TEST(FlushWork, FlushDelayedWorkWaitsForARunningOne) {
  TestDelayedWork work([] { sleep_for(10); });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_delayed_work(unordered, work, 5);
              sleep_for(8);
              EXPECT_TRUE(kernel::flush_delayed_work(work));
              EXPECT_EQ(sched::now(), 15u);
            }),
            "nothing");
}

TEST(DelayedWork, ModifiedItRunsAtTheNewTimeOnly) {
  for (uint64_t delay : {0, 50, 900}) {
    std::string ran_at;
    TestDelayedWork work([&] { ran_at += std::to_string(sched::now()) + " "; });
    EXPECT_EQ(run_alone([&] {
                EXPECT_FALSE(kernel::mod_delayed_work(unordered, work, 500));
                EXPECT_TRUE(kernel::mod_delayed_work(unordered, work, delay));
                EXPECT_TRUE(kernel::delayed_work_pending(work));
              }),
              "nothing");
    EXPECT_EQ(ran_at, std::to_string(delay) + " ");
  }
}

TEST(DelayedWork, ModifiedWhenItIsQueuedItWaitsAgain) {
  std::string ran_at;
  TestDelayedWork work([&] { ran_at += std::to_string(sched::now()) + " "; });
  TestWork blocks_the_queue([] { sleep_for(100); });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(ordered, blocks_the_queue);
              kernel::queue_delayed_work(ordered, work, 20);
              sleep_for(50);
              EXPECT_TRUE(kernel::mod_delayed_work(unordered, work, 10));
            }),
            "nothing");
  EXPECT_EQ(ran_at, "60 ");
}

TEST(DelayedWork, ModifiedByAWorkThatIsBeingCanceledItDoesNotRunAgain) {
  std::atomic<int> runs = 0;
  TestDelayedWork work([&] {
    ++runs;
    sleep_for(10);
    EXPECT_FALSE(kernel::mod_delayed_work(unordered, work, 10));
  });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_delayed_work(unordered, work, 0);
              sleep_for(5);
              kernel::cancel_delayed_work_sync(work);
              EXPECT_FALSE(kernel::delayed_work_pending(work));
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

// --- flush_workqueue ---

// Plain variables: TSan sees that all works happen before what follows the flush.
TEST(FlushWorkqueue, WaitsForAllThatIsQueuedAndRunsAtEveryPreemption) {
  for (kernel::Workqueue* wq : {&ordered, &unordered}) {
    int runs[3];
    auto body = [&](int i) {
      return [&runs, i] {
        step();
        ++runs[i];
      };
    };
    TestWork a(body(0)), b(body(1)), c(body(2));
    TestRun run;
    run.set_up = [&] { runs[0] = runs[1] = runs[2] = 0; };
    run.threads = {[&] {
      for (TestWork* work : {&a, &b, &c}) kernel::queue_work(*wq, *work);
      kernel::flush_workqueue(*wq);
      for (int n : runs) EXPECT_EQ(n, 1);
    }};
    EXPECT_EQ(run.sweep({Target::kWorker, kT0, Target::kWorker}), "nothing");
  }
}

TEST(FlushWorkqueue, WaitsNeitherForOtherQueuesNorForWhatIsQueuedLaterNorForDelayedWorks) {
  TestWork other([] { sleep_for(100); });
  TestDelayedWork delayed([] {});
  TestWork again([&] {
    sleep_for(10);
    if (sched::now() < 50) kernel::queue_work(ordered, again);
  });
  EXPECT_EQ(run_alone([&] {
              kernel::flush_workqueue(ordered);
              kernel::queue_work(unordered, other);
              kernel::queue_delayed_work(ordered, delayed, 1000);
              kernel::queue_work(ordered, again);
              kernel::flush_workqueue(ordered);
              EXPECT_EQ(sched::now(), 10u);
            }),
            "nothing");
}

TEST(FlushWorkqueue, DoesNotWaitForWhatBeganLater) {
  TestWork first([] { sleep_for(10); }), later([] { sleep_for(100); });
  TestRun run;
  run.threads = {[&] {
                   kernel::queue_work(unordered, first);
                   kernel::flush_workqueue(unordered);
                   EXPECT_EQ(sched::now(), 10u);
                 },
                 [&] {
                   sleep_for(5);
                   kernel::queue_work(unordered, later);
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(FlushWorkqueue, EndsWhenTheLastWorkIsCanceled) {
  TestWork work([] { FAIL(); }), blocks_the_queue([] { sleep_for(30); }, "other");
  TestRun run;
  run.threads = {[&] {
                   kernel::queue_work(ordered, blocks_the_queue);
                   kernel::queue_work(ordered, work);
                   kernel::flush_workqueue(ordered);
                   EXPECT_EQ(sched::now(), 30u);
                 },
                 [&] {
                   sleep_for(20);
                   EXPECT_TRUE(kernel::cancel_work(work));
                 }};
  EXPECT_EQ(run(), "nothing");
}

// --- waits that never end ---

void expect_running(const char* finding, const std::function<void(TestWork& self)>& body) {
  TestWork work([&] { body(work); });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(ordered, work); }), finding);
}

TEST(FlushWork, FromWithinTheWorkIsADeadlock) {
  expect_running("deadlock work", [](TestWork& self) { kernel::flush_work(self); });
  expect_running("deadlock work", [](TestWork& self) {
    kernel::queue_work(ordered, self);
    kernel::flush_work(self);
  });
}

TEST(FlushWorkqueue, FromWithinAWorkOfTheQueueIsADeadlock) {
  expect_running("deadlock ordered_wq", [](TestWork&) { kernel::flush_workqueue(ordered); });
  expect_running("nothing", [](TestWork&) { kernel::flush_workqueue(unordered); });
}

TEST(FlushWork, FromWithinAnotherWorkOfAnOrderedQueueIsReported) {
  auto flush_on = [](kernel::Workqueue& first, kernel::Workqueue& second) {
    TestWork other([] {}, "other");
    TestWork work([&] {
      EXPECT_TRUE(kernel::queue_work(second, other));
      EXPECT_TRUE(kernel::flush_work(other));
    });
    return run_alone([&] { kernel::queue_work(first, work); });
  };
  EXPECT_EQ(flush_on(ordered, ordered), "lock-order-inversion ordered_wq -> ordered_wq");
  EXPECT_EQ(flush_on(ordered, unordered), "nothing");
  EXPECT_EQ(flush_on(unordered, unordered), "nothing");
}

// A work takes the mutex; later somebody waits for it, with the mutex held or not.
std::string wait_for_work_that_locks(bool locked,
                                     const std::function<void(TestDelayedWork&)>& wait) {
  kernel::OnHeap<kernel::Mutex> mutex;
  kernel::mutex_init(mutex, "mutex");
  TestDelayedWork work([&] {
    kernel::mutex_lock(mutex);
    kernel::mutex_unlock(mutex);
  });
  return run_alone([&] {
    kernel::queue_delayed_work(unordered, work, 0);
    sleep_for(1);  // it has run: nothing can happen this time
    if (locked) kernel::mutex_lock(mutex);
    wait(work);
    if (locked) kernel::mutex_unlock(mutex);
  });
}

TEST(FlushWork, WithALockHeldThatTheWorkTakesIsReported) {
  for (auto wait : {+[](TestDelayedWork& work) { kernel::flush_work(work.work); },
                    +[](TestDelayedWork& work) { kernel::flush_delayed_work(work); },
                    +[](TestDelayedWork& work) { kernel::cancel_work_sync(work.work); },
                    +[](TestDelayedWork& work) { kernel::cancel_delayed_work_sync(work); }}) {
    EXPECT_EQ(wait_for_work_that_locks(true, wait), "lock-order-inversion mutex -> delayed_work");
    EXPECT_EQ(wait_for_work_that_locks(false, wait), "nothing");
  }
  auto flush_queue = [](TestDelayedWork&) { kernel::flush_workqueue(unordered); };
  EXPECT_EQ(wait_for_work_that_locks(true, flush_queue),
            "lock-order-inversion mutex -> unordered_wq");
  EXPECT_EQ(wait_for_work_that_locks(false, flush_queue), "nothing");
  EXPECT_EQ(wait_for_work_that_locks(
                true, [](TestDelayedWork& work) { kernel::cancel_delayed_work(work); }),
            "nothing");
}

TEST(FlushWork, InAtomicContextIsReported) {
  TestDelayedWork work([] {});
  auto with_interrupts_off = [&](void (*flush)(TestDelayedWork&)) {
    return run_alone([&] {
      kernel::local_irq_disable();
      flush(work);
    });
  };
  EXPECT_EQ(with_interrupts_off([](TestDelayedWork& w) { kernel::flush_work(w.work); }),
            "sleep-in-atomic flush_work");
  EXPECT_EQ(with_interrupts_off([](TestDelayedWork& w) { kernel::flush_delayed_work(w); }),
            "sleep-in-atomic flush_delayed_work");
  EXPECT_EQ(with_interrupts_off([](TestDelayedWork&) { kernel::flush_workqueue(ordered); }),
            "sleep-in-atomic flush_workqueue");
}

TEST(FlushWork, UseBeforeInitIsReported) {
  for (auto use : {+[](kernel::DelayedWork& work) { kernel::flush_work(work.work); },
                   +[](kernel::DelayedWork& work) { kernel::flush_delayed_work(work); },
                   +[](kernel::DelayedWork& work) { kernel::mod_delayed_work(ordered, work, 1); },
                   +[](kernel::DelayedWork& work) { kernel::cancel_work_sync(work.work); },
                   +[](kernel::DelayedWork& work) { kernel::cancel_delayed_work(work); },
                   +[](kernel::DelayedWork& work) { kernel::cancel_delayed_work_sync(work); }}) {
    kernel::DelayedWork work{};
    EXPECT_EQ(run_alone([&] { use(work); }), "use-after-destroy work");
  }
}

// --- memory that is freed ---

TEST(DebugWorkFree, OfAPendingWorkIsReported) {
  TestWork work([] {}, "some_work");
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(unordered, work);
              kernel::debug_work_free(work);
            }),
            "use-after-destroy work some_work");
  TestDelayedWork delayed([] {});
  EXPECT_EQ(run_alone([&] {
              kernel::queue_delayed_work(unordered, delayed, 10);
              kernel::debug_work_free(delayed);
            }),
            "use-after-destroy work delayed_work");
}

TEST(DebugWorkFree, OfOneThatIsIdleCanceledNeverInitialisedOrRunsIsFine) {
  TestWork work([&] { kernel::debug_work_free(work); });
  TestDelayedWork delayed([] {});
  kernel::DelayedWork never{};
  EXPECT_EQ(run_alone([&] {
              kernel::debug_work_free(never);
              kernel::debug_work_free(delayed);
              kernel::queue_delayed_work(unordered, delayed, 10);
              kernel::cancel_delayed_work_sync(delayed);
              kernel::debug_work_free(delayed);
              kernel::queue_work(unordered, work);
            }),
            "nothing");
}

TEST(DebugWorkFree, ChecksOffNothingIsReported) {
  kernel::ChecksOff off;
  TestWork work([] {});
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(unordered, work);
              kernel::debug_work_free(work);
            }),
            "nothing");
}

}  // namespace
