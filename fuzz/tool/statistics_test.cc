#include "fuzz/tool/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tool {
namespace {

constexpr double kExact = 1e-9;

std::vector<Observation> events(const std::vector<double>& times) {
  std::vector<Observation> observations;
  for (const double time : times) observations.push_back({time, true});
  return observations;
}

std::vector<Observation> with_censored(const std::vector<double>& times,
                                       const std::vector<double>& censored) {
  std::vector<Observation> observations = events(times);
  for (const double time : censored) observations.push_back({time, false});
  return observations;
}

// Weeks in remission of leukemia, Freireich et al., Blood 21 (1963) 699-716: the example of most
// textbooks on survival (Kleinbaum and Klein, Survival Analysis, chapter 2; Collett, chapter 2).
// The digits beyond those that the books print, and the intervals, were computed with R 4.2.2,
// package survival 3.5-3, survfit(..., conf.type = "log-log").
std::vector<Observation> treated() {
  return with_censored({6, 6, 6, 7, 10, 13, 16, 22, 23},
                       {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35});
}
std::vector<Observation> placebo() {
  return events({1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23});
}

TEST(KaplanMeier, OfTheTreatedLeukemiaPatients) {
  const SurvivalCurve curve = kaplan_meier(treated());
  EXPECT_EQ(curve.subjects, 21u);
  EXPECT_EQ(curve.events, 9u);
  EXPECT_EQ(curve.last, 35);
  EXPECT_EQ(curve.censored.size(), 12u);
  const std::vector<SurvivalStep> expected = {
      {6, 21, 3, 0.857143, 0.619718, 0.951552},  {7, 17, 1, 0.806723, 0.563147, 0.922809},
      {10, 15, 1, 0.752941, 0.503200, 0.889362}, {13, 12, 1, 0.690196, 0.431610, 0.849066},
      {16, 11, 1, 0.627451, 0.367511, 0.804912}, {22, 7, 1, 0.537815, 0.267779, 0.746791},
      {23, 6, 1, 0.448179, 0.188052, 0.680143}};
  ASSERT_EQ(curve.steps.size(), expected.size());
  for (size_t i = 0; i < expected.size(); i++) {
    EXPECT_EQ(curve.steps[i].time, expected[i].time);
    EXPECT_EQ(curve.steps[i].at_risk, expected[i].at_risk);
    EXPECT_EQ(curve.steps[i].events, expected[i].events);
    EXPECT_NEAR(curve.steps[i].survival, expected[i].survival, 1e-6);
    EXPECT_NEAR(curve.steps[i].low, expected[i].low, 1e-6);
    EXPECT_NEAR(curve.steps[i].high, expected[i].high, 1e-6);
  }
  const Median median = median_survival(curve);
  EXPECT_EQ(median.value, 23);
  EXPECT_EQ(median.interval.low, 13);
  EXPECT_FALSE(median.interval.high);
}

TEST(KaplanMeier, OfThePlacebo) {
  const SurvivalCurve curve = kaplan_meier(placebo());
  ASSERT_EQ(curve.steps.size(), 12u);
  EXPECT_NEAR(curve.steps[5].survival, 0.3809524, 1e-7);
  EXPECT_NEAR(curve.steps[5].low, 0.18306655, 1e-8);
  EXPECT_NEAR(curve.steps[5].high, 0.577789, 1e-6);
  EXPECT_EQ(curve.steps.back().survival, 0);
  EXPECT_EQ(curve.steps.back().low, 0);
  EXPECT_EQ(curve.steps.back().high, curve.steps[10].high);
  const Median median = median_survival(curve);
  EXPECT_EQ(median.value, 8);
  EXPECT_EQ(median.interval.low, 4);
  EXPECT_EQ(median.interval.high, 11);
}

// R, survfit(): as above.
TEST(KaplanMeier, MedianOfFew) {
  const Median four = median_survival(kaplan_meier(events({1, 2, 3, 4})));
  EXPECT_EQ(four.value, 2.5);
  EXPECT_EQ(four.interval.low, 1);
  EXPECT_FALSE(four.interval.high);
  const Median at_once = median_survival(kaplan_meier(events({5, 5, 5})));
  EXPECT_EQ(at_once.value, 5);
  EXPECT_FALSE(at_once.interval.low);
  EXPECT_FALSE(at_once.interval.high);
}

TEST(KaplanMeier, OfNothing) {
  EXPECT_TRUE(kaplan_meier({}).steps.empty());
  EXPECT_FALSE(median_survival(kaplan_meier({})).value);
  const SurvivalCurve never = kaplan_meier(with_censored({}, {60, 60}));
  EXPECT_TRUE(never.steps.empty());
  EXPECT_FALSE(median_survival(never).value);
  EXPECT_EQ(restricted_mean(never, 60).mean, 60);
  EXPECT_EQ(restricted_mean(never, 60).error, 0);
}

// The same patients, R: print(survfit(...), rmean = 35), rmean = 20.
TEST(RestrictedMean, OfTheLeukemiaPatients) {
  const SurvivalCurve curve = kaplan_meier(treated());
  EXPECT_NEAR(restricted_mean(curve, 35).mean, 23.287394958, kExact);
  EXPECT_NEAR(restricted_mean(curve, 35).error, 2.827467623, kExact);
  EXPECT_NEAR(restricted_mean(curve, 20).mean, 16.116526611, kExact);
  EXPECT_NEAR(restricted_mean(curve, 20).error, 1.251560196, kExact);
  const Interval interval = restricted_mean(curve, 20).interval;
  EXPECT_NEAR(interval.low.value(), 16.116526611 - 1.959963985 * 1.251560196, 1e-8);
  EXPECT_NEAR(interval.high.value(), 16.116526611 + 1.959963985 * 1.251560196, 1e-8);
  // Nobody is left: what comes after adds nothing.
  const SurvivalCurve all = kaplan_meier(placebo());
  EXPECT_NEAR(restricted_mean(all, 23).mean, 8.666666667, kExact);
  EXPECT_NEAR(restricted_mean(all, 30).mean, 8.666666667, kExact);
  EXPECT_NEAR(restricted_mean(all, 30).error, 1.377390041, kExact);
}

// Kleinbaum and Klein, chapter 2: 16.79, 19.25 expected. R: survdiff().
TEST(LogRank, OfTheLeukemiaPatients) {
  const LogRank test = log_rank(treated(), placebo());
  EXPECT_NEAR(test.expected_first, 19.2505, 1e-4);
  EXPECT_NEAR(test.chi_squared, 16.7929409892, kExact);
  EXPECT_NEAR(test.p, 4.169e-05, 1e-8);
  EXPECT_EQ(log_rank(with_censored({}, {60}), with_censored({}, {60})).p, 1);
}

// Permeability constants of human chorioamnion, Hollander and Wolfe, Nonparametric Statistical
// Methods (1973), p. 69; the example of R's wilcox.test.
TEST(RankTest, ExactOfHollanderAndWolfe) {
  const std::vector<double> at_term = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
  const std::vector<double> before = {1.15, 0.88, 0.90, 0.74, 1.21};
  const RankTest test = rank_test(at_term, before);
  EXPECT_TRUE(test.exact);
  EXPECT_EQ(test.u, 35);
  EXPECT_NEAR(test.p, 0.2544122544, 1e-9);
  EXPECT_NEAR(test.a12, 0.7, kExact);
  const RankTest mirrored = rank_test(before, at_term);
  EXPECT_EQ(mirrored.u, 15);
  EXPECT_NEAR(mirrored.p, test.p, kExact);
  EXPECT_NEAR(mirrored.a12, 0.3, kExact);
}

// Ozone in New York, May and August 1973 (Chambers et al., Graphical Methods for Data Analysis,
// 1983); the example with ties of R's wilcox.test.
TEST(RankTest, WithTiesOfTheOzoneReadings) {
  const std::vector<double> may = {41, 36, 12, 18, 28, 23, 19, 8, 7,  16, 11, 14,  18,
                                   14, 34, 6,  30, 11, 1,  11, 4, 32, 23, 45, 115, 37};
  const std::vector<double> august = {39, 9,  16, 78, 35, 66, 122, 89,  110, 44, 28,  65, 22,
                                      59, 23, 31, 44, 21, 9,  45,  168, 73,  76, 118, 84, 85};
  const RankTest test = rank_test(may, august);
  EXPECT_FALSE(test.exact);
  EXPECT_EQ(test.u, 127.5);
  EXPECT_NEAR(test.p, 0.0001208078308, 1e-12);
}

// Mann and Whitney, Annals of Mathematical Statistics 18 (1947) 50-60, table 1: the probability of
// a U not larger than that, to three digits.
TEST(RankTest, ExactAsInTheTablesOfMannAndWhitney) {
  struct Row {
    std::vector<double> first, second;
    double u, tail;
  };
  for (const Row& row :
       {Row{{1, 2, 3}, {4, 5, 6}, 0, 0.050}, Row{{1, 2, 4}, {3, 5, 6}, 1, 0.100},
        Row{{1, 2, 3, 4}, {5, 6, 7, 8}, 0, 0.014}, Row{{1, 2, 3, 6}, {4, 5, 7, 8}, 2, 0.057},
        Row{{1, 3, 4, 5}, {2, 6, 7, 8}, 3, 0.100}}) {
    const RankTest test = rank_test(row.first, row.second);
    EXPECT_EQ(test.u, row.u);
    EXPECT_NEAR(test.p / 2, row.tail, 0.0005);
  }
}

TEST(RankTest, OfNothingAndOfTheSame) {
  EXPECT_EQ(rank_test({}, std::vector<double>{1}).p, 1);
  const std::vector<double> same = {1, 1, 1};
  EXPECT_EQ(rank_test(same, same).p, 1);
  EXPECT_EQ(rank_test(same, same).a12, 0.5);
}

TEST(RankTest, WhatIsCensoredIsATieBehindTheRest) {
  const RankTest test = rank_test(ranked_times(with_censored({1, 2}, {60, 60.5})),
                                  ranked_times(with_censored({61}, {60, 60, 60})));
  // 2 x 4 pairs are smaller, 2 x 1 larger, 2 x 3 ties.
  EXPECT_EQ(test.u, 2 + 3);
  EXPECT_FALSE(test.exact);
}

// The shares of two groups of runners, S. Sauer, "Effect sizes for the Mann-Whitney U test" (2017):
// of 20 pairs 16 are won by the first, which needs less time.
TEST(VarghaDelaney, CountsPairs) {
  const std::vector<double> first = {9.9, 10.3, 11.5, 12.1, 23.3};
  const std::vector<double> second = {13.2, 14.5, 15.2, 16.6};
  EXPECT_NEAR(rank_test(second, first).a12, 0.8, kExact);
  EXPECT_EQ(magnitude_of(0.8), "large");
}

// Vargha and Delaney, Journal of Educational and Behavioral Statistics 25 (2000) 101-132: 0.56,
// 0.64 and 0.71 are what Cohen's d of 0.2, 0.5 and 0.8 come to, small, medium and large.
TEST(VarghaDelaney, WordsForTheirThresholds) {
  EXPECT_EQ(magnitude_of(0.5), "negligible");
  EXPECT_EQ(magnitude_of(0.559), "negligible");
  EXPECT_EQ(magnitude_of(0.56), "small");
  EXPECT_EQ(magnitude_of(0.639), "small");
  EXPECT_EQ(magnitude_of(0.64), "medium");
  EXPECT_EQ(magnitude_of(0.709), "medium");
  EXPECT_EQ(magnitude_of(0.71), "large");
  EXPECT_EQ(magnitude_of(0.44), "small");
  EXPECT_EQ(magnitude_of(0.29), "large");
  EXPECT_EQ(magnitude_of(0), "large");
  const auto a12_of = [](double d) { return std::erfc(-d / 2) / 2; };
  EXPECT_NEAR(a12_of(0.2), 0.56, 0.005);
  EXPECT_NEAR(a12_of(0.5), 0.64, 0.005);
  EXPECT_NEAR(a12_of(0.8), 0.71, 0.005);
}

// R: p.adjust(..., "holm")
TEST(Holm, AsR) {
  const std::vector<double> adjusted = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  for (size_t i = 0; i < expected.size(); i++) EXPECT_NEAR(adjusted[i], expected[i], kExact);
}

// Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
TEST(Shares, WilsonAsInNewcombe) {
  struct Row {
    size_t part, all;
    double low, high;
  };
  for (const Row& row : {Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605},
                         Row{0, 20, 0.0000, 0.1611}, Row{1, 29, 0.0061, 0.1718}}) {
    const Interval interval = share_interval(row.part, row.all);
    EXPECT_NEAR(interval.low.value(), row.low, 0.00005);
    EXPECT_NEAR(interval.high.value(), row.high, 0.00005);
  }
  EXPECT_FALSE(share_interval(0, 0).low);
}

}  // namespace
}  // namespace tool
