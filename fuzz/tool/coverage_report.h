// What the coverage verb prints and writes of its result.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/coverage_data.h"

namespace tool {

// What a part of the runs reached: all unit tests, one target, all targets, or all together.
struct ReachedBy {
  std::string who;
  Counts counts;
  std::string pages;  // folder of its pages, from the folder of the report
};

struct CoverageResult {
  std::string root;                 // of the checkout, absolute
  std::vector<FileCoverage> files;  // reached by all together
  std::vector<ReachedBy>
      reached_by;  // all together last; a single entry if there is one group only
  // Reached by all targets; empty if there are no targets, or nothing else than targets.
  std::vector<FileCoverage> by_targets;
  std::string target_pages;  // folder of their pages, as in ReachedBy
};

struct Minimum {
  std::optional<uint64_t> lines;  // percent
  std::optional<uint64_t> branches;
};

// A row for each folder, or for each file, and the total.
std::string coverage_table(const std::vector<FileCoverage>& files, bool each_file);

// Who reached how much.
std::string reached_by_table(const std::vector<ReachedBy>& reached_by);

// "core/dma/fence.cc:120-123: not reached", a line each, as editors read them.
std::vector<std::string> uncovered_lines(const std::vector<FileCoverage>& files);

// The same of what no target reaches; "(a test does)" or "(a test does in part)" behind
// what unit tests reach.
std::vector<std::string> uncovered_by_targets(const CoverageResult& result);

// What is below the minimum, by folder and in total: "core/dma: branches 81.2 %, the minimum is 90
// %".
std::vector<std::string> below_minimum(const std::vector<FileCoverage>& files,
                                       const Minimum& minimum);

nlohmann::json coverage_json(const CoverageResult& result);

// The first page of the report: the tables, and what is not reached, with links to the pages that
// llvm-cov wrote.
std::string coverage_page(const CoverageResult& result);

// The page of what no target reaches, which the first page links to.
std::string no_target_page(const CoverageResult& result);
inline constexpr std::string_view kNoTargetPage = "no-target.html";

// In that page: tells a report from a folder of something else.
inline constexpr std::string_view kReportMark =
    "<meta name=\"generator\" content=\"fencebench coverage\">";

}  // namespace tool
