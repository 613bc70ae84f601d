#include "fuzz/tool/status_timeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/tool/status_chart.h"
#include "fuzz/tool/status_values.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr int64_t kNoon = 1'780'000'000 / 86400 * 86400 + 12 * 3600;  // 2026-05-28

TEST(StatusValues, AnythingUnexpectedIsEmpty) {
  const json odd = {{"time", "soon"},         {"long", 1e300},  {"early", 5}, {"less", -3},
                    {"list", json::object()}, {"flag", "true"}, {"text", 7}};
  EXPECT_EQ(time_in(odd, "time"), 0);
  EXPECT_EQ(time_in(odd, "long"), 0);
  EXPECT_EQ(time_in(odd, "early"), 0);
  EXPECT_EQ(amount_in(odd, "less"), 0);
  EXPECT_EQ(amount_in(odd, "none"), 0);
  EXPECT_TRUE(list_in(odd, "list").empty());
  EXPECT_TRUE(list_in(json(3), "list").empty());
  EXPECT_TRUE(object_in(odd, "time").empty());
  EXPECT_FALSE(flag_in(odd, "flag"));
  EXPECT_EQ(text_in(odd, "text"), "");
}

TEST(StatusValues, SaysTimesAndSizesForPeople) {
  EXPECT_EQ(date_and_time(0), "-");
  EXPECT_EQ(date_and_time(951'782'400), "2000-02-29 00:00");
  EXPECT_EQ(date_and_time(kNoon + 61), "2026-05-28 12:01");
  EXPECT_EQ(duration(59), "59 s");
  EXPECT_EQ(duration(3599), "59 min");
  EXPECT_EQ(duration(3660), "1 h 01 min");
  EXPECT_EQ(duration(3 * 86400 + 3600), "3 d 1 h");
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(1234), "1.2 kB");
  EXPECT_EQ(bytes_text(123'456'789), "123 MB");
  EXPECT_EQ(count_text(1234567.8), "1,234,567");
}

TEST(StatusTimeline, BringsTimesInOrder) {
  const json status = {
      {"generated", kNoon + 500},
      {"coverage",
       {{{"target", "b"},
         {"sanitizer", "asan"},
         {"points", {{kNoon + 90, 3, 9, 1}, {kNoon, 1, 7, 1}}}},
        {{"target", "a"}, {"sanitizer", "tsan"}, {"points", {{kNoon, 0, 7, 1}}}},
        {{"target", "a"}, {"sanitizer", "asan"}, {"points", {{kNoon + 5, 0, 8, 1}, {"x"}, 7}}},
        {{"target", "nothing"}, {"sanitizer", "asan"}, {"points", json::array()}}}},
      {"commits",
       {{{"time", kNoon + 50}, {"id", "late"}, {"result", "broken"}},
        {{"time", kNoon - 50}, {"id", "early"}},
        {{"time", kNoon - 90}, {"id", "before"}}}},
      {"findings",
       {{{"signature", "f2"}, {"first_seen", kNoon + 60}},
        {{"signature", "f1"}, {"first_seen", kNoon + 20}, {"last_seen", kNoon + 10}},
        {{"signature", "f0"}}}}};
  const Timeline timeline = timeline_of(status);
  EXPECT_EQ(timeline.from, kNoon);
  EXPECT_EQ(timeline.to, kNoon + 500);
  ASSERT_EQ(timeline.panels.size(), 2u);
  EXPECT_EQ(timeline.panels[0].target, "a");
  EXPECT_FALSE(timeline.panels[0].edges);
  EXPECT_EQ(timeline.panels[0].lines[0].sanitizer, "asan");
  EXPECT_EQ(timeline.panels[0].lines[0].points[0].y, 8);
  EXPECT_TRUE(timeline.panels[1].edges);
  EXPECT_EQ(timeline.panels[1].lines[0].points[0].y, 1);
  EXPECT_EQ(timeline.panels[1].lines[0].points[1].y, 3);
  ASSERT_EQ(timeline.commits.size(), 2u);
  EXPECT_EQ(timeline.commits[0].id, "early");
  EXPECT_TRUE(timeline.commits[1].broken);
  ASSERT_EQ(timeline.findings.size(), 2u);
  EXPECT_EQ(timeline.findings[0].name, "f1");
  EXPECT_EQ(timeline.findings[0].last, kNoon + 20);
}

TEST(StatusTimeline, KnowsWhenAFindingWasGone) {
  json status = {{"commits", {{{"time", kNoon + 50}, {"id", "abc"}}}},
                 {"findings",
                  {{{"signature", "1a2b"},
                    {"status", "fixed"},
                    {"first_seen", kNoon},
                    {"fixed_commit", "abc"}},
                   {{"signature", "3c4d"},
                    {"status", "open"},
                    {"first_seen", kNoon},
                    {"fixed_commit", "abc"}}}}};
  EXPECT_EQ(timeline_of(status).findings[0].fixed, kNoon + 50);
  EXPECT_FALSE(timeline_of(status).findings[1].fixed.has_value());
  status["events"] = {{{"kind", "finding"}, {"time", kNoon + 55}, {"text", "1a2b"}},
                      {{"kind", "fixed"}, {"time", kNoon + 70}, {"text", "1a2b is gone"}}};
  EXPECT_EQ(timeline_of(status).findings[0].fixed, kNoon + 70);
}

TEST(StatusTimeline, PausesAreFromStopToStart) {
  const json status = {{"events",
                        {{{"kind", "start"}, {"time", kNoon + 40}},
                         {{"kind", "stop"}, {"time", kNoon + 30}},
                         {{"kind", "start"}, {"time", kNoon}},
                         {{"kind", "stop"}, {"time", kNoon + 90}}}}};
  const std::vector<std::pair<int64_t, int64_t>> pauses = {{kNoon + 30, kNoon + 40}};
  EXPECT_EQ(timeline_of(status).pauses, pauses);
}

TEST(StatusTimeline, ThinnedKeepsPeaksAndEnds) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 10'000; i++) points.push_back({static_cast<double>(i), 10});
  points[5555].y = 99;
  points[7777].y = 1;
  const std::vector<ChartPoint> thin = thinned(points, 100);
  EXPECT_LE(thin.size(), 400u);
  EXPECT_EQ(thin.front(), points.front());
  EXPECT_EQ(thin.back(), points.back());
  EXPECT_NE(std::find(thin.begin(), thin.end(), points[5555]), thin.end());
  EXPECT_NE(std::find(thin.begin(), thin.end(), points[7777]), thin.end());
  EXPECT_TRUE(std::is_sorted(thin.begin(), thin.end(),
                             [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; }));
}

TEST(StatusTimeline, ThinnedLeavesFewAloneAndManyAtOneTimeFew) {
  const std::vector<ChartPoint> few = {{1, 2}, {1, 3}, {5, 1}};
  EXPECT_EQ(thinned(few, 1), few);
  EXPECT_TRUE(thinned({}, 3).empty());
  EXPECT_EQ(thinned(std::vector<ChartPoint>(1000, {1, 2}), 10).size(), 2u);
}

TEST(StatusTimeline, TicksAreRoundAndFew) {
  EXPECT_EQ(ticks(kNoon + 10, kNoon + 310, 9),
            (std::vector<int64_t>{kNoon + 60, kNoon + 120, kNoon + 180, kNoon + 240, kNoon + 300}));
  for (const int64_t span : {60, 3600, 90'000, 40 * 86400, 3650 * 86400}) {
    for (const size_t limit : {size_t{1}, size_t{3}, size_t{12}}) {
      const std::vector<int64_t> times = ticks(kNoon + 7, kNoon + 7 + span, limit);
      EXPECT_LE(times.size(), limit);
      for (const int64_t time : times) EXPECT_EQ(time % 60, 0);
    }
  }
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) found++;
  return found;
}

TEST(StatusChart, HasALineForEachTargetAndBuildAndMarksForTheRest) {
  const json status = {
      {"generated", kNoon + 600},
      {"coverage",
       {{{"target", "userq_fuzzer"},
         {"sanitizer", "asan"},
         {"points", {{kNoon, 10, 0, 0}, {kNoon + 300, 20, 0, 0}}}},
        {{"target", "userq_fuzzer"}, {"sanitizer", "tsan"}, {"points", {{kNoon, 12, 0, 0}}}},
        {{"target", "dma_fence_fuzzer"}, {"sanitizer", "asan"}, {"points", {{kNoon, 5, 0, 0}}}}}},
      {"commits", {{{"time", kNoon + 60}, {"id", "abc1234"}, {"title", "a title"}}}},
      {"findings",
       {{{"signature", "1a2b"},
         {"verdict", "leak"},
         {"status", "fixed"},
         {"first_seen", kNoon + 100},
         {"fixed_commit", "abc1234"}},
        {{"signature", "3c4d"},
         {"verdict", "race"},
         {"status", "open"},
         {"first_seen", kNoon + 200}}}},
      {"events",
       {{{"kind", "stop"}, {"time", kNoon + 400}}, {{"kind", "start"}, {"time", kNoon + 500}}}}};
  const std::string chart = status_chart(timeline_of(status), {1000, "wide"});
  EXPECT_EQ(count(chart, "class=\"line "), 3u);
  EXPECT_EQ(count(chart, "class=\"line s0\""), 2u);
  EXPECT_EQ(count(chart, "class=\"frame\""), 2u);
  EXPECT_NE(chart.find("asan 20</tspan> <tspan class=\"s1\">tsan 12</tspan> edges"), chart.npos);
  EXPECT_NE(chart.find(">abc1234</text>"), chart.npos);
  EXPECT_NE(chart.find("<title>abc1234 a title, 2026-05-28 12:01</title>"), chart.npos);
  EXPECT_EQ(count(chart, "class=\"finding fixed\""), 1u);
  EXPECT_EQ(count(chart, "class=\"finding open\""), 1u);
  EXPECT_EQ(count(chart, "class=\"tick\""), 1u);
  EXPECT_EQ(count(chart, "class=\"pause\""), 1u);
  EXPECT_EQ(count(chart, "<g "), count(chart, "</g>"));
}

TEST(StatusChart, ManyCommitsLoseTheirNamesNotTheirMarks) {
  json status = {{"commits", json::array()}};
  for (int i = 0; i < 200; i++)
    status["commits"].push_back({{"time", kNoon + i}, {"id", "abc1234"}});
  const std::string chart = status_chart(timeline_of(status), {360, "narrow"});
  EXPECT_EQ(count(chart, "class=\"mark\""), 200u);
  EXPECT_LT(count(chart, ">abc1234</text>"), 20u);
  EXPECT_GT(count(chart, ">abc1234</text>"), 2u);
}

TEST(StatusChart, SaysThatThereIsNothing) {
  EXPECT_NE(status_chart(timeline_of(json::object()), {360, "narrow"}).find("No coverage"),
            std::string::npos);
}

}  // namespace
}  // namespace tool
