#include "fuzz/tool/report_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "fuzz/tool/html.h"
#include "fuzz/tool/strings.h"

namespace tool {

std::vector<const Cell*> ReportView::cells_of(std::string_view defect) const {
  std::vector<const Cell*> cells;
  for (const Cell& cell : summary.cells) {
    if (cell.place.defect == defect) cells.push_back(&cell);
  }
  return cells;
}

size_t ReportView::look_of(const Way& way) const {
  const auto found = std::find(summary.ways.begin(), summary.ways.end(), way);
  return static_cast<size_t>(found - summary.ways.begin());
}

std::string ReportView::name_of(const Cell& cell) const {
  std::string name = tool::name_of(cell.way, summary.ways);
  const std::vector<const Cell*> cells = cells_of(cell.place.defect);
  const bool several = std::any_of(cells.begin(), cells.end(),
                                   [&](const Cell* other) { return other->place != cell.place; });
  return several ? fmt::format("{}, {} {}", name, cell.place.target, cell.place.build) : name;
}

std::vector<DetectionLine> ReportView::lines_of(const std::vector<const Cell*>& cells) const {
  std::vector<DetectionLine> lines;
  for (const Cell* cell : cells) {
    if (cell->sample.trials > 0)
      lines.push_back({name_of(*cell), look_of(cell->way), &cell->curve});
  }
  return lines;
}

ReportView make_view(const ReportData& data) {
  ReportView view = {
      data, summarize(data.results.trials), detector_matrix(data.catalogue, data.results), {}};
  for (const MatrixRow& row : view.matrix) view.defects.push_back(row.defect);
  std::vector<const SurvivalCurve*> curves;
  for (const Cell& cell : view.summary.cells) curves.push_back(&cell.curve);
  view.axis = detection_axis(curves, view.summary.bound, view.by_executions());
  return view;
}

std::string anchor_of(std::string_view defect) { return "defect-" + slug(defect, kLongestName); }

std::string link_to(std::string_view defect) {
  return fmt::format("<a href=\"#{}\">{}</a>", anchor_of(defect), html(defect, kLongestName));
}

std::string cell(std::string_view title, std::string_view content, std::string_view looks) {
  return fmt::format("<td{} data-title=\"{}\">{}</td>",
                     looks.empty() ? "" : fmt::format(" class=\"{}\"", looks), title, content);
}

std::string number_cell(std::string_view title, std::string_view content, double sort) {
  return fmt::format("<td class=\"number\" data-title=\"{}\" data-sort=\"{:.6g}\">{}</td>", title,
                     std::isfinite(sort) ? sort : std::numeric_limits<double>::max(), content);
}

std::string head(std::string_view title, std::string_view looks) {
  return fmt::format("<th scope=\"col\"{}>{}</th>",
                     looks.empty() ? "" : fmt::format(" class=\"{}\"", looks), title);
}

std::string fact(std::string_view name, std::string_view value, std::string_view note) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd>{}</div>\n", name, value,
                     note.empty() ? "" : fmt::format("<dd class=\"note\">{}</dd>", note));
}

std::string share_text(size_t part, size_t all) { return fmt::format("{} / {}", part, all); }

std::string percent_text(double share) {
  // Never 100 or 0 unless it is.
  const double percent = share * 100;
  if (percent > 99.5 && percent < 100) return "> 99 %";
  if (percent > 0 && percent < 0.5) return "< 1 %";
  return fmt::format("{:.0f} %", percent);
}

std::string share_bar(size_t part, size_t all, bool judged) {
  const double percent =
      all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
  const char* looks = !judged ? "plain" : part == all ? "all" : part == 0 ? "none" : "some";
  return fmt::format(
      "<span class=\"share\"><i class=\"{}\"><b style=\"width:{:.1f}%\"></b></i>{}</span>", looks,
      percent, share_text(part, all));
}

std::string p_text(double p) {
  if (p < 0.001) return "&lt; 0.001";
  return fmt::format("{:.{}f}", p, p < 0.1 ? 3 : 2);
}

std::string a12_text(double a12) {
  const double low = std::min(a12, 0.5), high = std::max(a12, 0.5);
  return fmt::format(
      "<span class=\"a12\"><i><b class=\"{}\" style=\"left:{:.1f}%;width:{:.1f}%\"></b></i>{:.2f} "
      "<span class=\"dim\">{}</span></span>",
      a12 >= 0.5 ? "more" : "less", 100 * low, 100 * (high - low), a12, magnitude_of(a12));
}

std::string interval_text(const Interval& interval, bool executions) {
  const auto end = [&](const std::optional<double>& value) {
    return value ? amount_text(*value, executions) : std::string("–");
  };
  return fmt::format("<span class=\"dim interval\">{} to {}</span>", end(interval.low),
                     end(interval.high));
}

std::string mean_text(const RestrictedMean& mean, bool executions) {
  const std::string text = amount_text(mean.mean, executions);
  return mean.error == 0 ? text : text + " " + interval_text(mean.interval, executions);
}

std::string u_text(double u) {
  const std::string whole = with_commas(static_cast<uint64_t>(u));
  return u == std::floor(u) ? whole : whole + ".5";
}

std::string median_text(const Median& median, bool executions, std::string_view bound) {
  if (!median.value)
    return bound.empty() ? "<span class=\"dim\">not reached</span>"
                         : fmt::format("<span class=\"dim\">&gt; {}</span>", bound);
  return fmt::format("{} {}", amount_text(*median.value, executions),
                     interval_text(median.interval, executions));
}

double sort_value(const Median& median) {
  return median.value.value_or(std::numeric_limits<double>::infinity());
}

}  // namespace tool
