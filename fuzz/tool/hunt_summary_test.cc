#include "fuzz/tool/hunt_summary.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

Trial trial(const std::string& defect, const std::string& configuration, double seconds,
            bool detected) {
  return {.defect = defect,
          .target = "userq_fuzzer",
          .build = "asan",
          .configuration = configuration,
          .corpus = "empty",
          .bound_seconds = 60,
          .executions = static_cast<uint64_t>(seconds * 1000),
          .seconds = seconds,
          .detected = detected,
          .verdict = detected ? "reference-leak x" : ""};
}

// `detections` in seconds, and as many trials more without.
void add(std::vector<Trial>& trials, const std::string& defect, const std::string& configuration,
         const std::vector<double>& detections, size_t misses = 0) {
  for (const double seconds : detections)
    trials.push_back(trial(defect, configuration, seconds, true));
  for (size_t i = 0; i < misses; i++) trials.push_back(trial(defect, configuration, 60, false));
}

TEST(HuntSummary, OfADefect) {
  std::vector<Trial> trials;
  add(trials, "a", "fencebench", {1, 2, 3}, 2);
  trials.push_back(trial("a", "fencebench", 1, true));
  trials.back().error = "killed";
  trials[4].reached = 7;
  const HuntSummary summary = summarize(trials);
  EXPECT_EQ(summary.axis, Axis::kSeconds);
  EXPECT_EQ(summary.bound, 60);
  ASSERT_EQ(summary.cells.size(), 1u);
  const Cell& cell = summary.cells[0];
  EXPECT_EQ(cell.sample.trials, 5u);
  EXPECT_EQ(cell.sample.detected, 3u);
  EXPECT_EQ(cell.sample.broken, 1u);
  EXPECT_EQ(cell.sample.reached, 4u);
  EXPECT_EQ(cell.sample.triggered, 3u);
  EXPECT_NEAR(cell.sample.share(), 0.6, 1e-12);
  EXPECT_EQ(cell.seconds.value, 3);
  EXPECT_EQ(cell.executions.value, 3000);
  EXPECT_NEAR(cell.mean.mean, (1 + 2 + 3 + 60 + 60) / 5.0, 1e-9);
  EXPECT_EQ(cell.sample.verdicts.at("reference-leak x"), 3u);
}

TEST(HuntSummary, BoundedByExecutionsItCountsThose) {
  std::vector<Trial> trials;
  add(trials, "a", "fencebench", {1, 2, 3});
  for (Trial& one : trials) {
    one.bound_seconds = 0;
    one.bound_executions = 10'000;
  }
  const HuntSummary summary = summarize(trials);
  EXPECT_EQ(summary.axis, Axis::kExecutions);
  EXPECT_EQ(summary.bound, 10'000);
  EXPECT_NEAR(summary.cells[0].mean.mean, 2000, 1e-9);
}

TEST(HuntSummary, OverAllDefects) {
  std::vector<Trial> trials;
  add(trials, "a", "fencebench", {1, 2});
  add(trials, "b", "fencebench", {3}, 1);
  add(trials, "c", "fencebench", {}, 2);
  add(trials, "c", "bytes", {}, 2);
  const HuntSummary summary = summarize(trials);
  ASSERT_EQ(summary.over_all.size(), 2u);
  EXPECT_EQ(summary.over_all[0].name, "fencebench");
  EXPECT_EQ(summary.over_all[0].defects, 3u);
  EXPECT_EQ(summary.over_all[0].found, 2u);
  EXPECT_EQ(summary.over_all[0].always, 1u);
  EXPECT_EQ(summary.over_all[0].sample.trials, 6u);
  EXPECT_EQ(summary.over_all[0].sample.detected, 3u);
  EXPECT_EQ(summary.over_all[1].name, "bytes");
  EXPECT_EQ(summary.over_all[1].found, 0u);
}

TEST(HuntSummary, ComparesWays) {
  std::vector<Trial> trials;
  add(trials, "a", "fencebench", {1, 2, 3, 4, 5, 6, 7, 8});
  add(trials, "a", "bytes", {11, 12, 13, 14, 15, 16, 17}, 1);
  add(trials, "b", "fencebench", {5, 6}, 6);
  add(trials, "b", "bytes", {5.5, 6.5}, 6);
  add(trials, "only-one", "bytes", {1});
  const HuntSummary summary = summarize(trials);
  ASSERT_EQ(summary.comparisons.size(), 1u);
  const Comparison& comparison = summary.comparisons[0];
  EXPECT_EQ(comparison.first.configuration, "fencebench");
  EXPECT_EQ(comparison.second.configuration, "bytes");
  ASSERT_EQ(comparison.places.size(), 2u);
  EXPECT_EQ(comparison.places[0].test.u, 64);
  EXPECT_EQ(comparison.places[0].test.a12, 1);
  EXPECT_LT(comparison.places[0].adjusted_p, 0.001);
  EXPECT_GT(comparison.places[1].adjusted_p, 0.5);
  EXPECT_EQ(comparison.better, 1u);
  EXPECT_EQ(comparison.worse, 0u);
  EXPECT_EQ(comparison.first_sample.trials, 16u);
  EXPECT_LT(comparison.first_mean.mean, comparison.second_mean.mean);
  EXPECT_GT(comparison.pooled.a12, 0.5);
  EXPECT_NEAR(comparison.mean_a12, (1 + comparison.places[1].test.a12) / 2, 1e-12);
}

TEST(HuntSummary, WaysAreNamedByTheirCorpusWhereThatDiffers) {
  const std::vector<Way> one = {{"fencebench", "empty"}, {"afl", "empty"}};
  EXPECT_EQ(name_of(one[0], one), "fencebench");
  const std::vector<Way> two = {{"fencebench", "empty"}, {"fencebench", "seeds"}};
  EXPECT_EQ(name_of(two[0], two), "fencebench from nothing");
  EXPECT_EQ(name_of(two[1], two), "fencebench from seeds");
}

TEST(HuntSummary, OursComesFirst) {
  std::vector<Trial> trials;
  add(trials, "a", "afl", {1});
  add(trials, "a", "fencebench", {1});
  trials.push_back(trial("a", "fencebench", 1, true));
  trials.back().corpus = "a corpus";
  const std::vector<Way> ways = ways_of(trials);
  ASSERT_EQ(ways.size(), 3u);
  EXPECT_EQ(ways[0], (Way{"fencebench", "empty"}));
  EXPECT_EQ(ways[1], (Way{"fencebench", "a corpus"}));
  EXPECT_EQ(ways[2], (Way{"afl", "empty"}));
}

TEST(HuntSummary, TheCorrectCoreIsApart) {
  std::vector<Trial> trials;
  add(trials, "", "fencebench", {}, 3);
  add(trials, "a", "fencebench", {1});
  const HuntSummary summary = summarize(trials);
  EXPECT_EQ(summary.correct.trials, 3u);
  EXPECT_EQ(summary.correct.detected, 0u);
  EXPECT_EQ(summary.cells.size(), 1u);
  EXPECT_EQ(summary.correct_cells.size(), 1u);
  EXPECT_EQ(summary.over_all[0].defects, 1u);
}

TEST(HuntSummary, MutantsAreApartByOperator) {
  EXPECT_EQ(operator_of("mutant-drop-put-017"), "drop-put");
  EXPECT_EQ(operator_of("mutant-swap-locks-3-queue-create"), "swap-locks");
  EXPECT_EQ(operator_of("mutant-x"), "x");
  std::vector<Trial> trials;
  add(trials, "mutant-drop-put-001", "fencebench", {1});
  add(trials, "mutant-drop-put-002", "fencebench", {}, 1);
  add(trials, "mutant-003", "fencebench", {2});
  trials.back().more = {{"operator", "early-unlock"}};
  const HuntSummary summary = summarize(trials);
  EXPECT_TRUE(summary.cells.empty());
  ASSERT_EQ(summary.mutants.size(), 2u);
  EXPECT_EQ(summary.mutants[0].sample.bound, 60);
  EXPECT_EQ(summary.mutants[0].name, "drop-put");
  EXPECT_EQ(summary.mutants[0].mutants.size(), 2u);
  EXPECT_EQ(summary.mutants[0].killed(), 1u);
  EXPECT_EQ(summary.mutants[1].name, "early-unlock");
}

TEST(HuntSummary, OfNothing) {
  const HuntSummary summary = summarize({});
  EXPECT_TRUE(summary.cells.empty());
  EXPECT_TRUE(summary.over_all.empty());
}

}  // namespace
}  // namespace tool
