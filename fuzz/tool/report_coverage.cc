// What the bench itself is worth: mutants of the core that it kills, and code that it reaches.
#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"
#include "fuzz/tool/status_values.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr size_t kSurvivors = 500;
constexpr size_t kFolders = 100;

const char* what_counters_say(const Sample& sample) {
  if (sample.trials == 0) return "not tried";
  if (sample.reached == 0) return "never reached";
  if (sample.triggered == 0) return "reached";
  return "triggered";
}

std::string ratio_cell(std::string_view title, const json& json_ratio) {
  const Ratio ratio = ratio_in(json_ratio);
  if (ratio.all == 0) return cell(title, "–", "number");
  return number_cell(title,
                     share_bar(ratio.reached, ratio.all, false) +
                         fmt::format(" <span class=\"dim\">{}</span>", ratio.text()),
                     static_cast<double>(ratio.reached) / static_cast<double>(ratio.all));
}

std::string counts_row(const json& counts) {
  return fmt::format("<tr>{}{}{}{}</tr>\n",
                     cell("", html(text_in(counts, "name"), kLongestName), "name"),
                     ratio_cell("lines", object_in(counts, "lines")),
                     ratio_cell("branches", object_in(counts, "branches")),
                     ratio_cell("functions", object_in(counts, "functions")));
}

std::string counts_table(std::string_view what, const std::vector<const json*>& rows) {
  std::string out =
      fmt::format("<table class=\"cards\"><thead><tr>{}{}{}{}</tr></thead>\n<tbody>\n", head(what),
                  head("lines", "number"), head("branches", "number"), head("functions", "number"));
  for (const json* row : rows) out += counts_row(*row);
  return out + "</tbody></table>\n";
}

}  // namespace

Ratio ratio_in(const json& ratio) {
  return {static_cast<uint64_t>(std::min(amount_in(ratio, "reached"), 1e15)),
          static_cast<uint64_t>(std::min(amount_in(ratio, "all"), 1e15))};
}

std::string mutants_part(const ReportView& view) {
  if (view.summary.mutants.empty()) return "";
  const bool executions = view.by_executions();
  std::string out =
      "<h2 id=\"mutants\">Mutants of the core</h2>\n<table class=\"cards\"><thead><tr>" +
      head("operator") + head("killed", "number") +
      head("<abbr title=\"Wilson\">95&nbsp;%</abbr>", "number") +
      head("median of the trials", "number") + "</tr></thead>\n<tbody>\n";
  std::string survivors;
  size_t count = 0;
  for (const MutationOperator& one : view.summary.mutants) {
    const Interval interval = share_interval(one.killed(), one.mutants.size());
    out += fmt::format(
        "<tr>{}{}{}{}</tr>\n", cell("operator", html(one.name, kLongestName), "name"),
        number_cell("killed", share_bar(one.killed(), one.mutants.size()),
                    static_cast<double>(one.killed())),
        cell("95 %",
             fmt::format("<span class=\"dim\">{} to {}</span>",
                         percent_text(interval.low.value_or(0)),
                         percent_text(interval.high.value_or(0))),
             "number"),
        number_cell("median",
                    median_text(median_survival(kaplan_meier(one.sample.on(view.summary.axis))),
                                executions, amount_text(one.sample.bound, executions)),
                    0));
    for (const Mutant& mutant : one.mutants) {
      if (mutant.killed() || ++count > kSurvivors) continue;
      survivors +=
          fmt::format("<li><code>{}</code> <span class=\"dim\">{}, {} trial{}</span></li>\n",
                      html(mutant.name, kLongestName), what_counters_say(mutant.sample),
                      mutant.sample.trials, mutant.sample.trials == 1 ? "" : "s");
    }
  }
  out += "</tbody></table>\n";
  if (count == 0) return out + "<p>No survivors.</p>\n";
  if (count > kSurvivors) survivors += fmt::format("<li>and {} more</li>\n", count - kSurvivors);
  return out + fmt::format(
                   "<details open><summary>{} survivor{}</summary>\n<ul class=\"names\">\n{}"
                   "</ul></details>\n",
                   count, count == 1 ? "" : "s", survivors);
}

std::string coverage_part(const ReportView& view) {
  const json& coverage = view.data.coverage;
  const json& total = object_in(coverage, "total");
  if (total.empty()) return "";
  std::vector<const json*> folders = {&total};
  for (const json& folder : list_in(coverage, "folders")) {
    if (folders.size() <= kFolders) folders.push_back(&folder);
  }
  std::string out =
      "<h2 id=\"coverage\">Code that is reached</h2>\n" + counts_table("folder", folders);
  std::vector<const json*> groups;
  for (const json& group : list_in(coverage, "reached_by")) {
    if (groups.size() < kFolders) groups.push_back(&group);
  }
  if (!groups.empty()) out += "<h3>By whom</h3>\n" + counts_table("who", groups);
  return out;
}

}  // namespace tool
