// Bounded search on jobs small enough to count by hand.
#include "core/sched/explorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "core/sched/sched.h"

namespace {

using sched::Point;

int shared[3];

// A counter without a lock: reads, may be preempted, writes.
void increment(int& counter) {
  sched::access(Point::kRead, &counter);
  const int seen = counter;
  sched::access(Point::kWrite, &counter);
  counter = seen + 1;
}

void both(void*) { increment(shared[0]); }
void own(void* counter) {
  for (int i = 0; i < 4; ++i) increment(*static_cast<int*>(counter));
}

struct Walk {
  std::set<std::vector<int>> outcomes;
  std::vector<unsigned> preemptions;  // of each run
  uint64_t runs = 0, skipped = 0, states = 0;
};

Walk walk(const std::vector<sched::Job>& jobs, unsigned preemptions, bool prune) {
  Walk result;
  sched::Explorer explorer(preemptions, prune);
  while (sched::Decider* decider = explorer.next()) {
    for (int& counter : shared) counter = 0;
    const sched::Config config{.decider = decider};
    sched::begin(config);
    for (unsigned i = 0; i < jobs.size(); ++i) sched::spawn(i, jobs[i]);
    sched::set_preemptible(true);
    EXPECT_TRUE(sched::run_all());
    result.outcomes.insert({shared[0], shared[1], shared[2]});
    result.preemptions.push_back(explorer.preemptions());
  }
  result.runs = explorer.runs();
  result.skipped = explorer.skipped();
  result.states = explorer.states();
  return result;
}

const std::vector<sched::Job> kTwoOnOne = {{both, nullptr, 0}, {both, nullptr, 0}};
const std::vector<sched::Job> kThreeOnOne = {
    {both, nullptr, 0}, {both, nullptr, 0}, {both, nullptr, 0}};
const std::vector<sched::Job> kEachItsOwn = {{own, &shared[0], 0}, {own, &shared[1], 0}};

TEST(Explorer, WithoutPreemptionsThereIsOneSchedule) {
  const Walk result = walk(kTwoOnOne, 0, false);
  EXPECT_EQ(result.runs, 1u);
  EXPECT_EQ(result.outcomes, (std::set<std::vector<int>>{{2, 0, 0}}));
}

// Thread 0 can be preempted at its two points. At its end, and later, only one context can go on.
TEST(Explorer, WalksEachPlaceOfAPreemptionOnce) {
  const Walk result = walk(kTwoOnOne, 1, false);
  EXPECT_EQ(result.runs, 3u);
  EXPECT_EQ(result.outcomes, (std::set<std::vector<int>>{{1, 0, 0}, {2, 0, 0}}));
}

TEST(Explorer, SchedulesWithFewerPreemptionsComeFirst) {
  const Walk result = walk(kThreeOnOne, 3, false);
  std::vector<unsigned> levels = result.preemptions;
  // Those with all preemptions follow the one that they branch off from.
  std::erase(levels, 3u);
  EXPECT_TRUE(std::is_sorted(levels.begin(), levels.end()));
  EXPECT_EQ(levels.front(), 0u);
  EXPECT_EQ(levels.back(), 2u);
}

TEST(Explorer, AnEndIsAPlaceToo) {
  // At the end of thread 0, thread 2 can come before thread 1: that is the only way to this order
  // with one preemption.
  static int order;
  const auto note = [](void* digit) {
    sched::point(Point::kStep);
    order = order * 10 + *static_cast<int*>(digit);
  };
  static int digits[] = {1, 2, 3};
  std::set<int> orders;
  sched::Explorer explorer(1, false);
  while (sched::Decider* decider = explorer.next()) {
    order = 0;
    const sched::Config config{.decider = decider};
    sched::begin(config);
    for (unsigned i = 0; i < 3; ++i) sched::spawn(i, {note, &digits[i], 0});
    sched::set_preemptible(true);
    ASSERT_TRUE(sched::run_all());
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<int>{123, 132, 231, 312}));
}

TEST(Explorer, StepsThatShareNothingAreWalkedInOneOrder) {
  const Walk plain = walk(kEachItsOwn, 2, false);
  const Walk pruned = walk(kEachItsOwn, 2, true);
  EXPECT_EQ(plain.outcomes, pruned.outcomes);
  EXPECT_GT(plain.runs, 40u);
  EXPECT_LT(pruned.runs * 4, plain.runs);
  EXPECT_GT(pruned.skipped, 0u);
}

TEST(Explorer, PruningLosesNoOutcome) {
  for (unsigned preemptions = 0; preemptions <= 4; ++preemptions) {
    const Walk plain = walk(kThreeOnOne, preemptions, false);
    const Walk pruned = walk(kThreeOnOne, preemptions, true);
    EXPECT_EQ(plain.outcomes, pruned.outcomes) << preemptions << " preemptions";
    EXPECT_LE(pruned.runs, plain.runs);
    if (preemptions >= 2) EXPECT_LT(pruned.runs, plain.runs);
  }
  EXPECT_EQ(walk(kThreeOnOne, 2, true).outcomes,
            (std::set<std::vector<int>>{{1, 0, 0}, {2, 0, 0}, {3, 0, 0}}));
}

TEST(Explorer, WhatItWalksIsTheSameEachTime) {
  const Walk first = walk(kThreeOnOne, 3, true), second = walk(kThreeOnOne, 3, true);
  EXPECT_EQ(first.runs, second.runs);
  EXPECT_EQ(first.states, second.states);
  EXPECT_EQ(first.preemptions, second.preemptions);
}

// A schedule is a list: it replays with the same trace.
TEST(Explorer, WhatItWalkedReplays) {
  sched::Explorer explorer(2, true);
  while (sched::Decider* decider = explorer.next()) {
    const auto once = [](sched::Decider* by) {
      for (int& counter : shared) counter = 0;
      const sched::Config config{.decider = by};
      sched::begin(config);
      for (unsigned i = 0; i < kThreeOnOne.size(); ++i) sched::spawn(i, kThreeOnOne[i]);
      sched::set_preemptible(true);
      EXPECT_TRUE(sched::run_all());
      return sched::trace().hash;
    };
    const uint64_t hash = once(decider);
    unsigned count = 0;
    const sched::Preemption* taken = sched::taken_preemptions(&count);
    ASSERT_EQ(count, explorer.preemptions());
    const std::vector<sched::Preemption> list(taken, taken + count);
    sched::ReplayDecider replay(list.data(), list.size());
    EXPECT_EQ(once(&replay), hash);
  }
}

}  // namespace
