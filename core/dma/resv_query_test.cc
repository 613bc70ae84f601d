// What can be asked of a reservation without its lock: walks, lists of its fences, waiting; and the
// same beside threads that change it.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/dma/fence_array.h"
#include "core/dma/resv_test_fixture.h"
#include "core/kernel/atomic.h"
#include "core/kernel/errno.h"
#include "core/kernel/task.h"
#include "core/kernel/workqueue.h"

namespace dma {
namespace {

using kernel::kMaxScheduleTimeout;
using kernel::kSecond;
using kernel::kT0;
using kernel::kT1;
using kernel::OnHeap;
using kernel::TestRun;
using sched::Target;

constexpr ResvUsage kKernel = ResvUsage::kKernel;
constexpr ResvUsage kWrite = ResvUsage::kWrite;
constexpr ResvUsage kRead = ResvUsage::kRead;
constexpr ResvUsage kBookkeep = ResvUsage::kBookkeep;

// Makes room for more fences than ever before, so that the list is replaced.
void grow(Resv& obj) {
  EXPECT_EQ(resv_lock(obj, nullptr), 0);
  EXPECT_EQ(resv_reserve_fences(obj, static_cast<unsigned>(1 + 4 * obj.generation)), 0);
  resv_unlock(obj);
}

// Signals a fence from a worker, after a while.
struct SignalLater {
  kernel::DelayedWork work;
  kernel::Workqueue wq{"later_wq", false};
  Fence* fence;

  SignalLater(Fence& to_signal, uint64_t delay) : fence(&to_signal) {
    kernel::init_delayed_work(
        work,
        [](kernel::Work& w) {
          fence_signal(*container_of(&kernel::to_delayed_work(w), SignalLater, work)->fence);
        },
        "signal_later");
    kernel::queue_delayed_work(wq, work, delay);
  }
};

// --- the unlocked walk ---

TEST(ResvWalk, YieldsUnsignaledFencesOnly) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& first = add_new(obj, 1, 1, kRead);
              Fence& second = add_new(obj, 2, 1, kRead);
              Fence& third = add_new(obj, 3, 1, kRead);
              fence_signal(first);
              fence_signal(third);
              ResvIter cursor;
              resv_iter_begin(cursor, obj, kRead);
              EXPECT_EQ(resv_iter_first_unlocked(cursor), &second);
              EXPECT_TRUE(cursor.is_restarted);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), nullptr);
              EXPECT_FALSE(cursor.is_restarted);
              resv_iter_end(cursor);
            }),
            "nothing");
}

TEST(ResvWalk, LocksYieldSignaledFencesToo) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& f = add_new(obj, 1, 1, kRead);
              fence_signal(f);
              EXPECT_EQ(entries(obj), (Entries{{&f, kRead}}));
            }),
            "nothing");
}

TEST(ResvWalk, HoldsItsPresentFenceUntilItsEnd) {
  const auto body = [](bool with_end) {
    return with_resv([=](Resv& obj) {
      Fence& f = add_new(obj, 1, 1, kRead);
      add_new(obj, 2, 1, kRead);
      ResvIter cursor;
      resv_iter_begin(cursor, obj, kRead);
      EXPECT_EQ(resv_iter_first_unlocked(cursor), &f);
      EXPECT_EQ(kernel::kref_read(f.refcount), 2);
      if (with_end) resv_iter_end(cursor);
    });
  };
  EXPECT_EQ(body(true), "nothing");
  EXPECT_EQ(body(false), "reference-leak fence held by dma_resv_iter");
}

TEST(ResvWalk, StartsOverWhenTheListWasReplacedEvenAfterItIsFreed) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& first = add_new(obj, 1, 1, kRead);
              Fence& second = add_new(obj, 2, 1, kRead);
              ResvIter cursor;
              resv_iter_begin(cursor, obj, kRead);
              EXPECT_EQ(resv_iter_first_unlocked(cursor), &first);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), &second);
              grow(obj);
              rest();
              EXPECT_EQ(resv_iter_next_unlocked(cursor), &first);
              EXPECT_TRUE(cursor.is_restarted);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), &second);
              EXPECT_FALSE(cursor.is_restarted);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), nullptr);
            }),
            "nothing");
}

TEST(ResvWalk, StartsOverWhenTheListWasEmptiedAndFilledAnew) {
  OnHeap<Resv> empty;
  EXPECT_EQ(with_resv([&](Resv& obj) {
              resv_init(empty, 0);
              add_new(obj, 1, 1, kRead);
              ResvIter cursor;
              resv_iter_begin(cursor, obj, kRead);
              resv_iter_first_unlocked(cursor);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_copy_fences(obj, empty), 0);
              resv_unlock(obj);
              rest();
              Fence& second = add_new(obj, 2, 1, kRead);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), &second);
              EXPECT_TRUE(cursor.is_restarted);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), nullptr);
              resv_fini(empty);
            }),
            "nothing");
}

TEST(ResvWalk, EndsWhenTheListWasEmptied) {
  OnHeap<Resv> empty;
  EXPECT_EQ(with_resv([&](Resv& obj) {
              resv_init(empty, 0);
              add_new(obj, 1, 1, kRead);
              ResvIter cursor;
              resv_iter_begin(cursor, obj, kRead);
              resv_iter_first_unlocked(cursor);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_copy_fences(obj, empty), 0);
              resv_unlock(obj);
              EXPECT_EQ(resv_iter_next_unlocked(cursor), nullptr);
              resv_fini(empty);
            }),
            "nothing");
}

// --- lists of fences ---

// Adds a fence of each of `count` contexts; the walks of the functions below yield them.
Entries fill(Resv& obj, uint64_t count) {
  Entries all;
  for (uint64_t context = 1; context <= count; ++context)
    all.push_back({&add_new(obj, context, 1, kRead), kRead});
  return all;
}

TEST(ResvGetFences, OfAnIdleReservationAreNone) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              for (int i = 0; i < 2; ++i) {
                unsigned count = 77;
                Fence** fences;
                EXPECT_EQ(resv_get_fences(obj, kBookkeep, &count, &fences, kTest), 0);
                EXPECT_EQ(count, 0u);
                EXPECT_EQ(fences, nullptr);
                fence_signal(add_new(obj, 1, 1, kRead));
              }
            }),
            "nothing");
}

TEST(ResvGetFences, HoldsEachAndHoldsNothingAfterAFailure) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              const Entries all = fill(obj, 3);
              unsigned count = 77;
              Fence** fences;
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(resv_get_fences(obj, kRead, &count, &fences, kTest), -ENOMEM);
              EXPECT_EQ(count, 0u);
              EXPECT_EQ(fences, nullptr);
              EXPECT_EQ(resv_get_fences(obj, kRead, &count, &fences, kTest), 0);
              ASSERT_EQ(count, 3u);
              for (unsigned i = 0; i < count; ++i) {
                EXPECT_EQ(fences[i], all[i].fence);
                EXPECT_EQ(kernel::kref_read(fences[i]->refcount), 2);
                fence_put(fences[i], kTest);
              }
              kernel::kfree(fences);
            }),
            "nothing");
}

TEST(ResvGetSingleton, IsTheOneFenceOrAnArrayOfThem) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence* fence;
              EXPECT_EQ(resv_get_singleton(obj, kRead, &fence, kTest), 0);
              EXPECT_EQ(fence, nullptr);
              Fence& first = add_new(obj, 1, 1, kRead);
              EXPECT_EQ(resv_get_singleton(obj, kRead, &fence, kTest), 0);
              EXPECT_EQ(fence, &first);
              fence_put(fence, kTest);

              Fence& second = add_new(obj, 2, 1, kRead);
              EXPECT_EQ(resv_get_singleton(obj, kRead, &fence, kTest), 0);
              FenceArray* array = to_fence_array(fence);
              ASSERT_NE(array, nullptr);
              EXPECT_EQ(array->num_fences, 2u);
              fence_signal(first);
              EXPECT_FALSE(fence_is_signaled(*fence));
              fence_signal(second);
              EXPECT_TRUE(fence_is_signaled(*fence));
              fence_put(fence, kTest);
            }),
            "nothing");
}

TEST(ResvGetSingleton, HoldsNothingAfterAFailure) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              fill(obj, 2);
              uint32_t failures = 0;
              for (;; ++failures) {
                Fence* fence;
                kernel::task().fail_alloc = failures + 1;
                const int error = resv_get_singleton(obj, kRead, &fence, kTest);
                kernel::task().fail_alloc = 0;
                EXPECT_EQ(fence != nullptr, error == 0);
                fence_put(fence, kTest);
                if (error == 0) break;
                EXPECT_EQ(error, -ENOMEM);
              }
              EXPECT_GE(failures, 2u);
            }),
            "nothing");
}

TEST(ResvCopy, TakesTheUnsignaledFencesWithTheirUsages) {
  OnHeap<Resv> dst;
  EXPECT_EQ(with_resv([&](Resv& src) {
              resv_init(dst, 0);
              add_new(dst, 9, 1, kKernel);
              Fence& first = add_new(src, 1, 1, kBookkeep);
              fence_signal(add_new(src, 2, 1, kRead));
              Fence& third = add_new(src, 3, 1, kWrite);
              const Entries before = entries(dst);
              EXPECT_EQ(resv_lock(dst, nullptr), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(resv_copy_fences(dst, src), -ENOMEM);
              resv_unlock(dst);
              EXPECT_EQ(entries(dst), before);

              EXPECT_EQ(resv_lock(dst, nullptr), 0);
              EXPECT_EQ(resv_reserve_fences(dst, 1), 0);
              EXPECT_EQ(resv_copy_fences(dst, src), 0);
              EXPECT_EQ(dst->reserved, 0u);  // the room was in the list that is gone
              resv_unlock(dst);
              EXPECT_EQ(entries(dst), (Entries{{&first, kBookkeep}, {&third, kWrite}}));
              add_new(dst, 4, 1, kRead);
              add_new(dst, 5, 1, kRead);
              EXPECT_EQ(entries(dst).size(), 4u);
              resv_fini(dst);
            }),
            "nothing");
}

// --- waiting ---

TEST(ResvWait, OnAnIdleReservationLeavesTheTimeoutAndAtLeast1) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              for (int i = 0; i < 2; ++i) {
                EXPECT_EQ(resv_wait_timeout(obj, kBookkeep, false, 0), 1);
                EXPECT_EQ(resv_wait_timeout(obj, kBookkeep, false, 5), 5);
                EXPECT_EQ(resv_wait_timeout(obj, kBookkeep, false, UINT64_MAX), INT64_MAX);
                fence_signal(add_new(obj, 1, 1, kRead));
              }
              EXPECT_EQ(sched::now(), 0u);
            }),
            "nothing");
}

TEST(ResvWait, PollNeverSleeps) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& f = add_new(obj, 1, 1, kRead);
              SignalLater later(f, 1);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, 0), 0);
              EXPECT_EQ(sched::now(), 0u);
              fence_wait(f, false);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, 0), 1);
            }),
            "nothing");
}

// A fence that only its `signaled` op knows to be done: a poll of two such fences stays a poll
// after the first one.
TEST(ResvWait, PollAsksEachFence) {
  static const FenceOps kAsksOnce = {mock_name, mock_name, nullptr, [](Fence&) { return false; },
                                     nullptr};
  EXPECT_EQ(with_resv([](Resv& obj) {
              add_new(obj, 1, 1, kRead, kAsksOnce);  // found done when asked to signal
              Fence& pending = add_new(obj, 2, 1, kRead);
              SignalLater later(pending, 1);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, 0), 0);
              EXPECT_EQ(sched::now(), 0u);
              fence_wait(pending, false);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, 0), 1);
            }),
            "nothing");
}

TEST(ResvWait, LastsUntilTheLastFenceAndKeepsOneTimeoutForAll) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& first = add_new(obj, 1, 1, kKernel);
              Fence& second = add_new(obj, 2, 1, kWrite);
              add_new(obj, 3, 1, kRead);
              SignalLater later1(first, 2), later2(second, 5);
              EXPECT_EQ(resv_wait_timeout(obj, kWrite, false, 12), 7);
              EXPECT_EQ(sched::now(), 5u);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, 12), 0);
              EXPECT_EQ(sched::now(), 17u);
            }),
            "nothing");
}

TEST(ResvWait, EndsWithASignalOnlyIfInterruptible) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              add_new(obj, 1, 1, kRead);
              kernel::task().signal_pending = true;
              EXPECT_EQ(resv_wait_timeout(obj, kRead, true, kSecond), -kernel::kErestartsys);
              EXPECT_EQ(sched::now(), 0u);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, kSecond), 0);
              EXPECT_EQ(sched::now(), kSecond);
            }),
            "nothing");
}

TEST(ResvWait, WithTheLockHeldIsAllowed) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& f = add_new(obj, 1, 1, kRead);
              SignalLater later(f, 3);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_wait_timeout(obj, kRead, false, kMaxScheduleTimeout),
                        static_cast<int64_t>(kMaxScheduleTimeout));
              resv_unlock(obj);
              EXPECT_EQ(sched::now(), 3u);
            }),
            "nothing");
}

TEST(ResvDeadline, ReachesTheUnsignaledFencesOfTheUsage) {
  static uint64_t sum;
  static const FenceOps kDeadlineOps = {
      mock_name,
      mock_name,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      [](Fence& fence, uint64_t deadline) { sum += deadline * fence.context; }};
  sum = 0;
  EXPECT_EQ(with_resv([](Resv& obj) {
              add_new(obj, 1, 1, kKernel, kDeadlineOps);
              add_new(obj, 10, 1, kWrite, kDeadlineOps);
              fence_signal(add_new(obj, 100, 1, kWrite, kDeadlineOps));
              add_new(obj, 1000, 1, kBookkeep, kDeadlineOps);
              resv_set_deadline(obj, kWrite, 7);
            }),
            "nothing");
  EXPECT_EQ(sum, 77u);
}

// --- beside changes ---

// A reservation with a pending fence of context 1, whatever happens: t1 lets later ones take its
// place, adds others, and has the list replaced.
struct Changing {
  OnHeap<Resv> obj;
  TestRun run;

  Changing() {
    run.set_up = [this] {
      resv_init(obj, 0);
      add_new(obj, 1, 1, kWrite);
      for (uint64_t context = 2; context <= 3; ++context) add_new(obj, context, 1, kRead);
    };
    run.tear_down = {[this] { resv_fini(obj); }};
  }
  // Sweeps `asker` beside the changes, cut short or followed by the end of grace periods.
  std::string against(const TestRun::Body& asker) {
    run.threads = {
        asker, [this] {
          Fence& second = fence_of(1, 2);
          add(obj, second, kWrite);
          add_new(obj, 4, 1, kRead);
          add_new(obj, 5, 1, kRead);  // into a larger list
          fence_signal(add_new(obj, 6, 1, kKernel));
          add_new(obj, 1, 3, kKernel);
          fence_signal(second);  // who still looks at the smaller list must not count on it
          put_mock(second);
        }};
    const std::string found = run.sweep({kT1, kT0});
    return found != "nothing" ? found : run.sweep({kT1, Target::kSoftirq});
  }
};

TEST(ResvRace, ReservationThatIsNeverIdleIsNeverFoundIdle) {
  Changing changing;
  EXPECT_EQ(changing.against([&] {
    EXPECT_FALSE(resv_test_signaled(changing.obj, kWrite));
    EXPECT_EQ(resv_wait_timeout(changing.obj, kWrite, false, 0), 0);
  }),
            "nothing");
}

TEST(ResvRace, WalkYieldsLiveFencesOfItsUsageAndRestartsAtTheBeginning) {
  Changing changing;
  EXPECT_EQ(changing.against([&] {
    ResvIter cursor;
    Fence* fence;
    int of_first_context = 0;
    uint64_t seen = 0;  // contexts
    resv_iter_begin(cursor, changing.obj, kRead);
    resv_for_each_fence_unlocked(cursor, fence) {
      if (cursor.is_restarted) of_first_context = 0, seen = 0;
      EXPECT_GE(kernel::kref_read(fence->refcount), 1);
      EXPECT_GE(fence->context, 1u);
      EXPECT_LE(fence->context, 6u);
      EXPECT_LE(cursor.fence_usage, kRead);
      if (fence->context == 1) {
        EXPECT_NE(cursor.fence_usage, kRead);  // never the usage of another slot
        ++of_first_context;
      }
      seen |= 1u << fence->context;
    }
    EXPECT_GE(of_first_context, 1);
    EXPECT_EQ(seen & 0xe, 0xeu);
  }),
            "nothing");
}

TEST(ResvRace, FencesAreGatheredFromOneList) {
  Changing changing;
  EXPECT_EQ(changing.against([&] {
    unsigned count;
    Fence** fences;
    EXPECT_EQ(resv_get_fences(changing.obj, kRead, &count, &fences, kTest), 0);
    EXPECT_GE(count, 3u);
    EXPECT_LE(count, 7u);
    uint64_t contexts = 0;
    for (unsigned i = 0; i < count; ++i) {
      contexts |= 1u << fences[i]->context;
      fence_put(fences[i], kTest);
    }
    EXPECT_EQ(contexts & 0xe, 0xeu);
    kernel::kfree(fences);
  }),
            "nothing");
}

TEST(ResvRace, GatheringThatFindsNoMemoryOnARestartLosesNothing) {
  uint32_t failed = 0;
  Changing changing;
  EXPECT_EQ(changing.against([&] {
    unsigned count;
    Fence** fences;
    kernel::task().fail_alloc = 2;  // the first is for the first list
    const int error = resv_get_fences(changing.obj, kRead, &count, &fences, kTest);
    kernel::task().fail_alloc = 0;
    failed += error == -ENOMEM;
    while (count > 0) fence_put(fences[--count], kTest);
    kernel::kfree(fences);
  }),
            "nothing");
  EXPECT_GT(failed, 0u);
}

TEST(ResvRace, CopyIsOfOneList) {
  OnHeap<Resv> dst;
  Changing changing;
  EXPECT_EQ(changing.against([&] {
    resv_init(dst, 0);
    EXPECT_EQ(resv_lock(dst, nullptr), 0);
    EXPECT_EQ(resv_copy_fences(dst, changing.obj), 0);
    resv_unlock(dst);
    EXPECT_FALSE(resv_test_signaled(dst, kWrite));
    resv_fini(dst);
  }),
            "nothing");
}

TEST(ResvRace, WaitLastsUntilAFenceThatWasThereIsSignaled) {
  OnHeap<Resv> obj;
  Fence* f;
  bool signaled;
  TestRun run;
  run.set_up = [&] {
    resv_init(obj, 0);
    f = &add_new(obj, 1, 1, kRead);
    signaled = false;
  };
  run.threads = {[&] {
                   EXPECT_GT(resv_wait_timeout(obj, kRead, false, kMaxScheduleTimeout), 0);
                   EXPECT_TRUE(kernel::read_once(signaled));
                 },
                 [&] {
                   fence_get(f, kTest);
                   grow(obj);
                   kernel::write_once(signaled, true);
                   fence_signal(*f);
                   add_new(obj, 2, 1, kBookkeep);  // into its slot
                   fence_put(f, kTest);
                 }};
  run.tear_down = {[&] { resv_fini(obj); }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

// The fence is made after the reader's last chance to learn of it but through its slot.
TEST(ResvRace, FenceIsCompleteWhenItsSlotCounts) {
  OnHeap<Resv> obj;
  TestRun run;
  run.set_up = [&] {
    resv_init(obj, 0);
    add_new(obj, 1, 1, kRead);
  };
  run.threads = {[&] {
                   ResvIter cursor;
                   Fence* fence;
                   resv_iter_begin(cursor, obj, kRead);
                   resv_for_each_fence_unlocked(cursor, fence) EXPECT_EQ(fence->seqno, 1u);
                 },
                 [&] { add_new(obj, 2, 1, kRead); }};
  run.tear_down = {[&] { resv_fini(obj); }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(ResvRace, ThreadsThatAddDoNotLoseEachOthersFences) {
  OnHeap<Resv> obj;
  TestRun run;
  run.set_up = [&] { resv_init(obj, 0); };
  for (uint64_t thread = 0; thread < 2; ++thread)
    run.threads.push_back([&, thread] {
      for (uint64_t i = 1; i <= 3; ++i) add_new(obj, 2 * i + thread, 1, kRead);
    });
  run.tear_down = {[&] {
    EXPECT_EQ(entries(obj).size(), 6u);
    resv_fini(obj);
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

}  // namespace
}  // namespace dma
