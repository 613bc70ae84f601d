// Where runs are said to have conflicts, and that a preemption placed there takes effect there.
#include "fuzz/targets/conflict_points.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "core/sched/observer.h"
#include "core/sched/sched.h"

namespace {

using sched::Point;
using sched::Preemption;
using sched::Target;
using Body = std::function<void()>;

const uint8_t kInput[] = {1, 2, 3};

void touch(uint32_t object) { sched::point(Point::kLock, object); }

std::vector<uint32_t> conflicts_of(std::vector<Body> threads,
                                   std::vector<Preemption> preemptions = {}) {
  sched::set_observer(note_conflicts, conflict_event_kinds());
  conflicts_begin();
  sched::ReplayDecider decider(preemptions.data(), preemptions.size());
  const sched::Config config{.decider = &decider};
  sched::begin(config);
  for (unsigned i = 0; i < threads.size(); ++i)
    sched::spawn(i, {[](void* body) { (*static_cast<Body*>(body))(); }, &threads[i], i + 1});
  sched::set_preemptible(true);
  sched::run_all();
  sched::set_observer(nullptr);
  conflicts_end(kInput, sizeof kInput);
  const ConflictPoints* found = conflict_points(kInput, sizeof kInput);
  if (found == nullptr) return {};
  return {found->points, found->points + found->count};
}

TEST(ConflictPoints, AreWhereSeveralTouchOneObject) {
  const Body first = [] { touch(1), touch(7), touch(2); };
  const Body second = [] { touch(3), touch(7); };
  // Points 1..3, the end of the first thread, points 5 and 6.
  EXPECT_EQ(conflicts_of({first, second}), (std::vector<uint32_t>{2, 6}));
}

TEST(ConflictPoints, ThereAreNoneWhereNothingIsShared) {
  EXPECT_TRUE(conflicts_of({[] { touch(1); }, [] { touch(2); }}).empty());
  EXPECT_TRUE(conflicts_of({[] { touch(1), touch(1); }}).empty());
}

TEST(ConflictPoints, APreemptionThereComesBetweenTheTwo) {
  static int order;  // a digit for each, in their order
  const auto note = [](int who) {
    return [who] {
      touch(5);
      order = order * 10 + who;
    };
  };
  order = 0;
  const std::vector<uint32_t> points = conflicts_of({note(1), note(2)});
  EXPECT_EQ(order, 12);
  ASSERT_FALSE(points.empty());
  order = 0;
  conflicts_of({note(1), note(2)}, {{points.front(), Target{1}}});
  EXPECT_EQ(order, 21);
}

TEST(ConflictPoints, BelongToTheirInput) {
  conflicts_of({[] { touch(7); }, [] { touch(7); }});
  const uint8_t other[] = {1, 2, 4};
  EXPECT_NE(conflict_points(kInput, sizeof kInput), nullptr);
  EXPECT_EQ(conflict_points(other, sizeof other), nullptr);
}

TEST(ConflictPoints, OfManySomeOfEverywhereAreKept) {
  const Body often = [] {
    for (int i = 0; i < 500; ++i) touch(7);
  };
  const std::vector<uint32_t> points = conflicts_of({often, often});
  EXPECT_LE(points.size(), size_t{ConflictPoints::kMax});
  EXPECT_GT(points.size(), size_t{ConflictPoints::kMax} / 2);
  EXPECT_LT(points.front(), 50u);
  EXPECT_GT(points.back(), 900u);
}

}  // namespace
