// The head of the report: figures first, then how they were measured, and what was missed.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"
#include "fuzz/tool/status_values.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr double kSoon = 10;  // seconds
constexpr size_t kWarnings = 20;
constexpr size_t kRuns = 20;

std::string name_of_first(const ReportView& view) {
  return html(view.summary.over_all.front().name, kLongestName);
}

// Of the first way: ours, if it was tried.
std::string facts_of_hunt(const ReportView& view) {
  const WaySummary& first = view.summary.over_all.front();
  const std::string way =
      view.summary.over_all.size() > 1 ? fmt::format("by {}", name_of_first(view)) : "";
  std::string out;
  const Interval interval = share_interval(first.found, first.defects);
  out += fact("defects found", fmt::format("{} of {}", first.found, first.defects),
              fmt::format("{}{}95 %: {:.0f} to {:.0f} %", way, way.empty() ? "" : " · ",
                          100 * interval.low.value_or(0), 100 * interval.high.value_or(0)));
  out += fact("in every trial", fmt::format("{} of {}", first.always, first.defects), way);
  out += fact("trials that detect", percent_text(first.sample.share()),
              fmt::format("{} of {}", count_text(static_cast<double>(first.sample.detected)),
                          count_text(static_cast<double>(first.sample.trials))));
  std::vector<double> medians;
  size_t soon = 0, places = 0;
  for (const Cell& cell : view.summary.cells) {
    if (cell.way != first.way || cell.sample.trials == 0) continue;
    places++;
    const Median& median = view.by_executions() ? cell.executions : cell.seconds;
    if (median.value) medians.push_back(*median.value);
    soon += cell.seconds.value && *cell.seconds.value < kSoon;
  }
  std::sort(medians.begin(), medians.end());
  const bool half_found = medians.size() * 2 > places;
  out += fact("median of the medians",
              half_found ? amount_text(medians[places / 2], view.by_executions()) : "not reached",
              way);
  if (!view.by_executions())
    out += fact("median below 10 s", fmt::format("{} of {}", soon, places), way);
  return out;
}

std::string facts(const ReportView& view) {
  std::string out = "<dl class=\"facts\">\n";
  if (!view.summary.over_all.empty()) out += facts_of_hunt(view);
  if (!view.data.catalogue.empty())
    out += fact("in the catalogue", std::to_string(view.data.catalogue.size()));
  const Sample& correct = view.summary.correct;
  if (correct.trials > 0)
    out += fact("correct core",
                fmt::format("<b class=\"{}\">{}</b> detection{}", correct.detected > 0 ? "hot" : "",
                            correct.detected, correct.detected == 1 ? "" : "s"),
                fmt::format("in {} trials", correct.trials));
  size_t mutants = 0, killed = 0;
  for (const MutationOperator& one : view.summary.mutants) {
    mutants += one.mutants.size();
    killed += one.killed();
  }
  if (mutants > 0)
    out += fact("mutants killed",
                percent_text(static_cast<double>(killed) / static_cast<double>(mutants)),
                fmt::format("{} of {}", killed, mutants));
  const Ratio lines = ratio_in(object_in(object_in(view.data.coverage, "total"), "lines"));
  if (lines.all > 0) out += fact("lines reached", lines.text(), "of the core");
  return out + "</dl>\n";
}

std::string run_line(const HuntRun& run) {
  std::string bound;
  if (run.bound_seconds > 0) bound = amount_text(run.bound_seconds, false) + " a trial";
  if (run.bound_executions > 0)
    bound += fmt::format("{}{} executions a trial", bound.empty() ? "" : ", ",
                         with_commas(run.bound_executions));
  return fmt::format("{} at commit <code>{}</code>: {}, {} core{}, {} at once", html(run.date, 40),
                     html(run.commit, 40), bound, run.cores, run.cores == 1 ? "" : "s", run.jobs);
}

std::string method(const ReportView& view) {
  std::string out = "<details class=\"method\"><summary>How this was measured</summary>\n<ul>\n";
  const auto& runs = view.data.results.runs;
  for (size_t i = 0; i < std::min(runs.size(), kRuns); i++)
    out += "<li>" + run_line(runs[i]) + "</li>\n";
  if (runs.size() > kRuns) out += fmt::format("<li>and {} more runs</li>\n", runs.size() - kRuns);
  out +=
      "<li>A trial that detects nothing is censored: it says only that it takes longer. Medians, "
      "curves and their 95&nbsp;% bands are Kaplan and Meier's, with Greenwood's variance on the "
      "scale of log(&minus;log).</li>\n"
      "<li>The restricted mean (RMST) is the mean up to the bound, a trial without a detection "
      "counting as the bound.</li>\n"
      "<li>Ways of hunting are compared by Mann and Whitney's U, two-sided, exact for small "
      "samples "
      "without ties; trials without a detection are ties behind all others. A<sub>12</sub> is "
      "Vargha and Delaney's: how likely the first way needs less than the second.</li>\n"
      "<li>Where many defects are compared, p is adjusted for their number (Holm).</li>\n"
      "</ul></details>\n";
  return out;
}

std::string warnings(const ReportView& view) {
  std::vector<std::string> lines;
  size_t broken = view.summary.correct.broken;
  for (const Cell& cell : view.summary.cells) broken += cell.sample.broken;
  for (const MutationOperator& one : view.summary.mutants) broken += one.sample.broken;
  if (broken > 0)
    lines.push_back(fmt::format("{} trial{} went wrong and do{} not count", broken,
                                broken == 1 ? "" : "s", broken == 1 ? "es" : ""));
  const auto& all = view.data.results.warnings;
  for (size_t i = 0; i < std::min(all.size(), kWarnings); i++)
    lines.push_back(html(all[i], kLongestLine));
  if (all.size() > kWarnings)
    lines.push_back(fmt::format("and {} more lines were passed over", all.size() - kWarnings));
  for (const Cell& cell : view.summary.correct_cells) {
    for (const auto& [verdict, count] : cell.sample.verdicts)
      lines.push_back(fmt::format("<b>on the correct core</b>, {} × {} {}: {}", count,
                                  html(cell.place.target, kLongestName),
                                  html(cell.place.build, kLongestName),
                                  html(verdict, kLongestLine)));
  }
  std::string out;
  for (const std::string& line : lines)
    out += fmt::format("<p class=\"alert\" role=\"alert\">{}</p>\n", line);
  return out;
}

// As far as the counters tell.
const char* why_missed(const Sample& sample) {
  if (sample.reached == 0) return "the faulty code was never reached";
  if (sample.triggered == 0) return "reached, but never in the state that makes it fail";
  return "triggered, but nothing reported it";
}

}  // namespace

std::string summary_part(const ReportView& view) {
  std::string out = "<h1>fencebench: what finds what, how fast</h1>\n<p class=\"dim\">";
  if (!view.data.commit.empty())
    out += fmt::format("commit <code>{}</code>, ", html(view.data.commit, 40));
  out += fmt::format("written {}</p>\n", html(view.data.generated, 40));
  out += warnings(view) + facts(view);
  if (!view.data.results.trials.empty()) out += method(view);
  return out;
}

std::string not_found_part(const ReportView& view) {
  if (view.summary.over_all.empty()) return "";
  const Way& way = view.summary.over_all.front().way;
  std::string rows;
  for (const Cell& one : view.summary.cells) {
    if (one.way != way || one.sample.trials == 0 || one.sample.detected > 0) continue;
    std::vector<std::string> others;
    for (const Cell* other : view.cells_of(one.place.defect)) {
      if (other->sample.detected > 0) others.push_back(html(view.name_of(*other), kLongestName));
    }
    rows += fmt::format(
        "<tr>{}{}{}{}{}</tr>\n", cell("defect", link_to(one.place.defect), "name"),
        cell("where", html(one.place.target + " " + one.place.build, kLongestName), "where"),
        number_cell("reached in", share_text(one.sample.reached, one.sample.trials),
                    static_cast<double>(one.sample.reached)),
        number_cell("triggered in", share_text(one.sample.triggered, one.sample.trials),
                    static_cast<double>(one.sample.triggered)),
        cell("why", fmt::format("{}{}", why_missed(one.sample),
                                others.empty() ? "" : "; found by " + join(others, ", "))));
  }
  if (rows.empty()) return "";
  return fmt::format(
      "<h2 id=\"missed\">Not found by {}</h2>\n<table class=\"cards\"><thead><tr>{}{}{}{}{}</tr>"
      "</thead><tbody>\n{}</tbody></table>\n",
      name_of_first(view), head("defect"), head("where"), head("reached in", "number"),
      head("triggered in", "number"), head("what the counters say"), rows);
}

}  // namespace tool
