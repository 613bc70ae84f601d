#include "fuzz/tool/coverage_data.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

bool everything(const std::string&) { return true; }

// Segments are line, column, count, has a count, starts a region, is a gap.
std::string file_json(const std::string& name, const std::string& segments) {
  return R"({"filename": "/tree/)" + name + R"(", "segments": [)" + segments + "]}";
}

// Branches are four places, times true, times false, the file of the place, two more. Regions are
// four places, the count, their file, the file that they expand to, the kind.
std::string function_json(const std::string& files, uint64_t count, const std::string& branches,
                          const std::string& regions) {
  return R"({"name": "f", "filenames": [)" + files + R"(], "count": )" + std::to_string(count) +
         R"(, "branches": [)" + branches + R"(], "regions": [)" + regions + "]}";
}

std::string export_json(const std::string& files, const std::string& functions) {
  return R"({"type": "llvm.coverage.json.export", "version": "3.1.0", "data": [{"files": [)" +
         files + R"(], "functions": [)" + functions + "]}]}";
}

std::vector<FileCoverage> parse(const std::string& json, const std::string& source = "") {
  return parse_coverage(json, "/tree", everything, [&](const std::string& name) {
    return name.empty() ? std::vector<std::string>() : split(source, '\n');
  });
}

// What clang 22 says of a function in lines 2..6 whose line 4 nobody reached:
//   2 int f(int n) {
//   3   if (n > 2)
//   4     return 1;
//   5
//   6   return 0; }
constexpr const char* kSegments =
    "[2, 14, 7, true, true, false], [3, 7, 7, true, true, false], [3, 12, 7, true, false, false],"
    "[3, 13, 0, true, false, true], [4, 5, 0, true, true, false], [4, 13, 7, true, false, false],"
    "[6, 14, 0, false, false, false]";
constexpr const char* kFunction = "[2, 14, 6, 14, 7, 0, 0, 0]";
constexpr const char* kSource = "#pragma once\nint f(int n) {\n  if (n > 2)\n    return 1;\n";

TEST(CoverageData, TellsWhichLinesWereReached) {
  auto files = parse(export_json(file_json("core/a.cc", kSegments), ""));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].name, "core/a.cc");
  std::map<unsigned, uint64_t> expected = {{2, 7}, {3, 7}, {4, 0}, {5, 7}, {6, 7}};
  EXPECT_EQ(files[0].lines, expected);
  EXPECT_EQ(files[0].counts().lines, (Ratio{4, 5}));
}

TEST(CoverageData, ALineInAGapBetweenStatementsTakesTheCountOfWhatStartsInIt) {
  auto files = parse(export_json(file_json("a.cc",
                                           "[1, 1, 0, true, true, false],"
                                           "[2, 3, 5, true, true, true],"
                                           "[3, 3, 5, true, true, false],"
                                           "[3, 9, 0, false, false, false],"
                                           "[5, 1, 0, false, true, false],"
                                           "[6, 1, 0, false, false, false]"),
                                 ""));
  std::map<unsigned, uint64_t> expected = {{1, 0}, {2, 0}, {3, 5}};
  EXPECT_EQ(files[0].lines, expected);
}

TEST(CoverageData, EachOutcomeOfAConditionIsABranch) {
  auto files = parse(
      export_json(file_json("a.cc", kSegments),
                  function_json("\"/tree/a.cc\"", 7, "[3, 7, 3, 12, 0, 7, 0, 0, 4]", kFunction)),
      kSource);
  EXPECT_EQ(files[0].counts().branches, (Ratio{1, 2}));
  EXPECT_EQ(files[0].counts().functions, (Ratio{1, 1}));
  std::vector<Gap> expected = {{3, 3, 7, "never true: n > 2"}, {4, 4, 0, "not reached"}};
  EXPECT_EQ(files[0].gaps(), expected);
}

TEST(CoverageData, WhatIsCompiledTwiceCountsOnce) {
  std::string one = function_json("\"/tree/a.cc\"", 0, "[3, 7, 3, 12, 2, 0, 0, 0, 4]", kFunction);
  std::string other = function_json("\"/tree/a.cc\"", 3, "[3, 7, 3, 12, 0, 1, 0, 0, 4]", kFunction);
  auto files = parse(export_json(file_json("a.cc", kSegments), one + "," + other));
  EXPECT_EQ(files[0].counts().branches, (Ratio{2, 2}));
  EXPECT_EQ(files[0].counts().functions, (Ratio{1, 1}));
}

TEST(CoverageData, AConditionInsideAMacroBelongsToTheLineThatUsesIt) {
  // The macro stands in line 9 of b.h and has two operands in one place; a.cc uses it in line 3.
  std::string regions = std::string(kFunction) + ", [3, 7, 3, 14, 7, 0, 1, 1]";
  auto files = parse(export_json(file_json("a.cc", kSegments) + "," + file_json("b.h", ""),
                                 function_json(R"("/tree/a.cc", "/tree/b.h")", 7,
                                               "[9, 24, 9, 33, 0, 7, 1, 0, 4],"
                                               "[9, 24, 9, 33, 1, 6, 1, 0, 4]",
                                               regions)),
                     "\n\n  if (WARN_ON(n))\n");
  EXPECT_EQ(files[0].counts().branches, (Ratio{3, 4}));
  EXPECT_EQ(files[0].gaps()[0], (Gap{3, 3, 7, "never true: WARN_ON"}));
  EXPECT_EQ(files[1].counts().branches.all, 0u);
}

TEST(CoverageData, ALiteralIsNoCondition) {
  auto files = parse(
      export_json(file_json("a.cc", kSegments),
                  function_json("\"/tree/a.cc\"", 7, "[3, 10, 3, 14, 7, 0, 0, 0, 4]", kFunction)),
      "\n\n  while (true) {\n");
  EXPECT_EQ(files[0].counts().branches.all, 0u);
}

TEST(CoverageData, ASwitchWithoutDefaultHasAnOutcomeForNoneOfItsCases) {
  auto files = parse(
      export_json(file_json("a.cc", kSegments),
                  function_json("\"/tree/a.cc\"", 7, "[3, 11, 3, 12, 7, 0, 0, 0, 4]", kFunction)),
      "\n\n  switch (n) {\n");
  EXPECT_EQ(files[0].gaps()[0], (Gap{3, 3, 11, "never none of its cases: n"}));
}

TEST(CoverageData, OnlyWhatIsCountedCounts) {
  std::string json =
      export_json(file_json("core/a.cc", kSegments) + "," + file_json("core/a_test.cc", kSegments) +
                      "," + R"({"filename": "/usr/include/c", "segments": []})",
                  function_json("\"/usr/include/c\"", 1, "", kFunction));
  auto files = parse_coverage(
      json, "/tree", [](const std::string& name) { return !is_test_file(name); },
      [](const std::string&) { return std::vector<std::string>(); });
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].name, "core/a.cc");
  EXPECT_EQ(files[0].counts().functions.all, 0u);
}

TEST(CoverageData, OtherTextIsAnError) {
  EXPECT_THROW(parse("warning: no such file"), EnvironmentError);
  EXPECT_THROW(parse(R"({"type": "something else"})"), EnvironmentError);
  EXPECT_THROW(parse(R"({"type": "llvm.coverage.json.export"})"), EnvironmentError);
  // A branch in a file that nothing expands to.
  EXPECT_THROW(parse(export_json(
                   file_json("a.cc", kSegments),
                   function_json("\"/tree/a.cc\"", 7, "[3, 7, 3, 12, 0, 7, 5, 0, 4]", kFunction))),
               EnvironmentError);
}

TEST(CoverageData, GapsJoinUnreachedLinesAndLeaveOutConditionsInThem) {
  FileCoverage file;
  file.lines = {{1, 1}, {2, 0}, {3, 0}, {6, 0}, {7, 2}, {8, 0}};
  file.conditions = {{2, 5, "a", 0, 0}, {7, 3, "b", 0, 0}, {7, 9, "c", 4, 0}, {7, 12, "d", 1, 1}};
  std::vector<Gap> expected = {{2, 6, 0, "not reached"},
                               {7, 7, 3, "never evaluated: b"},
                               {7, 7, 9, "never false: c"},
                               {8, 8, 0, "not reached"}};
  EXPECT_EQ(file.gaps(), expected);
}

TEST(CoverageData, PercentagesAreRoundedDown) {
  EXPECT_EQ((Ratio{9999, 10000}).text(), "99.9 %");
  EXPECT_EQ((Ratio{3, 3}).text(), "100.0 %");
  EXPECT_EQ((Ratio{0, 3}).text(), "0.0 %");
  EXPECT_EQ((Ratio{0, 0}).text(), "-");
}

TEST(CoverageData, AMinimumIsComparedExactly) {
  EXPECT_TRUE((Ratio{9799, 10000}).below(98));
  EXPECT_FALSE((Ratio{9800, 10000}).below(98));
  EXPECT_FALSE((Ratio{0, 0}).below(100));
}

TEST(CoverageData, TestFilesAreKnownByTheirNames) {
  EXPECT_TRUE(is_test_file("core/dma/fence_test.cc"));
  EXPECT_TRUE(is_test_file("core/userq/device_test_fixture.h"));
  EXPECT_TRUE(is_test_file("core/kernel/test_run.h"));
  EXPECT_FALSE(is_test_file("core/dma/fence.cc"));
  EXPECT_FALSE(is_test_file("core/test/latest_fence.cc"));
}

TEST(CoverageData, FoldersSumUpTheirFiles) {
  FileCoverage a{
      .name = "core/dma/a.cc", .lines = {{1, 1}, {2, 0}}, .conditions = {}, .functions = {1, 1}};
  FileCoverage b{.name = "core/dma/b.cc",
                 .lines = {{1, 1}},
                 .conditions = {{1, 1, "", 1, 0}},
                 .functions = {}};
  FileCoverage c{.name = "core/c.cc", .lines = {{5, 0}}, .conditions = {}, .functions = {0, 2}};
  auto folders = by_folder({a, b, c});
  ASSERT_EQ(folders.size(), 2u);
  EXPECT_EQ(folders["core/dma"].lines, (Ratio{2, 3}));
  EXPECT_EQ(folders["core/dma"].branches, (Ratio{1, 2}));
  EXPECT_EQ(folders["core"].functions, (Ratio{0, 2}));
  EXPECT_EQ(total({a, b, c}).lines, (Ratio{2, 4}));
}

}  // namespace
}  // namespace tool
