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

// What a part of the runs reached: all unit tests, one target, or all together.
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

// What is below the minimum, by folder and in total: "core/dma: branches 81.2 %, the minimum is 90
// %".
std::vector<std::string> below_minimum(const std::vector<FileCoverage>& files,
                                       const Minimum& minimum);

nlohmann::json coverage_json(const CoverageResult& result);

// The first page of the report: the tables, and what is not reached, with links to the pages that
// llvm-cov wrote.
std::string coverage_page(const CoverageResult& result);

// In that page: tells a report from a folder of something else.
inline constexpr std::string_view kReportMark =
    "<meta name=\"generator\" content=\"fencebench coverage\">";

}  // namespace tool
