// Workqueues: how often, when and beside what a work runs, and what canceling promises.
#include "core/kernel/workqueue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue_test_fixture.h"
#include "core/sched/sanitizer.h"

namespace {

using kernel::kT0;
using kernel::ordered;
using kernel::run_alone;
using kernel::sleep_for;
using kernel::step;
using kernel::TestDelayedWork;
using kernel::TestRun;
using kernel::TestWork;
using kernel::unordered;
using kernel::Workqueue;
using sched::Target;

// --- queueing ---

TEST(Workqueue, QueuedTwiceRunsOnce) {
  int runs = 0;
  TestWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              EXPECT_TRUE(kernel::queue_work(unordered, work));
              EXPECT_FALSE(kernel::queue_work(unordered, work));
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

TEST(Workqueue, QueuedAgainAfterItRanRunsAgain) {
  int runs = 0;
  TestWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              for (int i = 0; i < 3; ++i) {
                EXPECT_TRUE(kernel::queue_work(unordered, work));
                sleep_for(1);
              }
            }),
            "nothing");
  EXPECT_EQ(runs, 3);
}

TEST(Workqueue, RunsWhenTheScheduleNamesAWorkerOrElseWhenNoThreadCanRun) {
  for (bool named : {false, true}) {
    std::atomic<bool> ran = false;
    TestWork work([&] { ran = true; });
    TestRun run;
    run.threads = {[&] {
      kernel::queue_work(unordered, work);
      step();
      EXPECT_EQ(ran, named);
    }};
    if (named) run.preemptions = {{2, Target::kWorker}};
    EXPECT_EQ(run(), "nothing");
    EXPECT_TRUE(ran);
  }
}

TEST(Workqueue, MaySleepAndWorksForTheOperationThatQueuedIt) {
  uint32_t tag = 0;
  TestWork work([&] {
    tag = sched::current()->tag;
    sleep_for(5);
  });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(unordered, work); }), "nothing");
  EXPECT_EQ(tag, 1u);
}

TEST(Workqueue, MayBeQueuedInAnInterrupt) {
  int runs = 0;
  TestWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              kernel::in_interrupt([&] { EXPECT_TRUE(kernel::queue_work(unordered, work)); });
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

// Plain variables: TSan sees that each run happens before the next.
TEST(Workqueue, OrderedWorksRunOneAtATimeInOrderAtEveryPreemption) {
  std::string order;
  bool busy = false;
  auto body = [&](char name) {
    return [&order, &busy, name] {
      EXPECT_FALSE(busy);
      busy = true;
      step();
      order += name;
      busy = false;
    };
  };
  TestWork other([] { step(); }), a(body('a')), b(body('b')), c(body('c'));
  TestRun run;
  run.set_up = [&] { order = ""; };
  run.threads = {[&] {
    kernel::queue_work(unordered, other);  // so that workers take turns
    kernel::queue_work(ordered, a);
    kernel::queue_work(ordered, b);
    kernel::queue_work(ordered, c);
  }};
  EXPECT_EQ(run.sweep({Target::kWorker, kT0, Target::kWorker}, [&] { ASSERT_EQ(order, "abc"); }),
            "nothing");
}

// Asks first, and then takes; what it got it puts back.
bool there_is_a_job() {
  const bool there_is = kernel::workqueue_has_job();
  sched::Job job;
  EXPECT_EQ(kernel::workqueue_take_job(&job), there_is);
  if (there_is) {
    kernel::Work& work = *static_cast<kernel::Work*>(job.arg);
    EXPECT_TRUE(kernel::queue_work(*work.wq, work));
  }
  return there_is;
}

TEST(Workqueue, ThereIsAJobExactlyWhenOneWouldBeHandedOut) {
  std::atomic<bool> one_runs;
  int there = 0, held_up = 0;
  TestWork one([&] {
    one_runs = true;
    step();
    step();
    one_runs = false;
  });
  TestWork other([&] { step(); });
  TestRun run;
  run.set_up = [&] { one_runs = false; };
  run.threads = {[&] {
    EXPECT_FALSE(there_is_a_job());
    kernel::queue_work(ordered, one);
    step();
    if (one_runs) {
      EXPECT_FALSE(there_is_a_job());  // it runs
      kernel::queue_work(ordered, one);
      EXPECT_FALSE(there_is_a_job());  // it does not run twice at a time
      kernel::queue_work(ordered, other);
      EXPECT_FALSE(there_is_a_job());  // nor does another one of an ordered queue
      ++held_up;
      kernel::cancel_work(other);
      kernel::queue_work(unordered, other);
    }
    there += there_is_a_job();
  }};
  EXPECT_EQ(run.sweep({Target::kWorker, kT0}), "nothing");
  EXPECT_GT(held_up, 0);
  EXPECT_GT(there, 0);
}

TEST(Workqueue, UnorderedWorksMayOverlap) {
  std::atomic<int> running = 0, most = 0;
  auto body = [&] {
    most = std::max<int>(most, ++running);
    sleep_for(1);
    --running;
  };
  TestWork a(body), b(body);
  for (Workqueue* wq : {&unordered, &ordered}) {
    most = 0;
    EXPECT_EQ(run_alone([&] {
                kernel::queue_work(*wq, a);
                kernel::queue_work(*wq, b);
              }),
              "nothing");
    EXPECT_EQ(most, wq->ordered ? 1 : 2);
  }
}

TEST(Workqueue, MoreWorksThanWorkersAllRun) {
  std::atomic<int> runs = 0;
  auto body = [&] {
    sleep_for(10);
    ++runs;
  };
  std::vector<TestWork> works(2 * sched::kMaxWorkers + 1, TestWork(body));
  EXPECT_EQ(run_alone([&] {
              for (TestWork& work : works) kernel::queue_work(unordered, work);
            }),
            "nothing");
  EXPECT_EQ(runs, 2 * static_cast<int>(sched::kMaxWorkers) + 1);
}

// Plain variables: TSan sees that the first run happens before the second.
TEST(Workqueue, QueuedAgainWhileItRunsItRunsAgainButNeverTwiceAtATime) {
  int runs;
  bool inside = false;
  TestWork work([&] {
    EXPECT_FALSE(inside);
    inside = true;
    step();
    ++runs;
    sleep_for(1);  // leaves another worker free to take it
    inside = false;
  });
  TestWork other([] { step(); });  // so that workers take turns
  bool again;
  TestRun run;
  run.set_up = [&] { runs = 0; };
  run.threads = {[&] {
    kernel::queue_work(unordered, other);
    kernel::queue_work(unordered, work);
    step();
    again = kernel::queue_work(unordered, work);
  }};
  EXPECT_EQ(
      run.sweep({Target::kWorker, kT0, Target::kWorker}, [&] { ASSERT_EQ(runs, again ? 2 : 1); }),
      "nothing");
}

TEST(Workqueue, WorkMayFreeItself) {
  struct Job {
    kernel::Work work;
  };
  EXPECT_EQ(run_alone([] {
              Job* job = kernel::kzalloc_obj<Job>("job");
              kernel::init_work(job->work, [](kernel::Work& work) { kernel::kfree(&work); }, "job");
              kernel::queue_work(unordered, job->work);
            }),
            "nothing");
}

// --- delayed work ---

TEST(DelayedWork, RunsAtItsTime) {
  uint64_t ran_at = 0;
  TestDelayedWork work([&] { ran_at = sched::now(); });
  EXPECT_EQ(run_alone([&] {
              EXPECT_FALSE(kernel::delayed_work_pending(work));
              EXPECT_TRUE(kernel::queue_delayed_work(unordered, work, 500));
              EXPECT_TRUE(kernel::delayed_work_pending(work));
              sleep_for(200);
              EXPECT_TRUE(kernel::delayed_work_pending(work));
              sleep_for(1000);
              EXPECT_FALSE(kernel::delayed_work_pending(work));
            }),
            "nothing");
  EXPECT_EQ(ran_at, 500u);
}

TEST(DelayedWork, QueuedAgainBeforeItsTimeKeepsTheOldTime) {
  std::string ran_at;
  TestDelayedWork work([&] { ran_at += std::to_string(sched::now()) + " "; });
  EXPECT_EQ(run_alone([&] {
              EXPECT_TRUE(kernel::queue_delayed_work(unordered, work, 500));
              EXPECT_FALSE(kernel::queue_delayed_work(unordered, work, 100));
              EXPECT_FALSE(kernel::queue_work(unordered, work.work));
            }),
            "nothing");
  EXPECT_EQ(ran_at, "500 ");
}

TEST(DelayedWork, WithoutDelayItIsQueuedAtOnce) {
  std::atomic<bool> ran = false;
  TestDelayedWork work([&] { ran = true; });
  TestRun run;
  run.threads = {[&] {
    EXPECT_TRUE(kernel::queue_delayed_work(unordered, work, 0));
    step();
    EXPECT_TRUE(ran);
  }};
  run.preemptions = {{2, Target::kWorker}};
  EXPECT_EQ(run(), "nothing");
}

TEST(DelayedWork, MayQueueItselfAgain) {
  std::string ran_at;
  TestDelayedWork work([&] {
    ran_at += std::to_string(sched::now()) + " ";
    if (sched::now() < 30) kernel::queue_delayed_work(unordered, work, 10);
  });
  EXPECT_EQ(run_alone([&] { kernel::queue_delayed_work(unordered, work, 10); }), "nothing");
  EXPECT_EQ(ran_at, "10 20 30 ");
}

// --- canceling ---

TEST(Workqueue, CanceledBeforeItRanItNeverRuns) {
  int runs = 0;
  TestWork work([&] { ++runs; }), other([] {});
  EXPECT_EQ(run_alone([&] {
              for (auto* cancel : {kernel::cancel_work, kernel::cancel_work_sync}) {
                kernel::queue_work(unordered, work);
                kernel::queue_work(unordered, other);
                EXPECT_TRUE(cancel(work));
                EXPECT_FALSE(cancel(work));
              }
              // The queue is whole: what is behind a canceled work, and queued later, runs.
              EXPECT_TRUE(kernel::cancel_work(other));
              kernel::queue_work(unordered, other);
              kernel::queue_work(unordered, work);
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

TEST(Workqueue, CancelingAfterItRanFindsNothing) {
  TestWork work([] {});
  EXPECT_EQ(run_alone([&] {
              EXPECT_FALSE(kernel::cancel_work_sync(work));
              kernel::queue_work(unordered, work);
              sleep_for(1);
              EXPECT_FALSE(kernel::cancel_work(work));
              EXPECT_FALSE(kernel::cancel_work_sync(work));
            }),
            "nothing");
}

TEST(Workqueue, RunningWorkGoesOnWhenCanceledWithoutSync) {
  std::atomic<bool> ended = false;
  TestWork work([&] {
    sleep_for(100);
    ended = true;
  });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(unordered, work);
              sleep_for(50);
              EXPECT_FALSE(kernel::cancel_work(work));
              EXPECT_FALSE(ended);
            }),
            "nothing");
  EXPECT_TRUE(ended);
}

// Plain variables: TSan sees that the work happens before what follows the cancel.
TEST(Workqueue, AfterCancelSyncTheWorkHasEndedAndMayBeFreed) {
  struct Job {
    kernel::Work work;
    int begun, ended;
  };
  TestRun run;
  run.threads = {[] {
    Job* job = kernel::kzalloc_obj<Job>("job");
    kernel::init_work(
        job->work,
        [](kernel::Work& work) {
          Job& j = *reinterpret_cast<Job*>(&work);
          ++j.begun;
          step();
          ++j.ended;
        },
        "job");
    kernel::queue_work(unordered, job->work);
    step();
    const bool was_pending = kernel::cancel_work_sync(job->work);
    EXPECT_EQ(job->begun, was_pending ? 0 : 1);
    EXPECT_EQ(job->ended, job->begun);
    kernel::kfree(job);
  }};
  EXPECT_EQ(run.sweep({Target::kWorker, kT0, Target::kWorker}), "nothing");
}

TEST(Workqueue, AfterCancelSyncAWorkThatQueuesItselfIsNotPending) {
  TestWork work([&] {
    step();
    kernel::queue_work(unordered, work);
    step();
  });
  TestRun run;
  run.threads = {[&] {
    kernel::queue_work(unordered, work);
    step();
    kernel::cancel_work_sync(work);
    EXPECT_FALSE(work.pending);
  }};
  EXPECT_EQ(run.sweep({Target::kWorker, kT0, Target::kWorker}), "nothing");
}

TEST(Workqueue, MayBeQueuedAgainAfterCancelSync) {
  int runs = 0;
  TestWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              kernel::cancel_work_sync(work);
              EXPECT_TRUE(kernel::queue_work(unordered, work));
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

TEST(DelayedWork, CanceledBeforeItsTimeItNeverRuns) {
  int runs = 0;
  TestDelayedWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              for (auto* cancel : {kernel::cancel_delayed_work, kernel::cancel_delayed_work_sync}) {
                kernel::queue_delayed_work(unordered, work, 500);
                EXPECT_TRUE(cancel(work));
                EXPECT_FALSE(kernel::delayed_work_pending(work));
                EXPECT_FALSE(cancel(work));
                sleep_for(1000);
              }
              EXPECT_TRUE(kernel::queue_delayed_work(unordered, work, 5));
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

TEST(DelayedWork, CanceledBetweenItsTimeAndItsRunItNeverRuns) {
  int runs = 0;
  TestDelayedWork work([&] { ++runs; });
  TestWork blocks_the_queue([] { sleep_for(100); });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_work(ordered, blocks_the_queue);
              kernel::queue_delayed_work(ordered, work, 20);
              sleep_for(50);
              EXPECT_TRUE(kernel::delayed_work_pending(work));
              EXPECT_TRUE(kernel::cancel_delayed_work(work));
            }),
            "nothing");
  EXPECT_EQ(runs, 0);
}

TEST(DelayedWork, CancelSyncStopsAWorkThatQueuesItselfAgain) {
  TestDelayedWork work([&] {
    sleep_for(10);
    kernel::queue_delayed_work(unordered, work, 10);
  });
  EXPECT_EQ(run_alone([&] {
              kernel::queue_delayed_work(unordered, work, 10);
              sleep_for(15);
              kernel::cancel_delayed_work_sync(work);
              EXPECT_FALSE(kernel::delayed_work_pending(work));
            }),
            "nothing");
}

// --- misuse ---

TEST(Workqueue, CancelSyncFromWithinTheWorkIsADeadlock) {
  TestWork work([&] { kernel::cancel_work_sync(work); });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(unordered, work); }), "deadlock work");
}

TEST(Workqueue, CancelFromWithinTheWorkIsFine) {
  TestWork work([&] { EXPECT_FALSE(kernel::cancel_work(work)); });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(unordered, work); }), "nothing");
}

TEST(Workqueue, CancelSyncInAtomicContextIsReported) {
  TestWork work([] {});
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              kernel::cancel_work_sync(work);
            }),
            "sleep-in-atomic cancel_work_sync");
}

TEST(Workqueue, LockLeftHeldByAWorkIsReportedByTheQueuesName) {
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  TestWork balanced([&] {
    kernel::spin_lock(lock);
    kernel::spin_unlock(lock);
  });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(ordered, balanced); }), "nothing");
  TestWork faulty([&] { kernel::spin_lock(lock); });
  EXPECT_EQ(run_alone([&] { kernel::queue_work(ordered, faulty); }),
            "lock-held-at-return ordered_wq");
}

TEST(Workqueue, UseBeforeInitIsReported) {
  for (auto use :
       {+[](kernel::DelayedWork& work) { kernel::queue_work(unordered, work.work); },
        +[](kernel::DelayedWork& work) { kernel::queue_delayed_work(unordered, work, 1); },
        +[](kernel::DelayedWork& work) { kernel::cancel_work(work.work); }}) {
    kernel::DelayedWork work{};
    EXPECT_EQ(run_alone([&] { use(work); }), "use-after-destroy work");
  }
}

#if defined(FENCEBENCH_TSAN)
// What a thread writes after it queued a work is not ordered with the work, whoever happened to run
// when the work's time came.
int shared;

void write_and_queue_delayed(bool write_first) {
  static TestDelayedWork work([] { EXPECT_EQ(shared, 1); });
  run_alone([=] {
    if (write_first) shared = 1;
    kernel::queue_delayed_work(unordered, work, 10);
    if (!write_first) shared = 1;
  });
}

TEST(DelayedWorkDeathTest, WriteAfterQueueingRacesWithTheWork) {
  write_and_queue_delayed(true);
  EXPECT_DEATH(write_and_queue_delayed(false), "data race");
}
#endif

}  // namespace
