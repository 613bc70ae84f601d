// Wait-die mutexes: who waits, who backs off, who comes next; and the misuse that is reported.
#include "core/kernel/ww_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>

#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::OnHeap;
using kernel::run_alone;
using kernel::TestRun;
using kernel::WwAcquireCtx;
using kernel::WwMutex;

kernel::WwClass test_class{"ww_lock"};
kernel::WwClass other_class{"other_lock"};

OnHeap<WwMutex> make_lock(kernel::WwClass& ww_class = test_class) {
  OnHeap<WwMutex> lock;
  kernel::ww_mutex_init(lock, ww_class);
  return lock;
}

void sleep_until(uint64_t time) {
  kernel::set_current_state();
  kernel::schedule_timeout("time", time - sched::now());
}

struct Ticket : WwAcquireCtx {
  Ticket() { kernel::ww_acquire_init(*this, test_class); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  void fini() { kernel::ww_acquire_fini(*this); }
};

// Locks both in this order, as the kernel's users do; counts how often it had to back off.
int lock_both(WwMutex& a, WwMutex& b, WwAcquireCtx& ctx) {
  WwMutex* locks[] = {&a, &b};
  WwMutex* contended = nullptr;
  for (int retries = 0;; ++retries) {
    if (contended != nullptr) kernel::ww_mutex_lock_slow(*contended, ctx);
    WwMutex* slow = contended;
    contended = nullptr;
    for (int i = 0; i < 2 && contended == nullptr; ++i) {
      const int error = kernel::ww_mutex_lock(*locks[i], &ctx);
      if (error != -EDEADLK) {
        EXPECT_EQ(error, locks[i] == slow ? -EALREADY : 0);
        continue;
      }
      contended = locks[i];
      if (i == 1) kernel::ww_mutex_unlock(*locks[0]);
      if (i == 0) kernel::ww_mutex_unlock(*locks[1]);
    }
    if (contended == nullptr) return retries;
  }
}

// --- exclusion ---

TEST(WwMutex, ExcludesOtherThreadsAtEveryPreemptionWithAndWithoutTicket) {
  for (unsigned tickets = 0; tickets <= 2; ++tickets) {
    OnHeap<WwMutex> lock;
    int counter;
    TestRun run;
    run.set_up = [&] {
      lock = make_lock();
      counter = 0;
    };
    for (unsigned thread = 0; thread < 2; ++thread)
      run.threads.push_back([&, thread] {
        for (int i = 0; i < 2; ++i) {
          WwAcquireCtx ctx;
          if (thread < tickets) kernel::ww_acquire_init(ctx, test_class);
          EXPECT_EQ(kernel::ww_mutex_lock(lock, thread < tickets ? &ctx : nullptr), 0);
          const int before = counter;
          sched::point(sched::Point::kStep);
          counter = before + 1;
          kernel::ww_mutex_unlock(lock);
          if (thread < tickets) kernel::ww_acquire_fini(ctx);
        }
      });
    EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(counter, 4); }), "nothing");
  }
}

TEST(WwMutex, TakenInOppositeOrderWithTicketsAlwaysGoesOnAndWithoutItDeadlocks) {
  OnHeap<WwMutex> a, b;
  int counter, retries = 0;
  TestRun run;
  run.set_up = [&] {
    a = make_lock();
    b = make_lock();
    counter = 0;
  };
  auto body = [&](bool opposite) {
    Ticket ctx;
    retries += opposite ? lock_both(b, a, ctx) : lock_both(a, b, ctx);
    kernel::ww_acquire_done(ctx);
    const int before = counter;
    sched::point(sched::Point::kStep);
    counter = before + 1;
    kernel::ww_mutex_unlock(a);
    kernel::ww_mutex_unlock(b);
    ctx.fini();
    sched::point(sched::Point::kStep);
  };
  run.threads = {[&] { body(false); }, [&] { body(true); }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}, [&] { ASSERT_EQ(counter, 2); }), "nothing");
  EXPECT_GT(retries, 0);

  // Only a ticket makes two locks of one class a legal thing to hold.
  EXPECT_EQ(run_alone([&] {
              kernel::ww_mutex_lock(a, nullptr);
              kernel::ww_mutex_lock(b, nullptr);
            }),
            "lock-order-inversion ww_lock -> ww_lock");
}

TEST(WwMutex, ThreeTasksOverThreeLocksAlwaysGoOn) {
  OnHeap<WwMutex> locks[3];
  int counter;
  TestRun run;
  run.set_up = [&] {
    for (auto& lock : locks) lock = make_lock();
    counter = 0;
  };
  for (int thread = 0; thread < 3; ++thread)
    run.threads.push_back([&, thread] {
      WwMutex &first = locks[thread], &second = locks[(thread + 1) % 3];
      Ticket ctx;
      lock_both(first, second, ctx);
      sched::point(sched::Point::kStep);
      kernel::ww_mutex_unlock(first);
      kernel::ww_mutex_unlock(second);
      ctx.fini();
    });
  EXPECT_EQ(run.sweep({kT1, kT2, kT0}), "nothing");
}

// --- who waits and who backs off ---

// t0, with the older ticket, and t1 each hold a lock of their own; then one asks for the other's.
struct TwoTickets : TestRun {
  OnHeap<WwMutex> old_lock = make_lock(), young_lock = make_lock();
  int old_asks = 1, young_asks = 1;
  bool young_holds = true;

  // Asks when the other holds what it will hold; unlocks at 30.
  TwoTickets(bool old_one_asks, bool young_one_asks) {
    threads = {[this, old_one_asks] {
                 Ticket ctx;
                 kernel::ww_mutex_lock(old_lock, &ctx);
                 sleep_until(10);
                 if (old_one_asks) old_asks = kernel::ww_mutex_lock(young_lock, &ctx);
                 sleep_until(30);
                 kernel::ww_mutex_unlock(old_lock);
                 if (old_one_asks) kernel::ww_mutex_unlock(young_lock);
                 ctx.fini();
               },
               [this, young_one_asks] {
                 Ticket ctx;
                 if (young_holds) kernel::ww_mutex_lock(young_lock, &ctx);
                 sleep_until(20);
                 if (young_one_asks) young_asks = kernel::ww_mutex_lock(old_lock, &ctx);
                 if (young_one_asks && young_asks == 0) kernel::ww_mutex_unlock(old_lock);
                 if (young_holds) kernel::ww_mutex_unlock(young_lock);
                 ctx.fini();
               }};
  }
};

TEST(WwMutex, OlderTicketWaitsForTheYounger) {
  TwoTickets run(true, false);
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.old_asks, 0);
}

TEST(WwMutex, YoungerTicketThatHoldsALockBacksOff) {
  TwoTickets run(false, true);
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.young_asks, -EDEADLK);
}

TEST(WwMutex, YoungerTicketThatHoldsNothingWaits) {
  TwoTickets run(false, true);
  run.young_holds = false;
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.young_asks, 0);
}

TEST(WwMutex, OfTwoThatWantEachOthersLockTheYoungerBacksOff) {
  TwoTickets run(true, true);
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.old_asks, 0);
  EXPECT_EQ(run.young_asks, -EDEADLK);
}

TEST(WwMutex, HeldByOnesOwnTicketIsEalready) {
  auto lock = make_lock();
  EXPECT_EQ(run_alone([&] {
              Ticket ctx;
              EXPECT_EQ(kernel::ww_mutex_lock(lock, &ctx), 0);
              EXPECT_EQ(kernel::ww_mutex_lock(lock, &ctx), -EALREADY);
              EXPECT_EQ(kernel::ww_mutex_lock_interruptible(lock, &ctx), -EALREADY);
              kernel::ww_mutex_unlock(lock);
              ctx.fini();
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

// t1 holds a lock and waits for one that the youngest, t2, holds; t0 is the oldest.
struct ThreeTickets : TestRun {
  OnHeap<WwMutex> wanted = make_lock(), held = make_lock();
  int middle_asks = 1;
  uint64_t middle_told_at = 0;
  std::string order;

  explicit ThreeTickets(Body old_one) {
    threads = {std::move(old_one),
               [this] {
                 Ticket ctx;
                 sleep_until(10);
                 kernel::ww_mutex_lock(held, &ctx);
                 middle_asks = kernel::ww_mutex_lock(wanted, &ctx);
                 middle_told_at = sched::now();
                 if (middle_asks == 0) kernel::ww_mutex_unlock(wanted);
                 kernel::ww_mutex_unlock(held);
                 ctx.fini();
               },
               [this] {
                 Ticket ctx;
                 kernel::ww_mutex_lock(wanted, &ctx);
                 sleep_until(100);
                 kernel::ww_mutex_unlock(wanted);
                 ctx.fini();
               }};
  }
};

TEST(WwMutex, SleepingTicketWithLocksBacksOffWhenAnOlderOneQueuesUp) {
  ThreeTickets run([&] {
    Ticket ctx;
    sleep_until(20);
    EXPECT_EQ(kernel::ww_mutex_lock(run.wanted, &ctx), 0);
    kernel::ww_mutex_unlock(run.wanted);
    ctx.fini();
  });
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.middle_asks, -EDEADLK);
  EXPECT_EQ(run.middle_told_at, 20u);
}

TEST(WwMutex, SleepingTicketWithLocksStaysWhenAnOlderOneOnlyTries) {
  ThreeTickets run([&] {
    Ticket ctx;
    sleep_until(20);
    EXPECT_FALSE(kernel::ww_mutex_trylock(run.wanted, &ctx));
    ctx.fini();
  });
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(run.middle_asks, 0);
  EXPECT_EQ(run.middle_told_at, 100u);
}

TEST(WwMutex, NewcomerWithLocksBacksOffWhenAnOlderOneWaits) {
  auto wanted = make_lock(), held = make_lock();
  TestRun run;
  run.threads = {[&] {
                   Ticket ctx;
                   sleep_until(10);
                   EXPECT_EQ(kernel::ww_mutex_lock(wanted, &ctx), 0);
                   EXPECT_EQ(sched::now(), 100u);
                   kernel::ww_mutex_unlock(wanted);
                   ctx.fini();
                 },
                 [&] {
                   Ticket ctx;
                   sleep_until(20);
                   kernel::ww_mutex_lock(held, &ctx);
                   EXPECT_EQ(kernel::ww_mutex_lock(wanted, &ctx), -EDEADLK);
                   EXPECT_EQ(sched::now(), 20u);
                   kernel::ww_mutex_unlock(held);
                   kernel::ww_mutex_lock_slow(wanted, ctx);
                   EXPECT_EQ(sched::now(), 100u);
                   kernel::ww_mutex_unlock(wanted);
                   ctx.fini();
                 },
                 [&] {  // the holder has no ticket: age tells nothing
                   kernel::ww_mutex_lock(wanted, nullptr);
                   sleep_until(100);
                   kernel::ww_mutex_unlock(wanted);
                 }};
  EXPECT_EQ(run(), "nothing");
}

// The lock is free for a moment, and the one that is called to take it has no ticket.
TEST(WwMutex, SleepingTicketWithLocksBacksOffWhenAnOlderOneGetsTheLockBeforeIt) {
  for (bool trylock : {false, true}) {
    auto wanted = make_lock(), held = make_lock();
    std::atomic<int> asked = 1;
    TestRun run;
    run.cpus = 4;
    run.threads = {[&] {
                     Ticket ctx;
                     kernel::set_current_state();
                     kernel::schedule_timeout("turn", kernel::kMaxScheduleTimeout);
                     if (trylock)
                       EXPECT_TRUE(kernel::ww_mutex_trylock(wanted, &ctx));
                     else
                       EXPECT_EQ(kernel::ww_mutex_lock(wanted, &ctx), 0);
                     sleep_until(200);
                     EXPECT_EQ(asked, -EDEADLK);
                     kernel::ww_mutex_unlock(wanted);
                     ctx.fini();
                   },
                   [&] {
                     Ticket ctx;
                     sleep_until(20);
                     kernel::ww_mutex_lock(held, &ctx);
                     asked = kernel::ww_mutex_lock(wanted, &ctx);
                     kernel::ww_mutex_unlock(held);
                     if (asked == 0) kernel::ww_mutex_unlock(wanted);
                     ctx.fini();
                   },
                   [&] {
                     sleep_until(10);
                     kernel::ww_mutex_lock(wanted, nullptr);
                     kernel::ww_mutex_unlock(wanted);
                   },
                   [&] {
                     Ticket ctx;
                     kernel::ww_mutex_lock(wanted, &ctx);
                     sleep_until(100);
                     kernel::wake_up_process(sched::context(0));  // t0 runs before the one called
                     kernel::ww_mutex_unlock(wanted);
                     ctx.fini();
                   }};
    EXPECT_EQ(run(), "nothing") << trylock;
  }
}

// --- who comes next ---

TEST(WwMutex, WaitersComeByAgeAndThoseWithoutTicketKeepTheirPlaces) {
  auto lock = make_lock();
  std::string order;
  TestRun run;
  // Threads get their tickets in turn, t1 the oldest, and queue up at the times given.
  auto waiter = [&](uint64_t queue_at, bool with_ticket) {
    return [&, queue_at, with_ticket] {
      WwAcquireCtx ctx;
      if (with_ticket) kernel::ww_acquire_init(ctx, test_class);
      sleep_until(queue_at);
      EXPECT_EQ(kernel::ww_mutex_lock(lock, with_ticket ? &ctx : nullptr), 0);
      order += sched::current()->name;
      kernel::ww_mutex_unlock(lock);
      if (with_ticket) kernel::ww_acquire_fini(ctx);
      sched::point(sched::Point::kStep);
    };
  };
  run.threads = {[&] {
                   kernel::ww_mutex_lock(lock, nullptr);
                   sleep_until(100);
                   kernel::ww_mutex_unlock(lock);
                 },
                 waiter(50, true),   // before t3, which is younger
                 waiter(30, false),  // behind t4
                 waiter(40, true),   // behind the one without a ticket, before t5
                 waiter(10, false),  //
                 waiter(20, true)};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(order, "t4t1t3t5t2");
}

TEST(WwMutex, SlowLockWaitsWhateverItsAge) {
  TestRun run;
  auto a = make_lock(), b = make_lock();
  run.threads = {[&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(a, &ctx);
                   sleep_until(50);
                   kernel::ww_mutex_unlock(a);
                   ctx.fini();
                 },
                 [&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(b, &ctx);
                   EXPECT_EQ(kernel::ww_mutex_lock(a, &ctx), -EDEADLK);
                   EXPECT_EQ(ctx.contending, &*a.lock);
                   kernel::ww_mutex_unlock(b);
                   EXPECT_EQ(kernel::ww_mutex_lock_slow_interruptible(a, ctx), 0);
                   EXPECT_EQ(sched::now(), 50u);
                   kernel::ww_mutex_unlock(a);
                   ctx.fini();
                 }};
  EXPECT_EQ(run(), "nothing");
}

// --- signals, trying ---

TEST(WwMutex, OnlyAnInterruptibleWaitEndsWithASignal) {
  for (bool with_ticket : {false, true}) {
    auto a = make_lock();
    TestRun run;
    run.threads = {[&] {
                     kernel::ww_mutex_lock(a, nullptr);
                     sleep_until(50);
                     kernel::ww_mutex_unlock(a);
                   },
                   [&] {
                     WwAcquireCtx ctx;
                     kernel::ww_acquire_init(ctx, test_class);
                     WwAcquireCtx* used = with_ticket ? &ctx : nullptr;
                     if (!with_ticket) kernel::ww_acquire_fini(ctx);
                     kernel::task().signal_pending = true;
                     EXPECT_EQ(kernel::ww_mutex_lock_interruptible(a, used), -EINTR);
                     EXPECT_EQ(sched::now(), 0u);
                     EXPECT_EQ(kernel::ww_mutex_lock(a, used), 0);
                     kernel::ww_mutex_unlock(a);
                     // One that is free is taken all the same.
                     EXPECT_EQ(kernel::ww_mutex_lock_interruptible(a, used), 0);
                     kernel::ww_mutex_unlock(a);
                     if (with_ticket) kernel::ww_acquire_fini(ctx);
                     kernel::check_context_at_return("test");
                   }};
    EXPECT_EQ(run(), "nothing");
  }
}

TEST(WwMutex, SlowInterruptibleEndsWithASignal) {
  TestRun run;
  auto a = make_lock(), b = make_lock();
  run.threads = {[&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(a, &ctx);
                   sleep_until(50);
                   kernel::ww_mutex_unlock(a);
                   ctx.fini();
                 },
                 [&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(b, &ctx);
                   EXPECT_EQ(kernel::ww_mutex_lock(a, &ctx), -EDEADLK);
                   kernel::ww_mutex_unlock(b);
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(kernel::ww_mutex_lock_slow_interruptible(a, ctx), -EINTR);
                   ctx.fini();
                 }};
  EXPECT_EQ(run(), "nothing");
}

TEST(WwMutex, TryingNeverSleepsAndTakesOnlyAFreeLock) {
  auto lock = make_lock();
  kernel::OnHeap<kernel::SpinLock> spinlock;
  kernel::spin_lock_init(spinlock, "spinlock");
  EXPECT_EQ(run_alone([&] {
              Ticket ctx;
              kernel::spin_lock(spinlock);
              EXPECT_FALSE(kernel::ww_mutex_is_locked(lock));
              EXPECT_TRUE(kernel::ww_mutex_trylock(lock, &ctx));
              EXPECT_TRUE(kernel::ww_mutex_is_locked(lock));
              EXPECT_FALSE(kernel::ww_mutex_trylock(lock, &ctx));
              EXPECT_FALSE(kernel::ww_mutex_trylock(lock, nullptr));
              kernel::spin_unlock(spinlock);
              kernel::ww_mutex_unlock(lock);
              EXPECT_TRUE(kernel::ww_mutex_trylock(lock, nullptr));
              kernel::lockdep_assert_held(lock);
              kernel::ww_mutex_unlock(lock);
              ctx.fini();
              kernel::check_context_at_return("test");
            }),
            "nothing");
}

// --- misuse ---

void expect_misuse(const char* finding, const std::function<void(WwMutex& a, WwMutex& b)>& body) {
  auto a = make_lock(), b = make_lock();
  EXPECT_EQ(run_alone([&] { body(a, b); }), finding);
}

TEST(WwMutex, TakenTwiceWithoutATicketIsADeadlock) {
  expect_misuse("lock-order-inversion ww_lock -> ww_lock", [](WwMutex& a, WwMutex&) {
    kernel::ww_mutex_lock(a, nullptr);
    kernel::ww_mutex_lock(a, nullptr);
  });
}

TEST(WwMutex, UnlockByAnotherIsReported) {
  auto lock = make_lock();
  TestRun run;
  run.threads = {[&] {
                   kernel::ww_mutex_lock(lock, nullptr);
                   sleep_until(10);
                   kernel::ww_mutex_unlock(lock);
                 },
                 [&] { kernel::ww_mutex_unlock(lock); }};
  EXPECT_EQ(run(), "unlock-not-owner ww_lock");
}

TEST(WwMutex, UseBeforeInitAndAfterDestroyIsReported) {
  WwMutex never{};
  EXPECT_EQ(run_alone([&] { kernel::ww_mutex_lock(never, nullptr); }),
            "use-after-destroy ww_mutex");
  expect_misuse("use-after-destroy ww_mutex", [](WwMutex& a, WwMutex&) {
    kernel::ww_mutex_destroy(a);
    kernel::ww_mutex_trylock(a, nullptr);
  });
}

TEST(WwMutex, DestroyWhileHeldIsReportedButNotAfterwards) {
  expect_misuse("lock-destroyed-while-held ww_lock", [](WwMutex& a, WwMutex& b) {
    kernel::ww_mutex_lock(b, nullptr);
    kernel::ww_mutex_unlock(b);
    kernel::ww_mutex_destroy(b);
    kernel::ww_mutex_lock(a, nullptr);
    kernel::ww_mutex_destroy(a);
  });
}

TEST(WwMutex, TakenInAtomicContextIsReported) {
  expect_misuse("sleep-in-atomic ww_lock", [](WwMutex& a, WwMutex&) {
    kernel::local_irq_disable();
    kernel::ww_mutex_lock(a, nullptr);
  });
}

TEST(WwMutex, AssertionThatItIsHeldWarnsUnlessItIs) {
  expect_misuse("warn-on ww_lock", [](WwMutex& a, WwMutex&) { kernel::lockdep_assert_held(a); });
}

TEST(WwMutex, TicketLeftOpenAtReturnIsReported) {
  expect_misuse("lock-held-at-return some_ioctl", [](WwMutex&, WwMutex&) {
    Ticket ctx;
    kernel::check_context_at_return("some_ioctl");
  });
}

TEST(WwMutex, HeldAtReturnIsReportedHoweverItWasTaken) {
  expect_misuse("lock-held-at-return some_ioctl", [](WwMutex& a, WwMutex&) {
    kernel::ww_mutex_lock(a, nullptr);
    kernel::check_context_at_return("some_ioctl");
  });
  expect_misuse("lock-held-at-return some_ioctl", [](WwMutex& a, WwMutex&) {
    kernel::ww_mutex_trylock(a, nullptr);
    kernel::check_context_at_return("some_ioctl");
  });
}

TEST(WwMutex, TicketEndedWithLocksHeldIsReported) {
  expect_misuse("warn-on ww_acquire_fini", [](WwMutex& a, WwMutex&) {
    Ticket ctx;
    kernel::ww_mutex_lock(a, &ctx);
    ctx.fini();
  });
}

TEST(WwMutex, LockAfterDoneIsReported) {
  expect_misuse("warn-on ww_mutex_lock", [](WwMutex& a, WwMutex&) {
    Ticket ctx;
    kernel::ww_acquire_done(ctx);
    kernel::ww_mutex_lock(a, &ctx);
  });
  expect_misuse("warn-on ww_acquire_done", [](WwMutex&, WwMutex&) {
    Ticket ctx;
    kernel::ww_acquire_done(ctx);
    kernel::ww_acquire_done(ctx);
  });
}

TEST(WwMutex, LockOfAnotherClassIsReported) {
  auto lock = make_lock(other_class);
  EXPECT_EQ(run_alone([&] {
              Ticket ctx;
              kernel::ww_mutex_lock(lock, &ctx);
            }),
            "warn-on ww_mutex_lock");
}

TEST(WwMutex, AnotherTasksTicketIsReported) {
  auto lock = make_lock();
  WwAcquireCtx ctx;
  TestRun run;
  run.threads = {[&] {
                   kernel::ww_acquire_init(ctx, test_class);
                   sleep_until(10);
                   kernel::ww_acquire_fini(ctx);
                 },
                 [&] { kernel::ww_mutex_lock(lock, &ctx); }};
  EXPECT_EQ(run(), "warn-on ww_mutex_lock");
}

TEST(WwMutex, SlowLockWithoutNeedIsReported) {
  expect_misuse("warn-on ww_mutex_lock_slow", [](WwMutex& a, WwMutex&) {
    Ticket ctx;
    kernel::ww_mutex_lock_slow(a, ctx);
  });
}

// t0 holds `a` with the older ticket; t1 holds `b`, must back off from `a`, and does `then`.
std::string after_edeadlk(const std::function<void(WwMutex&, WwMutex&, WwAcquireCtx&)>& then) {
  auto a = make_lock(), b = make_lock();
  TestRun run;
  run.threads = {[&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(a, &ctx);
                   sleep_until(50);
                   kernel::ww_mutex_unlock(a);
                   ctx.fini();
                 },
                 [&] {
                   Ticket ctx;
                   kernel::ww_mutex_lock(b, &ctx);
                   EXPECT_EQ(kernel::ww_mutex_lock(a, &ctx), -EDEADLK);
                   then(a, b, ctx);
                   ctx.fini();
                 }};
  return run();
}

TEST(WwMutex, MisuseAfterEdeadlkIsReportedAndBackingOffIsNot) {
  EXPECT_EQ(after_edeadlk([](WwMutex& a, WwMutex&, WwAcquireCtx& ctx) {
              kernel::ww_mutex_lock_slow(a, ctx);  // while `b` is held
            }),
            "warn-on ww_mutex_lock_slow");
  EXPECT_EQ(after_edeadlk([](WwMutex& a, WwMutex&, WwAcquireCtx& ctx) {
              kernel::ww_mutex_lock(a, &ctx);  // once more, instead
            }),
            "warn-on ww_mutex_lock");
  EXPECT_EQ(after_edeadlk([](WwMutex& a, WwMutex&, WwAcquireCtx& ctx) {
              sleep_until(60);
              kernel::ww_mutex_lock(a, &ctx);  // it is free by now, but `b` is held
            }),
            "warn-on ww_mutex_lock");
  EXPECT_EQ(after_edeadlk([](WwMutex&, WwMutex& b, WwAcquireCtx& ctx) {
              kernel::ww_mutex_unlock(b);
              kernel::ww_mutex_lock(b, &ctx);  // not the one that was contended
            }),
            "warn-on ww_mutex_lock");
  EXPECT_EQ(after_edeadlk([](WwMutex&, WwMutex& b, WwAcquireCtx&) {
              kernel::ww_mutex_unlock(b);  // and gives up
            }),
            "nothing");
}

TEST(WwMutex, ChecksOffMisuseIsNotReported) {
  kernel::ChecksOff off;
  auto a = make_lock(), b = make_lock(other_class);
  EXPECT_EQ(run_alone([&] {
              Ticket ctx;
              kernel::lockdep_assert_held(a);
              kernel::ww_acquire_done(ctx);
              kernel::ww_mutex_lock(a, &ctx);
              kernel::ww_mutex_lock(b, &ctx);
              kernel::ww_mutex_unlock(a);
              kernel::ww_mutex_lock_slow(a, ctx);
              ctx.fini();
              kernel::ww_mutex_unlock(a);
              kernel::ww_mutex_unlock(b);
              kernel::ww_mutex_destroy(a);
            }),
            "nothing");
}

}  // namespace
