// Reader-writer semaphores, and the checkers that watch their use.
#include "core/kernel/rwsem.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "core/kernel/mutex.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::OnHeap;
using kernel::run_alone;
using kernel::RwSemaphore;
using kernel::TestRun;

OnHeap<RwSemaphore> make_sem() {
  OnHeap<RwSemaphore> sem;
  kernel::init_rwsem(sem, "rwsem");
  return sem;
}

void step() { sched::point(sched::Point::kStep); }

void sleep_until(uint64_t time) {
  kernel::set_current_state();
  kernel::schedule_timeout("time", time - sched::now());
}

// Plain variables: TSan sees that writers exclude everybody.
TEST(Rwsem, WriterExcludesWritersAndReadersAtEveryPreemption) {
  for (unsigned cpus = 1; cpus <= 2; ++cpus) {
    OnHeap<RwSemaphore> sem;
    int counter;
    TestRun run;
    run.cpus = cpus;
    run.set_up = [&] {
      sem = make_sem();
      counter = 0;
    };
    auto write = [&] {
      kernel::down_write(sem);
      const int before = counter;
      step();
      counter = before + 1;
      kernel::up_write(sem);
    };
    auto read = [&] {
      kernel::down_read(sem);
      const int before = counter;
      step();
      EXPECT_EQ(counter, before);
      kernel::up_read(sem);
    };
    run.threads = {[&] {
                     write();
                     read();
                   },
                   [&] {
                     read();
                     write();
                   }};
    EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(counter, 2); }), "nothing");
  }
}

TEST(Rwsem, ReadersShare) {
  auto sem = make_sem();
  std::atomic<int> inside = 0, most = 0;
  auto read = [&] {
    kernel::down_read(sem);
    most = std::max<int>(most, ++inside);
    sleep_until(10);
    --inside;
    kernel::up_read(sem);
  };
  TestRun run;
  run.threads = {read, read, read};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(most, 3);
}

// t0 holds it until 100; the others queue up at 10, 20, ... and write down that they have it.
std::string order_of(const std::string& kinds) {
  auto sem = make_sem();
  std::string order;
  kernel::Mutex order_lock;
  TestRun run;
  for (unsigned i = 0; i < kinds.size(); ++i)
    run.threads.push_back([&, i] {
      const bool writer = kinds[i] == 'w';
      if (i == 0) kernel::mutex_init(order_lock, "order_lock");
      sleep_until(10 * i);
      writer ? kernel::down_write(sem) : kernel::down_read(sem);
      kernel::mutex_lock(order_lock);
      order += sched::current()->name;
      order += writer ? "w " : "r ";
      kernel::mutex_unlock(order_lock);
      sleep_until(sched::now() < 100 ? 100 : sched::now() + 10);
      writer ? kernel::up_write(sem) : kernel::up_read(sem);
    });
  EXPECT_EQ(run(), "nothing");
  return order;
}

TEST(Rwsem, WriterThatWaitsKeepsNewReadersOut) { EXPECT_EQ(order_of("rwr"), "t0r t1w t2r "); }

TEST(Rwsem, WritersComeInTheOrderOfArrival) { EXPECT_EQ(order_of("wwww"), "t0w t1w t2w t3w "); }

TEST(Rwsem, AllReadersThatWaitGoOnWithTheFirst) {
  EXPECT_EQ(order_of("wrwrw"), "t0w t1r t3r t2w t4w ");
}

TEST(Rwsem, ReadersThatJoinTheFirstWaitForTheLastWriterOnly) {
  EXPECT_EQ(order_of("wwrr"), "t0w t1w t2r t3r ");
}

TEST(Rwsem, TryingTakesOnlyWhatIsFree) {
  auto sem = make_sem();
  EXPECT_EQ(run_alone([&] {
              EXPECT_TRUE(kernel::down_read_trylock(sem));
              kernel::lockdep_assert_held(sem);
              EXPECT_FALSE(kernel::down_write_trylock(sem));
              kernel::up_read(sem);
              EXPECT_TRUE(kernel::down_write_trylock(sem));
              kernel::lockdep_assert_held(sem);
              EXPECT_FALSE(kernel::down_read_trylock(sem));
              EXPECT_FALSE(kernel::down_write_trylock(sem));
              kernel::up_write(sem);
              kernel::local_irq_disable();  // does not sleep
              EXPECT_TRUE(kernel::down_read_trylock(sem));
              kernel::up_read(sem);
              kernel::local_irq_enable();
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

TEST(Rwsem, TryingFailsWhileSomebodyWaits) {
  auto sem = make_sem();
  TestRun run;
  run.threads = {[&] {
                   kernel::down_read(sem);
                   sleep_until(100);
                   kernel::up_read(sem);
                 },
                 [&] {
                   sleep_until(10);
                   kernel::down_write(sem);
                   EXPECT_EQ(sched::now(), 100u);
                   kernel::up_write(sem);
                 },
                 [&] {
                   EXPECT_TRUE(kernel::down_read_trylock(sem));
                   kernel::up_read(sem);
                   sleep_until(20);
                   EXPECT_FALSE(kernel::down_read_trylock(sem));
                 }};
  EXPECT_EQ(run(), "nothing");
}

// --- misuse ---

void expect_misuse(const char* finding, const std::function<void(RwSemaphore& sem)>& body) {
  auto sem = make_sem();
  EXPECT_EQ(run_alone([&] { body(sem); }), finding);
}

TEST(Rwsem, TakenTwiceByOneThreadIsReported) {
  expect_misuse("lock-order-inversion rwsem -> rwsem", [](RwSemaphore& sem) {
    kernel::down_write(sem);
    kernel::down_read(sem);
  });
  expect_misuse("lock-order-inversion rwsem -> rwsem", [](RwSemaphore& sem) {
    kernel::down_read(sem);
    kernel::down_read(sem);
  });
}

TEST(Rwsem, WaitingForOneselfIsADeadlock) {
  kernel::ChecksOff off;
  for (bool writer : {false, true})
    expect_misuse("deadlock rwsem", [&](RwSemaphore& sem) {
      writer ? kernel::down_write(sem) : kernel::down_read(sem);
      kernel::down_write(sem);
    });
  // At once, whoever else goes on.
  auto busy = make_sem();
  TestRun at_once;
  at_once.threads = {[&] {
                       kernel::down_read(busy);
                       kernel::down_write(busy);
                     },
                     [] {
                       sleep_until(1000);
                       ADD_FAILURE();
                     }};
  EXPECT_EQ(at_once(), "deadlock rwsem");
  // Behind a writer that waits for the reader that it keeps out.
  auto sem = make_sem();
  TestRun run;
  run.threads = {[&] {
                   kernel::down_read(sem);
                   sleep_until(10);
                   kernel::down_read(sem);
                 },
                 [&] { kernel::down_write(sem); }};
  EXPECT_EQ(run(), "deadlock rwsem");
}

TEST(Rwsem, ReleaseByWhoDoesNotHoldItIsReported) {
  expect_misuse("unlock-not-owner rwsem", [](RwSemaphore& sem) { kernel::up_read(sem); });
  expect_misuse("unlock-not-owner rwsem", [](RwSemaphore& sem) { kernel::up_write(sem); });
  expect_misuse("unlock-not-owner rwsem", [](RwSemaphore& sem) {
    kernel::down_read(sem);
    kernel::up_write(sem);
  });
  auto sem = make_sem();
  TestRun run;
  run.threads = {[&] {
                   kernel::down_read(sem);
                   sleep_until(10);
                   kernel::up_read(sem);
                 },
                 [&] { kernel::up_read(sem); }};
  EXPECT_EQ(run(), "unlock-not-owner rwsem");
}

TEST(Rwsem, DestroyWhileHeldIsReportedButNotAfterwards) {
  expect_misuse("lock-destroyed-while-held rwsem", [](RwSemaphore& sem) {
    kernel::down_read(sem);
    kernel::rwsem_destroy(sem);
  });
  expect_misuse("lock-destroyed-while-held rwsem", [](RwSemaphore& sem) {
    kernel::down_write(sem);
    kernel::rwsem_destroy(sem);
  });
  expect_misuse("nothing", [](RwSemaphore& sem) {
    kernel::down_read(sem);
    kernel::up_read(sem);
    kernel::rwsem_destroy(sem);
  });
}

TEST(Rwsem, UseBeforeInitAndAfterDestroyIsReported) {
  RwSemaphore never{};
  EXPECT_EQ(run_alone([&] { kernel::down_read(never); }), "use-after-destroy rwsem");
  expect_misuse("use-after-destroy rwsem", [](RwSemaphore& sem) {
    kernel::rwsem_destroy(sem);
    kernel::down_write_trylock(sem);
  });
}

TEST(Rwsem, TakenInAtomicContextIsReportedEvenWhenFree) {
  expect_misuse("sleep-in-atomic rwsem", [](RwSemaphore& sem) {
    kernel::local_irq_disable();
    kernel::down_read(sem);
  });
}

TEST(Rwsem, HeldAtReturnIsReported) {
  for (auto take : {+[](RwSemaphore& sem) { kernel::down_read(sem); },
                    +[](RwSemaphore& sem) { kernel::down_write(sem); },
                    +[](RwSemaphore& sem) { kernel::down_read_trylock(sem); },
                    +[](RwSemaphore& sem) { kernel::down_write_trylock(sem); }})
    expect_misuse("lock-held-at-return some_ioctl", [=](RwSemaphore& sem) {
      take(sem);
      kernel::check_context_at_return("some_ioctl");
    });
}

TEST(Rwsem, AssertionThatItIsHeldWarnsUnlessItIs) {
  expect_misuse("warn-on rwsem", [](RwSemaphore& sem) { kernel::lockdep_assert_held(sem); });
}

TEST(Rwsem, ChecksOffMisuseIsNotReported) {
  kernel::ChecksOff off;
  expect_misuse("nothing", [](RwSemaphore& sem) {
    kernel::lockdep_assert_held(sem);
    kernel::up_read(sem);
    kernel::up_write(sem);
    kernel::down_write(sem);
    kernel::up_write(sem);
    kernel::rwsem_destroy(sem);
    kernel::down_read(sem);
    kernel::down_read(sem);
    kernel::up_read(sem);
    kernel::up_read(sem);
    kernel::down_read(sem);
    kernel::rwsem_destroy(sem);
  });
}

}  // namespace
