// Each puzzle has its bug, its repaired version has none, and a search counts what it runs.
#include "core/kernel/puzzles/puzzle.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <vector>

#include "core/kernel/puzzles/search.h"
#include "core/sched/explorer.h"

namespace {

using puzzles::Method;
using puzzles::Outcome;
using puzzles::Puzzle;
using puzzles::Search;
using puzzles::Searcher;
using puzzles::Version;

std::vector<const Puzzle*> all_that_fit(const std::string& but_for = "") {
  std::vector<const Puzzle*> list;
  for (const Puzzle& puzzle : puzzles::kAll)
    if (fits(puzzle) && puzzle.name != but_for) list.push_back(&puzzle);
  return list;
}

const Puzzle& named(const std::string& name) {
  for (const Puzzle& puzzle : puzzles::kAll)
    if (puzzle.name == name) return puzzle;
  ADD_FAILURE() << "no puzzle " << name;
  return puzzles::kAll[0];
}

class EachPuzzle : public testing::TestWithParam<const Puzzle*> {
 protected:
  const Puzzle& puzzle = *GetParam();
};
// What a test has the time to search for.
class EachEasyPuzzle : public EachPuzzle {};

std::string name_of(const testing::TestParamInfo<const Puzzle*>& info) { return info.param->name; }
INSTANTIATE_TEST_SUITE_P(Puzzles, EachPuzzle, testing::ValuesIn(all_that_fit()), name_of);
INSTANTIATE_TEST_SUITE_P(Puzzles, EachEasyPuzzle, testing::ValuesIn(all_that_fit("safestack")),
                         name_of);

TEST_P(EachEasyPuzzle, IsFoundByRandomSchedulesByPctAndByBoundedSearch) {
  for (const Searcher& searcher : puzzles::kSearchers) {
    if (std::string(searcher.name) == "random-2") continue;  // too short for some
    EXPECT_TRUE(search(puzzle, Version::kFaulty, searcher, 1, 2'000).found) << searcher.name;
  }
}

TEST_P(EachPuzzle, RepairedIsCleanUnderRandomSchedulesAndPct) {
  sched::Random seeds(1);
  for (int i = 0; i < 1'000; ++i) {
    sched::RandomDecider short_stretches(seeds.draw(), 2), long_stretches(seeds.draw(), 8);
    sched::PctDecider pct(seeds.draw(), 3, 60);
    ASSERT_EQ(run(puzzle, Version::kRepaired, short_stretches), Outcome::kClean);
    ASSERT_EQ(run(puzzle, Version::kRepaired, long_stretches), Outcome::kClean);
    ASSERT_EQ(run(puzzle, Version::kRepaired, pct), Outcome::kClean);
  }
}

TEST_P(EachPuzzle, RepairedIsCleanUnderAllSchedulesWithOnePreemption) {
  sched::Explorer explorer(1, false);
  while (sched::Decider* decider = explorer.next())
    ASSERT_EQ(run(puzzle, Version::kRepaired, *decider), Outcome::kClean);
  EXPECT_GT(explorer.runs(), 5u);
}

TEST_P(EachPuzzle, FaultyIsFoundOrCleanAndNeverStuck) {
  sched::Random seeds(1);
  for (int i = 0; i < 1'000; ++i) {
    sched::RandomDecider random(seeds.draw(), 4);
    ASSERT_NE(run(puzzle, Version::kFaulty, random), Outcome::kStuck);
  }
}

TEST(Puzzle, NeedsTheNumberOfPreemptionsThatIsKnown) {
  const struct {
    const char* name;
    unsigned preemptions;
  } kKnown[] = {{"reorder_3", 1},        {"reorder_8", 1}, {"twostage_8", 1}, {"wronglock", 1},
                {"bluetooth_driver", 1}, {"account", 1},   {"lazy", 0},       {"aba_stack", 1}};
  for (const auto& known : kKnown) {
    const Search found =
        search(named(known.name), Version::kFaulty, {"", Method::kBounded, 0}, 0, 2'000);
    EXPECT_TRUE(found.found) << known.name;
    EXPECT_EQ(found.preemptions, known.preemptions) << known.name;
  }
}

// A schedule that random search found, made smaller.
TEST(Puzzle, SafestackHandsAnItemToTwoThreads) {
  const sched::Preemption kSchedule[] = {
      {15, sched::Target{2}}, {11, sched::Target{1}}, {11, sched::Target{0}}, {1, sched::Target{2}},
      {5, sched::Target{0}},  {1, sched::Target{2}},  {6, sched::Target{0}}};
  sched::ReplayDecider faulty(kSchedule, std::size(kSchedule));
  EXPECT_EQ(run(named("safestack"), Version::kFaulty, faulty), Outcome::kFound);
  sched::ReplayDecider without_the_last(kSchedule, std::size(kSchedule) - 1);
  EXPECT_NE(run(named("safestack"), Version::kFaulty, without_the_last), Outcome::kFound);
}

TEST(Search, SameSeedSameCountAndOtherSeedsOthers) {
  for (const Searcher& searcher : puzzles::kSearchers) {
    if (searcher.method == Method::kBounded) continue;
    bool differs = false;
    for (uint64_t seed = 1; seed < 6; ++seed) {
      const auto schedules = [&](uint64_t s) {
        return search(named("reorder_3"), Version::kFaulty, searcher, s, 1'000).schedules;
      };
      EXPECT_EQ(schedules(seed), schedules(seed));
      differs = differs || schedules(seed) != schedules(seed + 1);
    }
    EXPECT_TRUE(differs) << searcher.name;
  }
}

TEST(Search, EndsAtItsLimit) {
  for (const Searcher& searcher : puzzles::kSearchers) {
    const Search none = search(named("safestack"), Version::kFaulty, searcher, 1, 50);
    EXPECT_FALSE(none.found) << searcher.name;
    EXPECT_EQ(none.schedules, 50u) << searcher.name;
    if (searcher.method == Method::kBounded) EXPECT_EQ(none.preemptions, 1u);
  }
}

TEST(Search, BoundedEndsWhenAllIsWalked) {
  const Search none =
      search(named("lazy"), Version::kRepaired, {"", Method::kBounded, 0}, 0, 50'000);
  EXPECT_FALSE(none.found);
  EXPECT_LT(none.schedules, 50'000u);
  EXPECT_EQ(none.preemptions, sched::Explorer::kMaxPreemptions);
}

}  // namespace
