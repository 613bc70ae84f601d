// What a hunt came to, as one page that loads nothing: figures, the matrix of defects and
// detectors, survival curves, tables, and for each defect its story. All text from outside is
// escaped.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/hunt_results.h"

namespace tool {

// A reproducer's run, told as text.
struct RunStory {
  std::string title;
  std::string verdict;  // empty: clean
  std::string text;
  std::string trouble;  // why there is no text
};

struct ReportData {
  std::string generated;  // UTC
  std::string commit;     // of the checkout
  std::vector<Defect> catalogue;
  HuntResults results;
  nlohmann::json coverage{};               // what `coverage --json` prints, or null
  std::map<std::string, RunStory> runs{};  // by defect
};

std::string report_page(const ReportData& data);

// The page report_page.html, which the build puts into the command, and the SHA-256 of its script
// in hexadecimal. "@NAME@" stands where report_page() puts something.
extern const std::string_view kReportPage;
extern const std::string_view kReportScript;

}  // namespace tool
