// irq_work: when it runs, wherever it was queued.
#include "core/kernel/irq_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "core/kernel/list.h"
#include "core/kernel/rcu.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue_test_fixture.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::step;
using kernel::TestRun;
using kernel::TestWork;
using sched::Target;

struct TestIrqWork : kernel::IrqWork {
  std::function<void()> body;

  explicit TestIrqWork(std::function<void()> b) : body(std::move(b)) { init(); }
  void init() {
    kernel::init_irq_work(*this, [](IrqWork& work) { static_cast<TestIrqWork&>(work).body(); });
  }
  bool queue() { return kernel::irq_work_queue(*this); }
};

// --- when it runs ---

TEST(IrqWork, RunsAtOnceInAnInterruptOfTheCpuThatQueuedIt) {
  for (unsigned thread : {0u, 1u}) {
    bool ran = false;
    TestIrqWork work([&] {
      EXPECT_TRUE(kernel::in_irq());
      EXPECT_EQ(sched::current()->cpu, thread);
      EXPECT_EQ(sched::current()->tag, thread + 1);
      ran = true;
    });
    TestRun run;
    run.threads = {[] {}, [] {}};
    run.threads[thread] = [&] { EXPECT_TRUE(work.queue()); };
    EXPECT_EQ(run(), "nothing");
    EXPECT_TRUE(ran);
  }
}

TEST(IrqWork, WaitsForInterruptsToComeOn) {
  std::atomic<int> runs = 0;
  TestIrqWork work([&] { ++runs; });
  kernel::SpinLock lock;
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock_init(lock, "lock");
              unsigned long flags;
              kernel::spin_lock_irqsave(lock, flags);
              EXPECT_TRUE(work.queue());
              step();
              EXPECT_EQ(runs, 0);
              kernel::spin_unlock_irqrestore(lock, flags);
              EXPECT_EQ(runs, 1);
              kernel::local_irq_disable();
              EXPECT_TRUE(work.queue());
              step();
              EXPECT_EQ(runs, 1);
              kernel::local_irq_enable();
              EXPECT_EQ(runs, 2);
              kernel::spin_lock_destroy(lock);
            }),
            "nothing");
}

TEST(IrqWork, QueuedInAnInterruptRunsAfterIt) {
  std::string order;
  TestIrqWork work([&] { order += "irq_work "; });
  EXPECT_EQ(run_alone([&] {
              kernel::in_interrupt([&] {
                EXPECT_TRUE(work.queue());
                step();
                order += "interrupt ";
              });
              step();
            }),
            "nothing");
  EXPECT_EQ(order, "interrupt irq_work ");
}

// Softirqs and workers belong to no CPU of ours; their interrupts are on CPU 0.
void expect_waits_for_interrupts_of(const std::function<void(std::function<void()>& body)>& start) {
  std::atomic<int> runs = 0;
  TestIrqWork work([&] {
    EXPECT_TRUE(kernel::in_irq());
    ++runs;
  });
  std::function<void()> body = [&] {
    EXPECT_TRUE(work.queue());
    EXPECT_EQ(runs, 1);
    kernel::local_irq_disable();
    EXPECT_TRUE(work.queue());
    step();
    step();
    EXPECT_EQ(runs, 1);
    kernel::local_irq_enable();
    EXPECT_EQ(runs, 2);
  };
  EXPECT_EQ(run_alone([&] { start(body); }), "nothing");
  EXPECT_EQ(runs, 2);
}

TEST(IrqWork, QueuedInASoftirqWaitsForItsInterruptsToComeOn) {
  struct Callback : kernel::RcuHead {
    std::function<void()> body;
  } callback;
  expect_waits_for_interrupts_of([&](std::function<void()>& body) {
    callback.body = body;
    kernel::call_rcu(callback, [](kernel::RcuHead& h) { static_cast<Callback&>(h).body(); });
  });
}

TEST(IrqWork, QueuedOnAWorkerWaitsForItsInterruptsToComeOn) {
  TestWork worker([] {});
  expect_waits_for_interrupts_of([&](std::function<void()>& body) {
    worker.body = body;
    kernel::queue_work(kernel::unordered, worker);
  });
}

TEST(IrqWork, ThatOfAWorkerWithInterruptsOffHoldsUpNoOther) {
  std::atomic<bool> workers_ran = false, threads_ran = false;
  TestIrqWork workers([&] { workers_ran = true; }), threads([&] { threads_ran = true; });
  TestWork worker([&] {
    kernel::local_irq_disable();
    workers.queue();
    step();
    kernel::local_irq_enable();
  });
  TestRun run;
  run.threads = {[&] {
    kernel::queue_work(kernel::unordered, worker);
    step();
    EXPECT_FALSE(worker.pending);  // it began
    threads.queue();
    EXPECT_TRUE(threads_ran);
    EXPECT_FALSE(workers_ran);
  }};
  run.preemptions = {{2, Target::kWorker}, {2, kT0}};
  EXPECT_EQ(run(), "nothing");
  EXPECT_TRUE(workers_ran);
}

// --- how often ---

TEST(IrqWork, QueuedTwiceBeforeItRunsItRunsOnce) {
  std::atomic<int> runs = 0;
  TestIrqWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              EXPECT_TRUE(work.queue());
              EXPECT_FALSE(work.queue());
              kernel::local_irq_enable();
              EXPECT_EQ(runs, 1);
              EXPECT_TRUE(work.queue());
              EXPECT_EQ(runs, 2);
            }),
            "nothing");
}

TEST(IrqWork, ManyRunInTheOrderOfTheirQueueing) {
  std::string order;
  std::vector<TestIrqWork> works;
  for (int i = 0; i < 100; ++i)  // more than interrupts that can be pending
    works.emplace_back([&order, i] { order += std::to_string(i) + " "; });
  std::string expected;
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              for (int i = 0; i < 100; ++i) {
                EXPECT_TRUE(works[static_cast<size_t>(i)].queue());
                expected += std::to_string(i) + " ";
              }
              kernel::local_irq_enable();
            }),
            "nothing");
  EXPECT_EQ(order, expected);
}

TEST(IrqWork, EachWorksForTheOperationThatQueuedIt) {
  struct Interrupt {
    TestIrqWork work;
    uint32_t tag = 0;

    Interrupt() : work([this] { tag = sched::current()->tag; }) {}
    static void run(void* arg) { static_cast<Interrupt*>(arg)->work.queue(); }
  } five, six;
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              sched::raise_irq(0, {Interrupt::run, &five, 5});
              sched::raise_irq(0, {Interrupt::run, &six, 6});
              kernel::local_irq_enable();
            }),
            "nothing");
  EXPECT_EQ(five.tag, 5u);
  EXPECT_EQ(six.tag, 6u);
}

TEST(IrqWork, MayQueueItselfAndOthers) {
  int runs = 0;
  bool other_ran = false;
  TestIrqWork other([&] { other_ran = true; });
  TestIrqWork work([&] {
    if (++runs == 3) return;
    EXPECT_TRUE(work.queue());
    EXPECT_EQ(other.queue(), runs == 1);  // it comes after the second run of this one
  });
  EXPECT_EQ(run_alone([&] { EXPECT_TRUE(work.queue()); }), "nothing");
  EXPECT_EQ(runs, 3);
  EXPECT_TRUE(other_ran);
}

TEST(IrqWork, MayFreeItselfAfterAGracePeriod) {
  struct Object {
    kernel::RcuHead rcu;
    kernel::IrqWork work;
  };
  EXPECT_EQ(run_alone([] {
              auto* object = kernel::kzalloc_obj<Object>("object");
              kernel::init_irq_work(object->work, [](kernel::IrqWork& work) {
                kernel::call_rcu(container_of(&work, Object, work)->rcu,
                                 [](kernel::RcuHead& rcu) { kernel::kfree(&rcu); });
              });
              kernel::irq_work_queue(object->work);
            }),
            "nothing");
}

// What is queued in a run that ends too early is forgotten.
TEST(IrqWork, NothingIsLeftForTheNextRun) {
  int runs = 0;
  TestIrqWork work([&] { ++runs; });
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              work.queue();
              kernel::might_sleep("test");
            }),
            "sleep-in-atomic test");
  EXPECT_EQ(run_alone([&] {
              work.init();
              EXPECT_TRUE(work.queue());
            }),
            "nothing");
  EXPECT_EQ(runs, 1);
}

// --- waiting for it ---

// Plain variables: TSan sees that the queueing happens before the work, and that before the return.
TEST(IrqWork, AfterSyncItIsNeitherQueuedNorRunning) {
  int before, begun, ended;
  TestIrqWork work([&] {
    EXPECT_EQ(before, 1);
    ++begun;
    step();
    ++ended;
  });
  TestRun run;
  run.set_up = [&] {
    work.init();
    before = begun = ended = 0;
  };
  run.threads = {[&] {
                   before = 1;
                   work.queue();
                   kernel::irq_work_sync(work);
                   EXPECT_EQ(begun, 1);
                   EXPECT_EQ(ended, 1);
                 },
                 [&] {
                   kernel::irq_work_sync(work);
                   step();
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(IrqWork, SyncWaitsForTheSecondRunOfOneThatQueuedItself) {
  std::atomic<int> begun, ended;
  TestIrqWork work([&] {
    if (++begun == 1) work.queue();
    step();
    ++ended;
  });
  TestRun run;
  run.set_up = [&] {
    work.init();
    begun = ended = 0;
  };
  run.threads = {[&] { work.queue(); },
                 [&] {
                   kernel::irq_work_sync(work);
                   EXPECT_EQ(begun, ended);
                   EXPECT_NE(ended, 1);
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(IrqWork, SyncWaitsForTheOtherCpu) {
  std::atomic<int> runs = 0;
  TestIrqWork work([&] { ++runs; });
  TestRun run;
  run.threads = {[&] {
                   kernel::local_irq_disable();
                   work.queue();
                   step();
                   kernel::local_irq_enable();
                 },
                 [&] {
                   kernel::irq_work_sync(work);
                   EXPECT_EQ(runs, 1);
                 }};
  run.preemptions = {{2, kT1}};
  EXPECT_EQ(run(), "nothing");
}

// --- misuse ---

TEST(IrqWork, SyncInAtomicContextIsReported) {
  TestIrqWork work([] {});
  EXPECT_EQ(run_alone([&] {
              kernel::local_irq_disable();
              kernel::irq_work_sync(work);
            }),
            "sleep-in-atomic irq_work_sync");
}

TEST(IrqWork, UseBeforeInitIsReported) {
  for (auto use : {+[](kernel::IrqWork& work) { kernel::irq_work_queue(work); },
                   +[](kernel::IrqWork& work) { kernel::irq_work_sync(work); }}) {
    kernel::IrqWork work{};
    EXPECT_EQ(run_alone([&] { use(work); }), "use-after-destroy irq_work");
  }
}

TEST(IrqWork, SleepingInItIsReported) {
  TestIrqWork work([] { kernel::might_sleep("body"); });
  EXPECT_EQ(run_alone([&] { work.queue(); }), "sleep-in-atomic body");
}

TEST(IrqWork, LockLeftHeldIsReported) {
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  TestIrqWork work([&] { kernel::spin_lock(lock); });
  EXPECT_EQ(run_alone([&] { work.queue(); }), "lock-held-at-return irq_work");
}

}  // namespace
