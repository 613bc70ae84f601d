// The rules of fence_chain.h that the kernel's own tests leave out.
#include "core/dma/fence_chain.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::run_alone;
using kernel::TestRun;

constexpr sched::Target kIrq = sched::Target::kIrq;

// Links of mock fences with the given points, made in this order. All are held by kMockCreator.
struct Chain {
  std::vector<Fence*> fences, links;

  void make(const std::vector<uint64_t>& points) {
    *this = {};
    Fence* tail = nullptr;
    for (const uint64_t point : points) {
      fences.push_back(&mock_fence());
      tail = &mock_chain(fence_get(tail, kMockCreator), *fence_get(fences.back(), kMockCreator),
                         point);
      links.push_back(tail);
    }
  }
  Fence* tail() const { return links.back(); }
  FenceChain& link(size_t i) const { return *to_fence_chain(links[i]); }
  // Leaves the tail as the only link that somebody else than a link holds.
  void put_all_but_tail() {
    for (size_t i = 0; i + 1 < links.size(); ++i) put_mock(*links[i]);
    links = {tail()};
  }
  void put() {
    for (Fence* link : links) put_mock(*link);
    for (Fence* fence : fences) {
      fence_signal(*fence);  // a callback of the chain may wait for it
      put_mock(*fence);
    }
  }
};

std::string with_chain(const std::vector<uint64_t>& points,
                       const std::function<void(Chain& chain)>& body) {
  return run_alone([&] {
    Chain chain;
    chain.make(points);
    body(chain);
    chain.put();
  });
}

// The error of find_seqno, and the found fence, for which the caller then holds kReader.
int find(Fence* from, uint64_t seqno, Fence** found) {
  *found = fence_get(from, kReader);
  return fence_chain_find_seqno(found, seqno, kReader);
}
// What find_seqno without an error finds, without a reference.
Fence* found(Fence* from, uint64_t seqno) {
  Fence* fence;
  EXPECT_EQ(find(from, seqno, &fence), 0);
  fence_put(fence, kReader);
  return fence;
}

// --- points ---

TEST(FenceChainInit, APointAfterTheLastJoinsItsTimeline) {
  EXPECT_EQ(with_chain({3, 5, 9},
                       [](Chain& chain) {
                         for (int i : {1, 2}) {
                           EXPECT_EQ(chain.links[i]->context, chain.links[0]->context);
                           EXPECT_EQ(chain.link(i).prev_seqno, chain.links[i - 1]->seqno);
                         }
                         EXPECT_EQ(chain.link(0).prev_seqno, 0u);
                         EXPECT_EQ(chain.tail()->seqno, 9u);
                       }),
            "nothing");
}

// Points 5, 3, 6: the second starts a timeline of its own and counts as a 5, too; the third goes on
// from there.
TEST(FenceChainInit, APointOutOfOrderStartsATimelineThatIsNoYounger) {
  EXPECT_EQ(with_chain({5, 3, 6},
                       [](Chain& chain) {
                         EXPECT_NE(chain.links[1]->context, chain.links[0]->context);
                         EXPECT_EQ(chain.links[1]->seqno, 5u);
                         EXPECT_EQ(chain.link(1).prev_seqno, 0u);
                         EXPECT_EQ(chain.links[2]->context, chain.links[1]->context);
                         EXPECT_EQ(chain.links[2]->seqno, 6u);
                         EXPECT_EQ(chain.link(2).prev_seqno, 5u);
                         // The old timeline's points are reached with the whole new one.
                         EXPECT_EQ(found(chain.tail(), 6), chain.links[2]);
                         for (uint64_t point : {5, 3, 1})
                           EXPECT_EQ(found(chain.tail(), point), chain.links[1]);
                       }),
            "nothing");
}

TEST(FenceChainInit, TheSamePointAgainIsOutOfOrder) {
  EXPECT_EQ(with_chain({5, 5},
                       [](Chain& chain) {
                         EXPECT_NE(chain.links[1]->context, chain.links[0]->context);
                         EXPECT_EQ(chain.links[1]->seqno, 5u);
                         EXPECT_EQ(chain.link(1).prev_seqno, 0u);
                       }),
            "nothing");
}

TEST(FenceChainInit, AfterAPlainFenceATimelineStarts) {
  EXPECT_EQ(run_alone([] {
              Fence& plain = mock_fence(kMockOps, 100);
              Fence& chain = mock_chain(&plain, mock_fence(), 7);
              EXPECT_NE(chain.context, plain.context);
              EXPECT_EQ(chain.seqno, 7u);
              EXPECT_EQ(to_fence_chain(&chain)->prev_seqno, 0u);
              put_mock(chain);
            }),
            "nothing");
}

// Points are plain 64-bit numbers, whatever the fences behind them count in.
TEST(FenceChainInit, PointsDoNotWrap) {
  constexpr uint64_t kBig = uint64_t{1} << 32;
  EXPECT_EQ(with_chain({kBig - 1, kBig, kBig + kBig, ~uint64_t{0}},
                       [](Chain& chain) {
                         for (Fence* link : chain.links)
                           EXPECT_EQ(link->context, chain.links[0]->context);
                         EXPECT_EQ(found(chain.tail(), kBig), chain.links[1]);
                         EXPECT_EQ(found(chain.tail(), kBig + 1), chain.links[2]);
                         EXPECT_EQ(found(chain.tail(), ~uint64_t{0}), chain.tail());
                       }),
            "nothing");
  EXPECT_EQ(with_chain({~uint64_t{0}, 0},
                       [](Chain& chain) { EXPECT_EQ(chain.tail()->seqno, ~uint64_t{0}); }),
            "nothing");
}

TEST(FenceChainInit, MustNotContainAChain) {
  const auto body = [] {
    Fence& chain = mock_chain(nullptr, mock_chain(nullptr, mock_fence()));
    fence_is_signaled(chain);
    put_mock(chain);
  };
  EXPECT_EQ(run_alone(body), "warn-on fence_chain_init");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone(body), "nothing");
}

TEST(FenceChainInit, ANodeThatIsNotUsedAfterAllIsFreed) {
  EXPECT_EQ(run_alone([] {
              fence_chain_free(fence_chain_alloc());
              fence_chain_free(nullptr);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(fence_chain_alloc(), nullptr);
            }),
            "nothing");
}

// --- finding points ---

TEST(FenceChainFind, OfPoint0IsTheFenceItself) {
  EXPECT_EQ(with_fence([](Fence& f) {
              EXPECT_EQ(found(&f, 0), &f);
              EXPECT_EQ(found(nullptr, 0), nullptr);
            }),
            "nothing");
}

TEST(FenceChainFind, NeedsAChainThatGoesThatFar) {
  EXPECT_EQ(with_chain({5},
                       [](Chain& chain) {
                         for (Fence* from : {chain.tail(), chain.fences[0], (Fence*)nullptr}) {
                           Fence* fence;
                           EXPECT_EQ(find(from, 6, &fence), -EINVAL);
                           EXPECT_EQ(fence, from);  // and still held
                           fence_put(fence, kReader);
                         }
                       }),
            "nothing");
}

TEST(FenceChainFind, GivesTheNextPendingNodeBeforeACompleteOne) {
  EXPECT_EQ(with_chain({1, 2, 3, 4},
                       [](Chain& chain) {
                         fence_signal(*chain.fences[1]);
                         fence_signal(*chain.fences[2]);
                         for (uint64_t point : {3, 2, 1})
                           EXPECT_EQ(found(chain.tail(), point), chain.links[0]);
                         fence_signal(*chain.fences[0]);
                         for (uint64_t point : {3, 2, 1})
                           EXPECT_EQ(found(chain.tail(), point), nullptr);
                         EXPECT_EQ(found(chain.tail(), 4), chain.tail());
                       }),
            "nothing");
}

// The first node of the timeline is gone: what is left of the older one has to be complete as a
// whole, whatever its points are.
TEST(FenceChainFind, EndsAtTheTimelineBefore) {
  EXPECT_EQ(with_chain({4, 5, 3, 6},
                       [](Chain& chain) {
                         fence_signal(*chain.fences[2]);
                         for (uint64_t point : {5, 4, 3, 1})
                           EXPECT_EQ(found(chain.tail(), point), chain.links[1]);
                       }),
            "nothing");
}

// The reference of the start goes to what is found, or away.
TEST(FenceChainFind, MovesOneReference) {
  EXPECT_EQ(with_chain({1, 2, 3},
                       [](Chain& chain) {
                         const auto count = [&](int i) {
                           return kernel::kref_read(chain.links[i]->refcount);
                         };
                         const int tail = count(2), middle = count(1);
                         Fence* fence;
                         EXPECT_EQ(find(chain.tail(), 2, &fence), 0);
                         EXPECT_EQ(count(2), tail);
                         EXPECT_EQ(count(1), middle + 1);
                         EXPECT_EQ(fence_chain_find_seqno(&fence, 2, kReader), 0);
                         EXPECT_EQ(count(1), middle + 1);
                         fence_put(fence, kReader);
                         EXPECT_EQ(count(1), middle);
                       }),
            "nothing");
}

// --- walking and pruning ---

TEST(FenceChainWalk, GoesOverPendingNodesToAPlainFence) {
  EXPECT_EQ(run_alone([] {
              Fence& plain = mock_fence();
              Fence& first = mock_chain(&plain, mock_fence(), 1);
              Fence& second = mock_chain(fence_get(&first, kMockCreator), mock_fence(), 2);
              std::vector<Fence*> seen;
              Fence* iter;
              fence_chain_for_each(iter, &second, kReader) seen.push_back(iter);
              EXPECT_EQ(seen, (std::vector<Fence*>{&second, &first, &plain}));
              put_mock(first);
              put_mock(second);
            }),
            "nothing");
}

TEST(FenceChainWalk, UnlinksCompleteNodesForGood) {
  EXPECT_EQ(with_chain({1, 2, 3, 4},
                       [](Chain& chain) {
                         chain.put_all_but_tail();
                         fence_signal(*chain.fences[1]);
                         fence_signal(*chain.fences[2]);
                         EXPECT_EQ(kernel::kref_read(chain.fences[2]->refcount), 2);
                         FenceChain& tail = chain.link(0);
                         EXPECT_EQ(tail.prev->seqno, 3u);
                         Fence* prev = fence_chain_walk(fence_get(&tail.base, kReader), kReader);
                         EXPECT_EQ(prev->seqno, 1u);
                         EXPECT_EQ(tail.prev, prev);
                         EXPECT_EQ(tail.prev_seqno, 3u);  // the points stay
                         fence_put(prev, kReader);
                         // What hung on the unlinked nodes is dropped.
                         EXPECT_EQ(kernel::kref_read(chain.fences[2]->refcount), 1);
                         fence_signal(*chain.fences[0]);
                         EXPECT_EQ(fence_chain_walk(fence_get(&tail.base, kReader), kReader),
                                   nullptr);
                         EXPECT_EQ(tail.prev, nullptr);
                       }),
            "nothing");
}

TEST(FenceChainWalk, UnlinksACompletePlainFence) {
  EXPECT_EQ(run_alone([] {
              Fence& plain = mock_fence();
              Fence& chain = mock_chain(fence_get(&plain, kMockCreator), mock_fence(), 1);
              fence_signal(plain);
              EXPECT_EQ(fence_chain_walk(fence_get(&chain, kReader), kReader), nullptr);
              EXPECT_EQ(to_fence_chain(&chain)->prev, nullptr);
              EXPECT_EQ(kernel::kref_read(plain.refcount), 1);
              put_mock(plain);
              put_mock(chain);
            }),
            "nothing");
}

// Two walkers unlink the same nodes, or one finds them while the other unlinks.
TEST(FenceChainWalk, TwoAtOncePruneOnce) {
  static Chain chain;
  uint64_t seen[2];
  TestRun run;
  run.set_up = [] {
    chain.make({1, 2, 3, 4});
    chain.put_all_but_tail();
    fence_signal(*chain.fences[1]);
    fence_signal(*chain.fences[2]);
  };
  for (uint64_t& seqno : seen)
    run.threads.push_back([&seqno] {
      Fence* prev = fence_chain_walk(fence_get(chain.tail(), kReader), kReader);
      seqno = prev->seqno;
      fence_put(prev, kReader);
    });
  run.tear_down = {[&] {
    for (const uint64_t seqno : seen) EXPECT_EQ(seqno, 1u);
    EXPECT_EQ(chain.link(0).prev->seqno, 1u);
    chain.put();
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

// --- completion ---

TEST(FenceChain, IsCompleteWithItsFenceAndAllBefore) {
  for (const bool enabled : {false, true})
    EXPECT_EQ(with_chain({1, 2, 3},
                         [&](Chain& chain) {
                           if (enabled) fence_enable_sw_signaling(*chain.tail());
                           for (const int i : {1, 2, 0}) {
                             EXPECT_FALSE(fence_is_signaled(*chain.tail()));
                             fence_signal(*chain.fences[i]);
                           }
                           // Whoever enabled it is told, whoever did not has to ask.
                           EXPECT_EQ(fence_test_signaled_flag(*chain.tail()), enabled);
                           EXPECT_TRUE(fence_is_signaled(*chain.tail()));
                         }),
              "nothing");
}

TEST(FenceChain, OneCallbackMovesFromNodeToNode) {
  EXPECT_EQ(with_chain({1, 2, 3},
                       [](Chain& chain) {
                         const auto has_callback = [&](int i) {
                           kernel::SpinLock& lock = *chain.fences[i]->lock;
                           unsigned long flags;
                           kernel::spin_lock_irqsave(lock, flags);
                           const bool has = !kernel::list_empty(chain.fences[i]->cb_list);
                           kernel::spin_unlock_irqrestore(lock, flags);
                           return has;
                         };
                         CountingCb cb;
                         EXPECT_EQ(add_counting(*chain.tail(), cb), 0);
                         EXPECT_TRUE(has_callback(2));
                         EXPECT_FALSE(has_callback(1));
                         fence_signal(*chain.fences[1]);
                         EXPECT_TRUE(has_callback(2));
                         fence_signal(*chain.fences[2]);
                         EXPECT_TRUE(has_callback(0));
                         EXPECT_EQ(times_run(*chain.tail(), cb), 0);
                         fence_signal(*chain.fences[0]);
                         EXPECT_EQ(times_run(*chain.tail(), cb), 1);
                       }),
            "nothing");
}

TEST(FenceChain, EnablingOneThatIsCompleteSignalsIt) {
  EXPECT_EQ(with_chain({1, 2},
                       [](Chain& chain) {
                         for (Fence* fence : chain.fences) fence_signal(*fence);
                         CountingCb cb;
                         EXPECT_EQ(add_counting(*chain.tail(), cb), -ENOENT);
                         EXPECT_TRUE(fence_test_signaled_flag(*chain.tail()));
                       }),
            "nothing");
}

TEST(FenceChain, TakesNoErrorFromItsFences) {
  EXPECT_EQ(with_chain({1},
                       [](Chain& chain) {
                         fence_enable_sw_signaling(*chain.tail());
                         fence_set_error(*chain.fences[0], -EIO);
                         fence_signal(*chain.fences[0]);
                         EXPECT_EQ(fence_get_status(*chain.tail()), 1);
                       }),
            "nothing");
}

TEST(FenceChain, OfArraysIsCompleteWithTheirMembers) {
  EXPECT_EQ(run_alone([] {
              Fence* f[3];
              for (unsigned i = 0; i < 3; ++i) f[i] = &mock_fence(kMockOps, 1, i + 1);
              const auto get = [&](int i) { return fence_get(f[i], kMockCreator); };
              Fence& first = mock_chain(nullptr, mock_array({get(0), get(1)}), 1);
              Fence& second = mock_chain(&first, *get(2), 2);
              CountingCb cb;
              EXPECT_EQ(add_counting(second, cb), 0);
              for (const int i : {0, 2, 1}) {
                EXPECT_EQ(times_run(second, cb), 0);
                fence_signal(*f[i]);
              }
              EXPECT_EQ(times_run(second, cb), 1);
              for (Fence* fence : f) put_mock(*fence);
              put_mock(second);
            }),
            "nothing");
}

TEST(FenceChain, LivesUntilItsCallbackHasRunOnceNobodyHoldsIt) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              Fence& chain = mock_chain(nullptr, *fence_get(&f, kMockCreator));
              fence_enable_sw_signaling(chain);
              put_mock(chain);
              EXPECT_EQ(kernel::kref_read(chain.refcount), 1);
              fence_signal(f);
              put_mock(f);
            }),
            "nothing");
}

TEST(FenceChain, IsKnownByItsKind) {
  EXPECT_EQ(with_chain({1},
                       [](Chain& chain) {
                         Fence& node = *chain.tail();
                         Fence& leaf = *chain.fences[0];
                         EXPECT_TRUE(fence_is_chain(node));
                         EXPECT_FALSE(fence_is_array(node));
                         EXPECT_TRUE(fence_is_container(node));
                         EXPECT_FALSE(fence_is_container(leaf));
                         EXPECT_EQ(to_fence_chain(&leaf), nullptr);
                         EXPECT_EQ(to_fence_chain(nullptr), nullptr);
                         EXPECT_EQ(fence_chain_contained(&node), &leaf);
                         EXPECT_EQ(fence_chain_contained(&leaf), &leaf);
                         EXPECT_EQ(fence_chain_contained(nullptr), nullptr);
                         kernel::rcu_read_lock();
                         EXPECT_STREQ(fence_driver_name(node), "dma_fence_chain");
                         EXPECT_STREQ(fence_timeline_name(node), "unbound");
                         kernel::rcu_read_unlock();
                       }),
            "nothing");
}

TEST(FenceChain, HandsADeadlineToItsPendingFences) {
  static int deadlines;
  static constexpr FenceOps kDeadlineOps = {
      mock_name, mock_name, nullptr, nullptr, nullptr, nullptr, [](Fence&, uint64_t deadline) {
        EXPECT_EQ(deadline, 55u);
        ++deadlines;
      }};
  deadlines = 0;
  EXPECT_EQ(run_alone([] {
              Fence& done = mock_fence(kDeadlineOps);
              fence_signal(done);
              Fence& first = mock_chain(nullptr, mock_fence(kDeadlineOps), 1);
              Fence& second = mock_chain(&first, done, 2);
              Fence& third = mock_chain(&second, mock_fence(kDeadlineOps), 3);
              fence_set_deadline(third, 55);
              put_mock(third);
            }),
            "nothing");
  EXPECT_EQ(deadlines, 2);
}

// --- the end ---

// Many more nodes than any stack has room for, if the end of one were within that of the next.
TEST(FenceChainRelease, OfALongChainTakesNoStack) {
  constexpr uint64_t kLength = 12'000;
  TestRun run;
  run.set_up = [] { EXPECT_EQ(stub_init(), 0); };
  run.threads = {[] {
    Fence* tail = nullptr;
    for (uint64_t point = 1; point <= kLength; ++point) {
      FenceChain* chain = fence_chain_alloc();
      fence_chain_init(*chain, tail, fence_get_stub(kMockCreator), point, kMockCreator);
      tail = &chain->base;
    }
    put_mock(*tail);
  }};
  run.tear_down = {stub_fini};
  EXPECT_EQ(run(), "nothing");
}

TEST(FenceChainRelease, StopsAtANodeThatSomebodyHolds) {
  EXPECT_EQ(with_chain({1, 2, 3, 4},
                       [](Chain& chain) {
                         Fence* second = fence_get(chain.links[1], kReader);
                         chain.put_all_but_tail();
                         put_mock(*chain.tail());
                         chain.links.clear();
                         EXPECT_EQ(kernel::kref_read(second->refcount), 1);
                         EXPECT_EQ(to_fence_chain(second)->prev->seqno, 1u);
                         EXPECT_EQ(kernel::kref_read(chain.fences[3]->refcount), 1);
                         EXPECT_EQ(kernel::kref_read(chain.fences[0]->refcount), 2);
                         fence_put(second, kReader);
                         EXPECT_EQ(kernel::kref_read(chain.fences[0]->refcount), 1);
                       }),
            "nothing");
}

TEST(FenceChainRelease, EndsAtAPlainFence) {
  EXPECT_EQ(run_alone([] {
              Fence& first = mock_chain(&mock_fence(), mock_fence(), 1);
              put_mock(mock_chain(&first, mock_fence(), 2));
            }),
            "nothing");
}

// The tail goes while somebody walks, and drops, the middle.
TEST(FenceChainRelease, WhileAnotherWalksTheMiddle) {
  static Chain chain;
  static Fence* middle;
  TestRun run;
  run.set_up = [] {
    chain.make({1, 2, 3, 4});
    middle = fence_get(chain.links[2], kReader);
    chain.put_all_but_tail();
    fence_signal(*chain.fences[1]);
  };
  run.threads = {[] { put_mock(*chain.tail()); },
                 [] {
                   Fence* iter;
                   fence_chain_for_each(iter, middle, kReader) {}
                   fence_put(middle, kReader);
                 }};
  run.tear_down = {[] {
    chain.links.clear();
    chain.put();
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

// --- races ---

// A chain of two with somebody who waits for it, and the signals in parallel or in an interrupt.
struct Race {
  bool second_in_interrupt = false;
  TestRun::Body third = [] {};  // what t2 does, or with an interrupt t1

  static inline Chain chain;
  static inline CountingCb cb;

  std::string operator()(std::initializer_list<sched::Target> targets) {
    TestRun run;
    run.set_up = [] {
      chain.make({1, 2});
      cb.seen = 0;
      EXPECT_EQ(add_counting(*chain.tail(), cb), 0);
    };
    const auto signal_second = [] { fence_signal(*chain.fences[1]); };
    run.threads = {[] { fence_signal(*chain.fences[0]); }};
    if (second_in_interrupt)
      run.irqs = {signal_second};
    else
      run.threads.push_back(signal_second);
    run.threads.push_back(third);
    run.tear_down = {[] {
      EXPECT_TRUE(fence_test_signaled_flag(*chain.tail()));
      EXPECT_EQ(cb.seen, 1);
      chain.put();
    }};
    return run.sweep(targets);
  }
};

TEST(FenceChainRace, TwoFencesSignaledAtOnceCompleteItOnce) {
  Race race;
  EXPECT_EQ(race({kT1, kT0}), "nothing");
}

TEST(FenceChainRace, AFenceSignaledFromAnInterrupt) {
  Race race{.second_in_interrupt = true};
  EXPECT_EQ(race({kIrq}), "nothing");
}

TEST(FenceChainRace, NoWakeUpIsLost) {
  Race race{.third = [] { EXPECT_EQ(fence_wait(*Race::chain.tail(), false), 0); }};
  EXPECT_EQ(race({kT2, kT0}), "nothing");
  EXPECT_EQ(race({kT1, kT2}), "nothing");
}

TEST(FenceChainRace, PollingWhileFencesAreSignaled) {
  Race race{.third = [] {
    fence_is_signaled(*Race::chain.tail());
    fence_get_status(*Race::chain.links[0]);
  }};
  EXPECT_EQ(race({kT2, kT0}), "nothing");
  EXPECT_EQ(race({kT1, kT2}), "nothing");
}

// A new node is put behind a tail that is completed, walked and dropped.
TEST(FenceChainRace, GrowsWhileItIsPruned) {
  static Chain chain;
  static Fence* fence;
  static Fence* next;
  TestRun run;
  run.set_up = [] {
    chain.make({1, 2});
    fence = &mock_fence();
  };
  run.threads = {[] {
                   next = &mock_chain(fence_get(chain.tail(), kMockCreator),
                                      *fence_get(fence, kMockCreator), 3);
                   fence_is_signaled(*next);
                 },
                 [] {
                   for (Fence* f : chain.fences) fence_signal(*f);
                   EXPECT_TRUE(fence_is_signaled(*chain.tail()));
                 }};
  run.tear_down = {[] {
    EXPECT_FALSE(fence_is_signaled(*next));
    fence_signal(*fence);
    EXPECT_TRUE(fence_is_signaled(*next));
    EXPECT_EQ(to_fence_chain(next)->prev, nullptr);
    put_mock(*fence);
    put_mock(*next);
    chain.put();
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

}  // namespace
}  // namespace dma
