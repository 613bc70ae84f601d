// Puzzles of the published sizes: this program's executor has a hundred threads.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/kernel/puzzles/puzzle.h"
#include "core/kernel/puzzles/search.h"

namespace {

using puzzles::Method;
using puzzles::Outcome;
using puzzles::Puzzle;
using puzzles::Version;

static_assert(sched::kMaxThreads == 100);

const Puzzle& named(const std::string& name) {
  for (const Puzzle& puzzle : puzzles::kAll)
    if (puzzle.name == name) return puzzle;
  ADD_FAILURE() << "no puzzle " << name;
  return puzzles::kAll[0];
}

TEST(LargePuzzle, AllFit) {
  for (const Puzzle& puzzle : puzzles::kAll) EXPECT_TRUE(fits(puzzle)) << puzzle.name;
}

TEST(LargePuzzle, IsFound) {
  const puzzles::Searcher bounded{"", Method::kBounded, 0}, random{"", Method::kRandom, 8};
  const struct {
    const char* name;
    puzzles::Searcher searcher;
    uint64_t seed;  // one that is quick
  } kCases[] = {{"reorder_10", bounded, 0},
                {"twostage_20", bounded, 0},
                {"reorder_100", random, 8},
                {"twostage_100", random, 4}};
  for (const auto& c : kCases)
    EXPECT_TRUE(search(named(c.name), Version::kFaulty, c.searcher, c.seed, 2'000).found) << c.name;
}

TEST(LargePuzzle, RepairedIsCleanUnderRandomSchedulesAndPct) {
  sched::Random seeds(1);
  for (const char* name : {"reorder_100", "twostage_100"})
    for (int i = 0; i < 20; ++i) {
      sched::RandomDecider random(seeds.draw(), 8);
      sched::PctDecider pct(seeds.draw(), 3, 500);
      ASSERT_EQ(run(named(name), Version::kRepaired, random), Outcome::kClean) << name;
      ASSERT_EQ(run(named(name), Version::kRepaired, pct), Outcome::kClean) << name;
    }
}

// Threads beyond the 64th are decided on, too.
TEST(LargePuzzle, ReplaysToTheLastThread) {
  class Last final : public sched::Decider {
   public:
    uint32_t next() override { return 1; }
    sched::Target decide(const sched::Choice& choice) override {
      chosen.push_back(sched::kStay);
      for (unsigned i = sched::kMaxThreads; i-- > 0;)
        if (choice.enabled >> i & 1) {
          chosen.back() = static_cast<sched::Target>(i);
          break;
        }
      return chosen.back();
    }
    std::vector<sched::Target> chosen;
  } last;
  EXPECT_EQ(run(named("reorder_100"), Version::kRepaired, last), Outcome::kClean);
  EXPECT_EQ(last.chosen.front(), static_cast<sched::Target>(99));

  unsigned count = 0;
  const sched::Preemption* taken = sched::taken_preemptions(&count);
  const std::vector<sched::Preemption> schedule(taken, taken + count);
  ASSERT_FALSE(schedule.empty());
  const uint64_t hash = sched::trace().hash;
  sched::ReplayDecider replay(schedule.data(), schedule.size());
  EXPECT_EQ(run(named("reorder_100"), Version::kRepaired, replay), Outcome::kClean);
  EXPECT_EQ(sched::trace().hash, hash);
}

}  // namespace
