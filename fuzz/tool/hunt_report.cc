#include "fuzz/tool/hunt_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "fuzz/tool/fuzz_report.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"

namespace tool {
namespace {

using nlohmann::json;

std::string core_name(const std::string& defect) {
  return defect.empty() ? "(correct core)" : printable(defect);
}

std::string of(size_t part, size_t all) { return fmt::format("{}/{}", part, all); }

std::string seconds_text(const Median& median) {
  return median.value ? fmt::format("{:.2f}", *median.value) : "-";
}

std::string count_text(const Median& median) {
  return median.value ? with_commas(static_cast<uint64_t>(*median.value)) : "-";
}

// The most frequent verdict, and how many others there are.
std::string verdict_text(const Sample& sample) {
  if (sample.verdicts.empty()) return "";
  const auto most =
      std::max_element(sample.verdicts.begin(), sample.verdicts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const size_t others = sample.verdicts.size() - 1;
  return printable(most->first) +
         (others > 0 ? fmt::format(" (and {} other{})", others, others > 1 ? "s" : "") : "");
}

std::string table_of(const HuntSummary& summary) {
  std::vector<std::string> titles = {"defect", "target", "build"};
  if (summary.ways.size() > 1) titles.emplace_back("way");
  for (const char* title :
       {"reached>", "triggered>", "found>", "median s>", "executions>", "verdict"})
    titles.emplace_back(title);
  Table table(titles);
  auto add = [&](const std::vector<Cell>& cells) {
    for (const Cell& cell : cells) {
      const Sample& sample = cell.sample;
      std::vector<std::string> row = {core_name(cell.place.defect), cell.place.target,
                                      cell.place.build};
      if (summary.ways.size() > 1) row.push_back(name_of(cell.way, summary.ways));
      for (const std::string& text :
           {of(sample.reached, sample.trials), of(sample.triggered, sample.trials),
            of(sample.detected, sample.trials), seconds_text(cell.seconds),
            count_text(cell.executions), verdict_text(sample)})
        row.push_back(text);
      table.row(row);
    }
  };
  add(summary.cells);
  add(summary.correct_cells);
  return table.empty() ? "" : table.text();
}

std::string way_lines(const HuntSummary& summary) {
  std::string text;
  for (const WaySummary& way : summary.over_all) {
    std::vector<double> medians;
    for (const Cell& cell : summary.cells) {
      if (cell.way == way.way && cell.seconds.value) medians.push_back(*cell.seconds.value);
    }
    text += fmt::format(
        "{}: {} of {} defects found, {} of them in each trial; {} of {} trials; median of the "
        "medians {}; restricted mean {:.2f} s\n",
        way.name, way.found, way.defects, way.always, way.sample.detected, way.sample.trials,
        medians.empty() ? "-" : fmt::format("{:.2f} s", median(medians)), way.mean.mean);
  }
  return text;
}

std::string comparison_lines(const HuntSummary& summary) {
  std::string text;
  for (const Comparison& comparison : summary.comparisons) {
    text += fmt::format(
        "{} against {}: A12 {:.2f} ({}), Mann-Whitney U {:.0f}, p {:.2g}; log-rank p {:.2g}; "
        "better on {} of {} defects, worse on {} (adjusted p < 0.05)\n",
        name_of(comparison.first, summary.ways), name_of(comparison.second, summary.ways),
        comparison.pooled.a12, magnitude_of(comparison.pooled.a12), comparison.pooled.u,
        comparison.pooled.p, comparison.log_rank.p, comparison.better, comparison.places.size(),
        comparison.worse);
  }
  return text;
}

std::string mutant_lines(const HuntSummary& summary) {
  if (summary.mutants.empty()) return "";
  Table table({"operator", "mutants>", "killed>", "share>"});
  size_t all = 0;
  size_t killed = 0;
  std::string survivors;
  for (const MutationOperator& one : summary.mutants) {
    all += one.mutants.size();
    killed += one.killed();
    table.row({printable(one.name), with_commas(one.mutants.size()), with_commas(one.killed()),
               fmt::format("{} %", 100 * one.killed() / one.mutants.size())});
    for (const Mutant& mutant : one.mutants) {
      if (mutant.killed()) continue;
      survivors += fmt::format("  {}{}\n", printable(mutant.name),
                               mutant.sample.reached == 0 ? "  (not reached)" : "");
    }
  }
  return fmt::format("\n{}mutants: {} of {} killed ({} %)\n{}{}", table.text(), killed, all,
                     100 * killed / all, survivors.empty() ? "" : "survivors:\n", survivors);
}

// "reached, never triggered" and the like.
std::string how_far(const Sample& sample) {
  if (sample.reached == 0) return "its code was never reached";
  if (sample.triggered == 0) return "reached, never triggered";
  return fmt::format("triggered in {} of {} trials, not seen", sample.triggered, sample.trials);
}

std::string missed_lines(const HuntSummary& summary, const std::vector<Defect>& catalogue) {
  std::string text;
  for (const Cell& cell : summary.cells) {
    if (cell.sample.detected > 0 || cell.sample.trials == 0) continue;
    text += fmt::format("not found: {} ({} {}, {}): {}\n", core_name(cell.place.defect),
                        cell.place.target, cell.place.build, name_of(cell.way, summary.ways),
                        how_far(cell.sample));
    const Defect* defect = find_defect(catalogue, cell.place.defect);
    if (defect != nullptr && !defect->fuzzing.empty())
      text += fmt::format("    {}\n", printable(defect->fuzzing));
  }
  return text;
}

}  // namespace

std::string group_line(const TrialGroup& group, const std::vector<Trial>& trials) {
  Sample sample;
  for (const Trial& trial : trials) sample.add(trial, Axis::kSeconds);
  std::string line =
      fmt::format("{:<34} {:<17} {:<7} {:<10} found {:>5}", core_name(group.defect), group.target,
                  group.build, group.configuration, of(sample.detected, sample.trials));
  if (sample.detected == 0) {
    // Not every patch has a canary.
    if (sample.broken > 0) return line + fmt::format("  {} trials broken", sample.broken);
    return line + (sample.reached == 0 ? "" : "  " + how_far(sample));
  }
  return line + fmt::format("  median {:>6} s {:>9} executions  {}",
                            seconds_text(median_survival(kaplan_meier(sample.seconds))),
                            count_text(median_survival(kaplan_meier(sample.executions))),
                            verdict_text(sample));
}

std::string hunt_text(const HuntSummary& summary, const std::vector<Trial>& trials,
                      const std::vector<Defect>& catalogue) {
  std::string text = table_of(summary);
  text += mutant_lines(summary);
  text += "\n" + way_lines(summary) + comparison_lines(summary) + missed_lines(summary, catalogue);
  if (summary.correct.trials > 0) {
    uint64_t executions = 0;
    for (const Trial& trial : trials)
      if (trial.defect.empty()) executions += trial.executions;
    text += fmt::format("correct core: {} detections in {} trials, {} executions\n",
                        summary.correct.detected, summary.correct.trials, with_commas(executions));
  }
  for (const Trial& trial : trials) {
    if (!trial.error.empty())
      text += fmt::format("BROKEN: {} {} {} trial {}: {}\n", core_name(trial.defect), trial.target,
                          trial.build, trial.trial, printable(trial.error));
  }
  return text;
}

std::vector<Candidate> rank_candidates(const Hunt& hunt) {
  std::vector<Candidate> candidates;
  auto candidate = [&](const std::string& label) -> Candidate& {
    for (Candidate& known : candidates)
      if (known.label == label) return known;
    candidates.push_back({.label = label});
    return candidates.back();
  };
  for (const Trial& trial : hunt.trials()) {
    Candidate& one = candidate(trial.defect);
    one.executions += trial.executions;
    one.trials++;
    if (!trial.error.empty() && one.broken.empty()) one.broken = trial.error;
    if (!trial.detected) continue;
    one.detected++;
    auto known = std::find_if(one.remaining.begin(), one.remaining.end(),
                              [&](const auto& other) { return other.verdict == trial.verdict; });
    if (known == one.remaining.end()) {
      one.remaining.push_back({.verdict = trial.verdict, .finding = hunt.finding_of(trial)});
      known = one.remaining.end() - 1;
      for (const Finding& finding : hunt.findings()) {
        if (finding.comment.signature == trial.signature &&
            finding.comment.defect == hunt.core_of(trial) &&
            finding.comment.verdict == trial.verdict) {
          known->reason = finding.details;
          if (!finding.file.empty()) known->finding = Project::shown(finding.file);
        }
      }
    }
    known->trials++;
  }
  for (const auto& [label, why] : hunt.broken()) candidate(label).broken = why;
  for (Candidate& one : candidates) {
    std::sort(one.remaining.begin(), one.remaining.end(), [](const auto& a, const auto& b) {
      return std::tie(b.trials, a.verdict) < std::tie(a.trials, b.verdict);
    });
  }
  auto badness = [](const Candidate& one) {
    return !one.broken.empty() ? 2.0
           : one.trials == 0 ? 1.5
                             : static_cast<double>(one.detected) / static_cast<double>(one.trials);
  };
  std::sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return std::pair(badness(a), a.label) < std::pair(badness(b), b.label);
  });
  return candidates;
}

std::string candidates_text(const Project& project, const std::vector<Candidate>& candidates) {
  Table table({"rank>", "candidate", "trials>", "fail>", "executions>", "what remains"});
  size_t rank = 0;
  for (const Candidate& one : candidates) {
    const std::string remains = !one.broken.empty()      ? "it does not build or run"
                                : !one.remaining.empty() ? printable(one.remaining.front().verdict)
                                : one.trials == 0        ? "not tried"
                                                         : "nothing";
    table.row({std::to_string(++rank), printable(one.label), with_commas(one.trials),
               with_commas(one.detected), with_commas(one.executions), remains});
  }
  std::string text = table.text();
  for (const Candidate& one : candidates) {
    if (!one.broken.empty())
      text += fmt::format("\n{}: {}\n", printable(one.label), printable(one.broken));
    for (const Candidate::Remaining& remaining : one.remaining) {
      text += fmt::format("\n{}: {} ({} of {} trials)\n", printable(one.label),
                          printable(remaining.verdict), remaining.trials, one.trials);
      for (const std::string& line : remaining.reason)
        text += fmt::format("  {}\n", printable(line));
      if (!remaining.finding.empty())
        text += fmt::format("  {} repro {}\n", project.command(),
                            printable(shell_quote(remaining.finding)));
    }
  }
  return text;
}

json json_result(const Hunt& hunt, const HuntSummary& summary, int code) {
  json cells = json::array();
  auto add = [&](const std::vector<Cell>& list) {
    for (const Cell& cell : list) {
      json entry = {{"defect", printable(cell.place.defect)},
                    {"target", cell.place.target},
                    {"build", cell.place.build},
                    {"configuration", cell.way.configuration},
                    {"corpus", cell.way.corpus},
                    {"trials", cell.sample.trials},
                    {"reached", cell.sample.reached},
                    {"triggered", cell.sample.triggered},
                    {"detected", cell.sample.detected},
                    {"broken", cell.sample.broken},
                    {"restricted_mean", cell.mean.mean}};
      if (cell.seconds.value) entry["median_seconds"] = *cell.seconds.value;
      if (cell.executions.value) entry["median_executions"] = *cell.executions.value;
      json verdicts = json::object();
      for (const auto& [verdict, times] : cell.sample.verdicts)
        verdicts[printable(verdict)] = times;
      entry["verdicts"] = verdicts;
      cells.push_back(entry);
    }
  };
  add(summary.cells);
  add(summary.correct_cells);
  json broken = json::object();
  for (const auto& [label, why] : hunt.broken()) broken[printable(label)] = printable(why);
  return {{"verb", "hunt"},
          {"cells", cells},
          {"taken_over", hunt.taken_over()},
          {"broken", broken},
          {"stopped", hunt.stopped()},
          {"exit", code}};
}

json json_result(const std::vector<Candidate>& candidates, int code) {
  json list = json::array();
  for (const Candidate& one : candidates) {
    json remaining = json::array();
    for (const Candidate::Remaining& verdict : one.remaining) {
      remaining.push_back({{"verdict", printable(verdict.verdict)},
                           {"trials", verdict.trials},
                           {"finding", printable(verdict.finding)},
                           {"reason", verdict.reason}});
    }
    list.push_back({{"candidate", printable(one.label)},
                    {"trials", one.trials},
                    {"fail", one.detected},
                    {"executions", one.executions},
                    {"remaining", remaining},
                    {"broken", printable(one.broken)}});
  }
  return {{"verb", "hunt"}, {"candidates", list}, {"exit", code}};
}

}  // namespace tool
