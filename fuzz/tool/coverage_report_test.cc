#include "fuzz/tool/coverage_report.h"

#include <gtest/gtest.h>

namespace tool {
namespace {

std::vector<FileCoverage> two_files() {
  return {{.name = "core/dma/fence.cc",
           .lines = {{1, 1}, {2, 1}, {3, 1}, {5, 0}, {6, 0}},
           .conditions = {{2, 7, "a < b", 1, 0}},
           .functions = {1, 1}},
          {.name = "core/dma/names.h", .lines = {}, .conditions = {}, .functions = {}},
          {.name = "core/drm/file.cc", .lines = {{1, 4}}, .conditions = {}, .functions = {2, 3}}};
}

TEST(CoverageReport, TableHasARowForEachFolderAndTheTotal) {
  EXPECT_EQ(coverage_table(two_files(), false),
            "folder      lines  missed  branches  missed  functions  missed\n"
            "core/dma   60.0 %       2    50.0 %       1    100.0 %       0\n"
            "core/drm  100.0 %       0         -       0     66.6 %       1\n"
            "total      66.6 %       2    50.0 %       1     75.0 %       1\n");
}

TEST(CoverageReport, TableOfFilesLeavesOutThoseWithoutCode) {
  EXPECT_EQ(coverage_table(two_files(), true),
            "file                 lines  missed  branches  missed  functions  missed\n"
            "core/dma/fence.cc   60.0 %       2    50.0 %       1    100.0 %       0\n"
            "core/drm/file.cc   100.0 %       0         -       0     66.6 %       1\n"
            "total               66.6 %       2    50.0 %       1     75.0 %       1\n");
}

TEST(CoverageReport, UncoveredPlacesAreWrittenAsEditorsReadThem) {
  std::vector<std::string> expected = {"core/dma/fence.cc:2:7: never false: a < b",
                                       "core/dma/fence.cc:5-6: not reached"};
  EXPECT_EQ(uncovered_lines(two_files()), expected);
}

TEST(CoverageReport, WhatIsBelowTheMinimumIsNamedByFolderAndInTotal) {
  EXPECT_TRUE(below_minimum(two_files(), {}).empty());
  EXPECT_TRUE(below_minimum(two_files(), {.lines = 60, .branches = 50}).empty());
  std::vector<std::string> expected = {"core/dma: lines 60.0 %, the minimum is 66 %",
                                       "core/dma: branches 50.0 %, the minimum is 51 %",
                                       "total: branches 50.0 %, the minimum is 51 %"};
  EXPECT_EQ(below_minimum(two_files(), {.lines = 66, .branches = 51}), expected);
}

CoverageResult result() {
  return {.root = "/tree",
          .files = two_files(),
          .reached_by = {{"userq_fuzzer", {}, "userq-fuzzer"},
                         {"all together", total(two_files()), "all-together"}},
          .by_targets = {},
          .target_pages = {}};
}

TEST(CoverageReport, JsonHoldsNumbersAndGaps) {
  nlohmann::json json = coverage_json(result());
  EXPECT_EQ(json["total"]["lines"]["reached"], 4);
  EXPECT_EQ(json["total"]["lines"]["all"], 6);
  EXPECT_EQ(json["folders"][1]["name"], "core/drm");
  EXPECT_EQ(json["files"][0]["uncovered"][0]["what"], "never false: a < b");
  EXPECT_EQ(json["files"][0]["uncovered"][1]["last_line"], 6);
  EXPECT_EQ(json["reached_by"][1]["name"], "all together");
}

TEST(CoverageReport, PageLinksToTheLineAndEscapesTheSource) {
  std::string page = coverage_page(result());
  auto holds = [&](std::string_view text) { return page.find(text) != std::string::npos; };
  EXPECT_TRUE(holds(kReportMark));
  EXPECT_TRUE(holds("never false: a &lt; b"));
  EXPECT_TRUE(holds("href=\"all-together/coverage/tree/core/dma/fence.cc.html#L5\">5-6<"));
  EXPECT_TRUE(holds("href=\"userq-fuzzer/index.html\">userq_fuzzer<"));
  EXPECT_FALSE(holds("names.h"));
}

// The targets reach the first file worse than all together; the second as well.
CoverageResult result_with_tests() {
  CoverageResult with_tests = result();
  with_tests.by_targets = two_files();
  with_tests.by_targets[0].lines[1] = 0;
  with_tests.target_pages = "all-targets";
  return with_tests;
}

TEST(CoverageReport, WhatNoTargetReachesSaysWhetherATestDoes) {
  std::vector<std::string> expected = {"core/dma/fence.cc:1: not reached (a test does)",
                                       "core/dma/fence.cc:2:7: never false: a < b",
                                       "core/dma/fence.cc:5-6: not reached"};
  EXPECT_EQ(uncovered_by_targets(result_with_tests()), expected);
  EXPECT_TRUE(uncovered_by_targets(result()).empty());
  nlohmann::json gaps = coverage_json(result_with_tests())["reached_by_no_target"];
  ASSERT_EQ(gaps.size(), 3u);
  EXPECT_EQ(gaps[0]["missed_by_tests"], "no");
  EXPECT_EQ(gaps[2]["missed_by_tests"], "yes");
  EXPECT_EQ(gaps[2]["file"], "core/dma/fence.cc");
  EXPECT_EQ(gaps[2]["last_line"], 6);
}

TEST(CoverageReport, LinesThatTestsReachInPartAreSaidToBe) {
  CoverageResult partly = result_with_tests();
  partly.by_targets[0].lines[3] = 0;
  std::vector<std::string> lines = uncovered_by_targets(partly);
  EXPECT_EQ(lines.back(), "core/dma/fence.cc:3-6: not reached (a test does in part)");
}

TEST(CoverageReport, PageOfWhatNoTargetReachesIsLinkedWhereThereIsOne) {
  auto holds = [](const std::string& page, std::string_view text) {
    return page.find(text) != std::string::npos;
  };
  EXPECT_FALSE(holds(coverage_page(result()), kNoTargetPage));
  EXPECT_TRUE(holds(coverage_page(result_with_tests()), "href=\"no-target.html\""));
  std::string page = no_target_page(result_with_tests());
  EXPECT_TRUE(holds(page, "href=\"#core/dma/fence.cc\""));
  EXPECT_TRUE(holds(page, "href=\"all-targets/coverage/tree/core/dma/fence.cc.html#L1\">1<"));
  EXPECT_TRUE(holds(page, "never false: a &lt; b</code> <b class=\"low\">nor by a test</b>"));
  EXPECT_TRUE(holds(page, "<code>not reached</code></li>"));
  EXPECT_FALSE(holds(page, "core/drm/file.cc"));
  CoverageResult complete = result_with_tests();
  complete.by_targets = {complete.files[2]};
  EXPECT_TRUE(holds(no_target_page(complete), "Nothing."));
}

}  // namespace
}  // namespace tool
