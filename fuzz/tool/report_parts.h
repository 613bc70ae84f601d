// The parts of the report (report_page.h), each a piece of HTML. Those that have nothing to tell
// are empty.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/coverage_data.h"
#include "fuzz/tool/detector_matrix.h"
#include "fuzz/tool/hunt_summary.h"
#include "fuzz/tool/report_page.h"
#include "fuzz/tool/survival_chart.h"

namespace tool {

// What the parts draw from, made once.
struct ReportView {
  const ReportData& data;
  HuntSummary summary;
  std::vector<MatrixRow> matrix;
  std::vector<std::string> defects;  // of the catalogue and of the results, sorted
  DetectionAxis axis{};

  const Defect* defect(std::string_view name) const { return find_defect(data.catalogue, name); }
  bool by_executions() const { return summary.axis == Axis::kExecutions; }
  std::vector<const Cell*> cells_of(std::string_view defect) const;
  std::vector<DetectionLine> lines_of(const std::vector<const Cell*>& cells) const;
  // "fencebench", with target and build where the defect has several places.
  std::string name_of(const Cell& cell) const;
  size_t look_of(const Way& way) const;
};
ReportView make_view(const ReportData& data);

std::string summary_part(const ReportView& view);     // figures, how it was measured, warnings
std::string not_found_part(const ReportView& view);   // defects that the trials missed
std::string matrix_part(const ReportView& view);      // defect x detector
std::string curves_part(const ReportView& view);      // over all defects, and small ones for each
std::string defects_part(const ReportView& view);     // the table
std::string comparison_part(const ReportView& view);  // ways against each other
std::string mutants_part(const ReportView& view);
std::string coverage_part(const ReportView& view);
std::string stories_part(const ReportView& view);  // a section for each defect

// ---- pieces
// --------------------------------------------------------------------------------------

// Nobody's text is longer than that on the page.
inline constexpr size_t kLongestName = 80;
inline constexpr size_t kLongestLine = 400;

// The id of a defect's section, and a link to it.
std::string anchor_of(std::string_view defect);
std::string link_to(std::string_view defect);

// A cell of a table. `sort`: what its column is sorted by.
std::string cell(std::string_view title, std::string_view content, std::string_view looks = "");
std::string number_cell(std::string_view title, std::string_view content, double sort);
std::string head(std::string_view title, std::string_view looks = "");

std::string fact(std::string_view name, std::string_view value, std::string_view note = "");
std::string share_text(size_t part, size_t all);  // "7 / 10"
std::string percent_text(double share);           // "70 %"
std::string share_bar(size_t part, size_t all,
                      bool judged = true);  // a bar and the text; judged: all is good, none is bad
std::string p_text(double p);               // "0.012", "< 0.001"
std::string u_text(double u);               // pairs: whole or a half
std::string a12_text(double a12);           // a bar around the middle, the number, the word
std::string mean_text(const RestrictedMean& mean, bool executions);
// "1.2 s" with its interval; "not reached" of a median that is not.
std::string median_text(const Median& median, bool executions, std::string_view bound = "");
std::string interval_text(const Interval& interval, bool executions);
Ratio ratio_in(const nlohmann::json& ratio);  // of what `coverage --json` printed
double sort_value(const Median& median);

}  // namespace tool
