#include "fuzz/tool/survival_chart.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

bool has(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

SurvivalCurve curve_of(const std::vector<Observation>& observations) {
  return kaplan_meier(observations);
}

TEST(DetectionAxis, BeginsWhereMostDo) {
  std::vector<Observation> many(200, {2, true});
  many[0].time = 0.0001;
  const SurvivalCurve curve = curve_of(many);
  EXPECT_EQ(detection_axis({&curve}, 60, false).to, 60);
  const SurvivalCurve even = curve_of({{0.5, true}, {3, true}});
  EXPECT_NEAR(detection_axis({&even}, 60, false).from, 0.1, 1e-9);
  const SurvivalCurve late = curve_of({{50, true}});
  EXPECT_NEAR(detection_axis({&late}, 60, false).from, 1, 1e-9);
  EXPECT_GT(detection_axis({}, 0, true).to, detection_axis({}, 0, true).from);
}

TEST(DetectionChart, DrawsStepsAndBands) {
  const SurvivalCurve curve = curve_of({{1, true}, {10, true}, {60, false}, {60, false}});
  const DetectionAxis axis = {1, 100, false};
  const std::string chart = detection_chart({{"a <way>", 7, &curve}}, axis, {366, "narrow"});
  // From 42 to 358, 0 % at 166 and 100 % at 8: 10 s in the middle.
  EXPECT_TRUE(has(chart, "class=\"line s1\" d=\"M42.0 166.0H42.0V126.5H200.0V87.0H322.9\""));
  EXPECT_TRUE(has(chart, "class=\"band s1\" d=\"M42.0 166.0H42.0V"));
  EXPECT_TRUE(has(chart, "<title>a &lt;way&gt;: 50 % of 4 trials</title>"));
  EXPECT_TRUE(has(chart, ">10 s</text>"));
  EXPECT_TRUE(has(chart, ">100 %</text>"));
}

TEST(DetectionChart, GoesOnWhereAllIsDetected) {
  const SurvivalCurve curve = curve_of({{1, true}, {10, true}});
  EXPECT_TRUE(has(detection_spark({{"a", 0, &curve}}, {1, 100, false}), "H75.0V3.0H149.0\""));
}

TEST(DetectionChart, OfManyTrialsStaysSmall) {
  std::vector<Observation> many;
  for (int i = 1; i <= 20'000; i++) many.push_back({i * 0.003, true});
  const SurvivalCurve curve = curve_of(many);
  EXPECT_LT(detection_chart({{"a", 0, &curve}}, {0.001, 60, false}, {1080, "wide"}).size(),
            300'000u);
}

TEST(AmountText, IsShort) {
  EXPECT_EQ(amount_text(0, false), "0 s");
  EXPECT_EQ(amount_text(0.0042, false), "0.004 s");
  EXPECT_EQ(amount_text(0.534, false), "0.53 s");
  EXPECT_EQ(amount_text(2.5, false), "2.5 s");
  EXPECT_EQ(amount_text(59.7, false), "60 s");
  EXPECT_EQ(amount_text(300, false), "5 min");
  EXPECT_EQ(amount_text(86400, false), "24.0 h");
  EXPECT_EQ(amount_text(1234.4, true), "1,234");
}

}  // namespace
}  // namespace tool
