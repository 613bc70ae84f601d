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
                         {"all together", total(two_files()), "all-together"}}};
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

}  // namespace
}  // namespace tool
