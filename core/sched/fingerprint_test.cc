// Fingerprints: which orders of steps count as one, and what a footprint depends on.
#include "core/sched/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <vector>

namespace {

using sched::Fingerprint;
using sched::Footprint;
using sched::Point;

Fingerprint fingerprint;  // too large for a stack
int places[3];

using Step = std::function<void()>;

uint64_t after(std::initializer_list<Step> steps) {
  fingerprint.reset();
  for (const Step& step : steps) step();
  return fingerprint.value();
}

bool commute(const Step& a, const Step& b) { return after({a, b}) == after({b, a}); }

Step does(unsigned actor, uint64_t what) {
  return [=] { fingerprint.step(actor, what); };
}
Step reads(unsigned actor, Fingerprint::Class kind, uint32_t object) {
  return [=] { fingerprint.read(actor, kind, object); };
}
Step writes(unsigned actor, Fingerprint::Class kind, uint32_t object) {
  return [=] { fingerprint.write(actor, kind, object); };
}
Step reads(unsigned actor, const int& place) {
  return [actor, &place] { fingerprint.touch(actor, &place, false); };
}
Step writes(unsigned actor, const int& place) {
  return [actor, &place] { fingerprint.touch(actor, &place, true); };
}
Step joins(unsigned actor, unsigned other) {
  return [=] { fingerprint.join(actor, other); };
}
Step passes(unsigned actor, Point point, uint32_t object = 0, const void* location = nullptr) {
  return [=] {
    fingerprint.before_point(actor, point, object);
    fingerprint.after_point(actor, point, object, location);
  };
}
Step all(std::initializer_list<Step> steps) {
  return [list = std::vector<Step>(steps)] {
    for (const Step& step : list) step();
  };
}

constexpr auto kLocks = Fingerprint::kLocks;
constexpr auto kReferences = Fingerprint::kReferences;

// --- the order of steps ---

TEST(Fingerprint, StepsOfDifferentContextsCommute) {
  EXPECT_TRUE(commute(does(0, 7), does(1, 8)));
  EXPECT_FALSE(commute(does(0, 7), does(0, 8)));
}

TEST(Fingerprint, WhatAContextDoesCounts) {
  EXPECT_NE(after({does(0, 7)}), after({does(0, 8)}));
  EXPECT_NE(after({does(0, 7)}), after({does(1, 7)}));
  EXPECT_NE(after({does(0, 7)}), after({does(0, 7), does(0, 7)}));
}

TEST(Fingerprint, WritesOfOneObjectDoNotCommute) {
  EXPECT_FALSE(commute(writes(0, kLocks, 3), writes(1, kLocks, 3)));
  EXPECT_TRUE(commute(writes(0, kLocks, 3), writes(1, kLocks, 4)));
  EXPECT_TRUE(commute(writes(0, kLocks, 3), writes(1, kReferences, 3)));
}

TEST(Fingerprint, ReadsCommuteWithReadsAlone) {
  EXPECT_TRUE(commute(reads(0, kLocks, 3), reads(1, kLocks, 3)));
  EXPECT_FALSE(commute(reads(0, kLocks, 3), writes(1, kLocks, 3)));
  EXPECT_TRUE(commute(reads(0, kLocks, 3), writes(1, kLocks, 4)));
}

// A write comes after all reads, whichever of them was first.
TEST(Fingerprint, AWriteFollowsTheReadsBeforeIt) {
  const Step a = reads(0, kLocks, 3), b = reads(1, kLocks, 3), w = writes(2, kLocks, 3);
  EXPECT_EQ(after({a, b, w}), after({b, a, w}));
  EXPECT_NE(after({a, b, w}), after({a, w, b}));
  EXPECT_NE(after({a, b, w}), after({w, a, b}));
}

TEST(Fingerprint, LocationsAreObjectsToo) {
  EXPECT_FALSE(commute(writes(0, places[0]), writes(1, places[0])));
  EXPECT_FALSE(commute(reads(0, places[0]), writes(1, places[0])));
  EXPECT_TRUE(commute(reads(0, places[0]), reads(1, places[0])));
  EXPECT_TRUE(commute(writes(0, places[0]), writes(1, places[1])));
}

// What the last of the steps changes.
uint64_t effect(std::vector<Step> steps) {
  const auto value = [&] {
    fingerprint.reset();
    for (const Step& step : steps) step();
    return fingerprint.value();
  };
  const uint64_t all_of_them = value();
  steps.pop_back();
  return all_of_them - value();
}

// The last context depends on what the first one did before.
TEST(Fingerprint, DependenciesGoOn) {
  const auto read_after_write = [](uint64_t what) {
    return effect({does(0, what), writes(0, kLocks, 3), reads(1, kLocks, 3)});
  };
  EXPECT_NE(read_after_write(7), read_after_write(8));
  const auto write_after_read = [](uint64_t what) {
    return effect({does(0, what), reads(0, kLocks, 3), writes(1, kLocks, 3)});
  };
  EXPECT_NE(write_after_read(7), write_after_read(8));
  const auto through_two_objects = [](uint64_t what) {
    return effect({does(0, what), writes(0, kLocks, 3), reads(1, kLocks, 3), writes(1, kLocks, 4),
                   reads(2, kLocks, 4)});
  };
  EXPECT_NE(through_two_objects(7), through_two_objects(8));
  const auto of_no_object = [](uint64_t what) {
    return effect({does(0, what), writes(0, kLocks, 3), reads(1, kLocks, 4)});
  };
  EXPECT_EQ(of_no_object(7), of_no_object(8));
  const auto after_a_join = [](uint64_t what) { return effect({does(0, what), joins(1, 0)}); };
  EXPECT_NE(after_a_join(7), after_a_join(8));
}

TEST(Fingerprint, AWakeUpOrdersWhatIsBeforeIt) {
  EXPECT_NE(after({does(0, 7), joins(1, 0)}), after({joins(1, 0), does(0, 7)}));
  EXPECT_EQ(after({does(0, 7), does(1, 8)}), after({does(1, 8), does(0, 7)}));
  EXPECT_FALSE(commute(passes(0, Point::kWake), passes(1, Point::kWait)));
}

TEST(Fingerprint, AddressesCountUntilTheMemoryIsFreed) {
  const Step forgets = [] { fingerprint.forget(&places[1], sizeof places[1]); };
  // What follows is the same as with a place that nobody knew.
  EXPECT_NE(after({writes(0, places[1]), writes(1, places[1])}),
            after({writes(0, places[1]), writes(1, places[2])}));
  EXPECT_EQ(after({writes(0, places[1]), forgets, writes(1, places[1])}),
            after({writes(0, places[1]), writes(1, places[2])}));
  // Its neighbours are still themselves.
  for (const int i : {0, 2})
    EXPECT_NE(after({writes(0, places[i]), forgets, writes(1, places[i])}),
              after({writes(0, places[i]), writes(1, places[1])}));
}

TEST(Fingerprint, BeginsAnewWithEachRun) {
  const uint64_t once = after({writes(0, kLocks, 3), writes(1, places[0])});
  after({writes(1, kLocks, 3), writes(0, places[0]), does(2, 7)});
  EXPECT_EQ(after({writes(0, kLocks, 3), writes(1, places[0])}), once);
  EXPECT_EQ(after({}), 0u);
}

TEST(Fingerprint, MoreLocationsThanItTellsApartCountAsOne) {
  static int many[3000];
  const Step fill = [] {
    for (const int& place : many) fingerprint.touch(0, &place, true);
  };
  EXPECT_FALSE(after({fill, writes(1, places[0]), writes(2, places[1])}) ==
               after({fill, writes(2, places[1]), writes(1, places[0])}));
}

// --- scheduling points ---

Step section(unsigned actor, uint32_t lock) {
  return all({passes(actor, Point::kLock, lock), passes(actor, Point::kUnlock, lock)});
}

TEST(Fingerprint, SectionsOfDifferentLocksCommute) {
  EXPECT_TRUE(commute(section(0, 3), section(1, 4)));
  EXPECT_FALSE(commute(section(0, 3), section(1, 3)));
}

TEST(Fingerprint, AnUnlockComesBeforeWhoLocksNext) {
  EXPECT_FALSE(commute(passes(0, Point::kUnlock, 3), passes(1, Point::kLock, 3)));
}

TEST(Fingerprint, WalksOfATreeCommuteButNotWithItsLock) {
  EXPECT_TRUE(commute(passes(0, Point::kXarray, 3), passes(1, Point::kXarray, 3)));
  EXPECT_FALSE(commute(passes(0, Point::kXarray, 3), section(1, 3)));
}

TEST(Fingerprint, AccessesAreToTheirLocation) {
  EXPECT_TRUE(
      commute(passes(0, Point::kRead, 0, &places[0]), passes(1, Point::kRead, 0, &places[0])));
  EXPECT_FALSE(
      commute(passes(0, Point::kRead, 0, &places[0]), passes(1, Point::kWrite, 0, &places[0])));
  EXPECT_FALSE(
      commute(passes(0, Point::kAtomic, 0, &places[0]), passes(1, Point::kAtomic, 0, &places[0])));
  EXPECT_TRUE(
      commute(passes(0, Point::kWrite, 0, &places[0]), passes(1, Point::kWrite, 0, &places[1])));
}

TEST(Fingerprint, ReferencesToOneObjectDoNotCommute) {
  EXPECT_FALSE(commute(passes(0, Point::kAtomic, 5), passes(1, Point::kAtomic, 5)));
  EXPECT_TRUE(commute(passes(0, Point::kAtomic, 5), passes(1, Point::kAtomic, 6)));
}

TEST(Fingerprint, AllocationsAndUserCopiesCommute) {
  for (const Point point : {Point::kAlloc, Point::kFree, Point::kUserCopy, Point::kStep})
    EXPECT_TRUE(commute(passes(0, point), passes(1, point)));
}

// --- footprints ---

Footprint of(const Step& step) {
  fingerprint.take_footprint();
  step();
  return fingerprint.take_footprint();
}

TEST(Footprint, DependsIfOneOfTwoWritesTheObject) {
  fingerprint.reset();
  const Footprint w3 = of(writes(0, kLocks, 3)), r3 = of(reads(1, kLocks, 3)),
                  w4 = of(writes(1, kLocks, 4)), other = of(writes(1, kReferences, 3));
  EXPECT_TRUE(w3.depends_on(w3));
  EXPECT_TRUE(w3.depends_on(r3));
  EXPECT_TRUE(r3.depends_on(w3));
  EXPECT_FALSE(r3.depends_on(r3));
  EXPECT_FALSE(w3.depends_on(w4));
  EXPECT_FALSE(w3.depends_on(other));
  const Footprint both = of(all({reads(0, kLocks, 3), writes(0, kLocks, 4)}));
  EXPECT_TRUE(both.depends_on(w3));
  EXPECT_TRUE(both.depends_on(w4));
  EXPECT_FALSE(both.depends_on(r3));
}

TEST(Footprint, OfLocations) {
  fingerprint.reset();
  const Footprint w0 = of(writes(0, places[0])), r0 = of(reads(1, places[0])),
                  w1 = of(writes(1, places[1]));
  EXPECT_TRUE(w0.depends_on(r0));
  EXPECT_FALSE(r0.depends_on(r0));
  EXPECT_FALSE(w0.depends_on(w1));
}

TEST(Footprint, HoldsWhatWasTouchedSinceItWasTaken) {
  fingerprint.reset();
  const Footprint three = of(writes(0, kLocks, 3));
  EXPECT_FALSE(three.depends_on(of(does(0, 7))));
  EXPECT_FALSE(three.depends_on(fingerprint.take_footprint()));
}

TEST(Footprint, FollowedItIsThatOfTheOthersUntilTheContextGoesOn) {
  fingerprint.reset();
  const Footprint three = of(writes(0, kLocks, 3)), four = of(writes(0, kLocks, 4)),
                  five = of(writes(0, kLocks, 5));
  fingerprint.follow(0);
  writes(1, kLocks, 3)();
  EXPECT_FALSE(fingerprint.met());
  writes(0, kLocks, 4)();
  EXPECT_TRUE(fingerprint.met());
  writes(1, kLocks, 5)();
  const Footprint between = fingerprint.take_footprint();
  EXPECT_TRUE(between.depends_on(three));
  EXPECT_FALSE(between.depends_on(four));
  EXPECT_FALSE(between.depends_on(five));
}

}  // namespace
