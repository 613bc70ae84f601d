#include "fuzz/tool/bisect.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace tool {
namespace {

using End = Bisection::End;

struct Row {
  size_t count;
  size_t first_bad;  // count: none
  std::set<size_t> broken;
  std::vector<size_t> asked;

  Bisection run() {
    return bisect(count, [this](size_t index) {
      EXPECT_LT(index, count);
      for (size_t before : asked) EXPECT_NE(before, index) << "asked twice";
      asked.push_back(index);
      if (broken.contains(index)) return Trial::kSkip;
      return index >= first_bad ? Trial::kBad : Trial::kGood;
    });
  }
};

TEST(Bisect, FindsEachFirstBadOneInFewProbes) {
  for (size_t count = 2; count <= 70; count++) {
    for (size_t first_bad = 1; first_bad < count; first_bad++) {
      Row row{count, first_bad, {}, {}};
      Bisection found = row.run();
      ASSERT_EQ(found.end, End::kFound);
      ASSERT_EQ(found.bad, first_bad);
      ASSERT_EQ(found.good, first_bad - 1);
      ASSERT_EQ(found.tried, row.asked.size());
      ASSERT_LE(found.tried, 2 + probes_left(count - 2)) << count << " " << first_bad;
    }
  }
}

TEST(Bisect, AsksForTheBadEndFirst) {
  Row row{10, 5, {}, {}};
  row.run();
  EXPECT_EQ(row.asked.at(0), 9u);
  EXPECT_EQ(row.asked.at(1), 0u);
}

TEST(Bisect, AGoodEndIsSaidAfterOneProbe) {
  Row row{10, 10, {}, {}};
  EXPECT_EQ(row.run().end, End::kNotBad);
  EXPECT_EQ(row.asked.size(), 1u);
}

TEST(Bisect, ABadBeginningIsSaidAfterTwo) {
  Row row{10, 0, {}, {}};
  EXPECT_EQ(row.run().end, End::kNotGood);
  EXPECT_EQ(row.asked.size(), 2u);
}

TEST(Bisect, EndsThatCannotBeTriedLeaveItOpen) {
  EXPECT_EQ((Row{10, 5, {9}, {}}).run().end, End::kUnknown);
  EXPECT_EQ((Row{10, 5, {0}, {}}).run().end, End::kUnknown);
}

// Each set of broken ones of a short row: what is named is bad, what is before it is good, and only
// broken ones are between.
TEST(Bisect, WhatCannotBeTriedIsLeftOutAndOnlyThatStaysInDoubt) {
  constexpr size_t kCount = 9;
  for (unsigned mask = 0; mask < 1u << (kCount - 2); mask++) {
    std::set<size_t> broken;
    for (size_t i = 0; i < kCount - 2; i++) {
      if (mask >> i & 1) broken.insert(i + 1);
    }
    for (size_t first_bad = 1; first_bad < kCount; first_bad++) {
      Row row{kCount, first_bad, broken, {}};
      Bisection found = row.run();
      ASSERT_EQ(found.end, End::kFound);
      ASSERT_LT(found.good, first_bad);
      ASSERT_GE(found.bad, first_bad);
      ASSERT_FALSE(broken.contains(found.good));
      ASSERT_FALSE(broken.contains(found.bad));
      for (size_t i = found.good + 1; i < found.bad; i++) ASSERT_TRUE(broken.contains(i));
    }
  }
}

TEST(Bisect, StopsWhenToldAtAnyProbe) {
  for (size_t at = 1; at <= 4; at++) {
    size_t asked = 0;
    Bisection found = bisect(20, [&](size_t index) {
      if (++asked == at) return Trial::kStop;
      return index >= 7 ? Trial::kBad : Trial::kGood;
    });
    EXPECT_EQ(found.end, End::kStopped);
    EXPECT_EQ(asked, at);
  }
}

TEST(Bisect, CountsTheProbesThatAreLeft) {
  EXPECT_EQ(probes_left(0), 0u);
  EXPECT_EQ(probes_left(1), 1u);
  EXPECT_EQ(probes_left(2), 2u);
  EXPECT_EQ(probes_left(3), 2u);
  EXPECT_EQ(probes_left(1000), 10u);
}

}  // namespace
}  // namespace tool
