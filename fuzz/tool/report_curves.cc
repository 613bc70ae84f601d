// The survival curves of the report, and the ways of hunting against each other.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"

namespace tool {
namespace {

constexpr ChartSize kWide = {1080, "wide"};
constexpr ChartSize kNarrow = {366, "narrow"};

std::string way_name(const ReportView& view, const Way& way) {
  return html(name_of(way, view.summary.ways), kLongestName);
}

std::string legend(const ReportView& view) {
  const bool executions = view.by_executions();
  std::string out = "<table class=\"cards ways\"><thead><tr>" + head("way") +
                    head("detected", "number") + head("defects found", "number") +
                    head("in every trial", "number") + head("median", "number") +
                    head("RMST", "number") + "</tr></thead>\n<tbody>\n";
  for (const WaySummary& way : view.summary.over_all) {
    out += fmt::format("<tr>{}{}{}{}{}{}</tr>\n",
                       cell("way",
                            fmt::format("<i class=\"key s{}\"></i>{}", view.look_of(way.way) % 6,
                                        html(way.name, kLongestName)),
                            "name"),
                       number_cell("detected", share_bar(way.sample.detected, way.sample.trials),
                                   way.sample.share()),
                       number_cell("defects found", share_text(way.found, way.defects),
                                   static_cast<double>(way.found)),
                       number_cell("in every trial", share_text(way.always, way.defects),
                                   static_cast<double>(way.always)),
                       number_cell("median",
                                   median_text(way.median, executions,
                                               amount_text(view.summary.bound, executions)),
                                   sort_value(way.median)),
                       number_cell("RMST", mean_text(way.mean, executions), way.mean.mean));
  }
  return out + "</tbody></table>\n";
}

std::string small_multiples(const ReportView& view) {
  std::string out;
  for (const std::string& defect : view.defects) {
    const std::vector<DetectionLine> lines = view.lines_of(view.cells_of(defect));
    if (lines.empty()) continue;
    out += fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n",
                       detection_spark(lines, view.axis), link_to(defect));
  }
  return out;
}

std::string pair_row(const ReportView& view, const Comparison& pair) {
  const bool executions = view.by_executions();
  const size_t undecided = pair.places.size() - pair.better - pair.worse;
  return fmt::format("<tr>{}{}{}{}{}{}{}{}</tr>\n",
                     cell("ways",
                          fmt::format("{} <span class=\"dim\">against</span> {}",
                                      way_name(view, pair.first), way_name(view, pair.second)),
                          "name"),
                     cell("defects",
                          fmt::format("<b class=\"more\">{}</b> : {} : <b class=\"less\">{}</b>",
                                      pair.better, undecided, pair.worse),
                          "number"),
                     cell("detected",
                          fmt::format("{} : {}", percent_text(pair.first_sample.share()),
                                      percent_text(pair.second_sample.share())),
                          "number"),
                     cell("RMST",
                          fmt::format("{} : {}", amount_text(pair.first_mean.mean, executions),
                                      amount_text(pair.second_mean.mean, executions)),
                          "number"),
                     cell("mean A12", a12_text(pair.mean_a12), "number"),
                     cell("U", u_text(pair.pooled.u), "number"),
                     cell("p", p_text(pair.pooled.p), "number"),
                     cell("log-rank p", p_text(pair.log_rank.p), "number"));
}

std::string places_table(const ReportView& view, const Comparison& pair) {
  std::string out = fmt::format(
      "<details><summary>{} against {}, defect by defect</summary>\n<table class=\"cards\"><thead>"
      "<tr>{}{}{}{}{}{}</tr></thead>\n<tbody>\n",
      way_name(view, pair.first), way_name(view, pair.second), head("defect"),
      head("trials", "number"), head("U", "number"), head("p", "number"),
      head("p, adjusted", "number"), head("A<sub>12</sub>", "number"));
  for (const PlaceComparison& place : pair.places) {
    const char* looks = place.adjusted_p >= 0.05 ? "" : place.test.a12 > 0.5 ? "more" : "less";
    out += fmt::format(
        "<tr>{}{}{}{}{}{}</tr>\n", cell("defect", link_to(place.place.defect), "name"),
        cell("trials", fmt::format("{} : {}", place.first_trials, place.second_trials), "number"),
        cell("U", u_text(place.test.u), "number"), cell("p", p_text(place.test.p), "number"),
        cell("p, adjusted", fmt::format("<b class=\"{}\">{}</b>", looks, p_text(place.adjusted_p)),
             "number"),
        cell("A12", a12_text(place.test.a12), "number"));
  }
  return out + "</tbody></table></details>\n";
}

}  // namespace

std::string curves_part(const ReportView& view) {
  if (view.summary.over_all.empty()) return "";
  std::vector<DetectionLine> lines;
  for (const WaySummary& way : view.summary.over_all) {
    if (way.sample.trials > 0) lines.push_back({way.name, view.look_of(way.way), &way.curve});
  }
  std::string out = fmt::format(
      "<h2 id=\"curves\">Detected over {} <span class=\"dim\">share of all trials, with 95&nbsp;% "
      "bands</span></h2>\n",
      view.by_executions() ? "executions" : "time");
  out += detection_chart(lines, view.axis, kWide) + detection_chart(lines, view.axis, kNarrow);
  out += legend(view);
  const std::string small = small_multiples(view);
  if (!small.empty())
    out += fmt::format(
        "<h3>Each defect <span class=\"dim\">{} to {}, 0 to 100&nbsp;%</span></h3>\n<div "
        "class=\"sparks\">\n{}</div>\n",
        amount_text(view.axis.from, view.axis.executions),
        amount_text(view.axis.to, view.axis.executions), small);
  return out;
}

std::string comparison_part(const ReportView& view) {
  if (view.summary.comparisons.empty()) return "";
  std::string out =
      "<h2 id=\"comparison\">Ways of hunting against each other</h2>\n<table class=\"cards\">"
      "<thead><tr>" +
      head("first against second") + head("better : even : worse", "number") +
      head("detected", "number") + head("RMST", "number") + head("mean A<sub>12</sub>", "number") +
      head("U", "number") + head("p", "number") + head("log-rank p", "number") +
      "</tr></thead>\n<tbody>\n";
  for (const Comparison& pair : view.summary.comparisons) out += pair_row(view, pair);
  out +=
      "</tbody></table>\n<p class=\"legend dim\">Better: on how many defects the first needs less "
      "than the second (p &lt; 0.05, adjusted). A<sub>12</sub> above 0.5: the first is likely to "
      "need less. U, p and the log-rank test are of all trials on the defects that both were tried "
      "on.</p>\n";
  for (const Comparison& pair : view.summary.comparisons) out += places_table(view, pair);
  return out;
}

}  // namespace tool
