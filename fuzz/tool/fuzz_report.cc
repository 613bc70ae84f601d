#include "fuzz/tool/fuzz_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"

namespace tool {
namespace {

using nlohmann::json;

std::string reproduce_command(const Project& project, const Finding& finding) {
  if (!finding.file.empty()) {
    return fmt::format("{} repro {}", project.command(), shell_quote(Project::shown(finding.file)));
  }
  // No input: it happens whatever is executed.
  std::string command = fmt::format("{} fuzz {} --sanitizer {}", project.command(),
                                    finding.comment.target, finding.comment.sanitizer);
  if (!finding.comment.defect.empty()) command += " --defect " + finding.comment.defect;
  if (finding.comment.checks != "all") command += " --checks " + finding.comment.checks;
  if (finding.comment.seed) command += fmt::format(" --seed {}", *finding.comment.seed);
  return command;
}

// Trials of the same target and sanitizer belong together.
struct Group {
  std::string target;
  std::string sanitizer;
  std::vector<const JobResult*> jobs;

  std::vector<double> executions_to_finding;
  std::vector<double> seconds_to_finding;
};

std::vector<Group> group(const std::vector<JobResult>& results) {
  std::vector<Group> groups;
  for (const JobResult& result : results) {
    auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& candidate) {
      return candidate.target == result.target && candidate.sanitizer == result.sanitizer;
    });
    if (same == groups.end()) {
      groups.push_back({result.target, result.sanitizer, {}, {}, {}});
      same = groups.end() - 1;
    }
    same->jobs.push_back(&result);
    if (result.verdict) {
      same->executions_to_finding.push_back(static_cast<double>(result.executions_to_finding));
      same->seconds_to_finding.push_back(result.seconds_to_finding);
    }
  }
  return groups;
}

std::string result_table(const std::vector<Group>& groups) {
  std::vector<std::string> columns = {"target", "sanitizer", "executions>", "executions/s>",
                                      "edges>", "corpus>",   "findings>"};
  // Only some engines tell.
  bool has_stability = false;
  for (const Group& entry : groups)
    for (const JobResult* job : entry.jobs) has_stability = has_stability || job->stability;
  if (has_stability) columns.insert(columns.end() - 1, "stability>");
  Table table(columns);
  for (const Group& entry : groups) {
    uint64_t executions = 0;
    double seconds = 0;
    uint64_t edges = 0;
    uint64_t corpus = 0;
    uint64_t findings = 0;
    std::optional<double> stability;
    for (const JobResult* job : entry.jobs) {
      if (job->stability) stability = std::min(stability.value_or(100), *job->stability);
      executions += job->executions;
      seconds += job->seconds;
      edges = std::max(edges, job->edges);
      corpus = std::max(corpus, job->corpus);
      findings += job->findings;
    }
    double rate = seconds > 0 ? static_cast<double>(executions) / seconds : 0;
    std::vector<std::string> row = {entry.target,
                                    entry.sanitizer,
                                    with_commas(executions),
                                    with_commas(static_cast<uint64_t>(rate)),
                                    with_commas(edges),
                                    with_commas(corpus),
                                    with_commas(findings)};
    if (has_stability) {
      const std::string percent = stability ? fmt::format("{:.2f} %", *stability) : "";
      row.insert(row.end() - 1, percent);
    }
    table.row(row);
  }
  return table.text();
}

void print_trials(const std::vector<Group>& groups) {
  for (const Group& entry : groups) {
    fmt::print("\n{} {}: found in {} of {} trials", entry.target, entry.sanitizer,
               entry.seconds_to_finding.size(), entry.jobs.size());
    if (!entry.seconds_to_finding.empty()) {
      fmt::print(", median {} executions and {:.2f} s to detection",
                 with_commas(static_cast<uint64_t>(median(entry.executions_to_finding))),
                 median(entry.seconds_to_finding));
      if (entry.seconds_to_finding.size() < entry.jobs.size()) fmt::print(" (of those that found)");
    }
    fmt::print("\n");
  }
}

void print_findings(const Project& project, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::vector<std::string> by(finding.sanitizers.begin(), finding.sanitizers.end());
    std::string times = finding.count > 1 ? fmt::format(", {} times", finding.count) : "";
    fmt::print("\nfinding      {}\n", finding.verdict.text());
    for (const std::string& line : finding.details) fmt::print("             {}\n", line);
    fmt::print("  found by   {} {}{}, first after {} executions\n", finding.comment.target,
               join(by, ", "), times, with_commas(finding.executions));
    if (!finding.file.empty()) {
      fmt::print("  file       {} ({} bytes)\n", Project::shown(finding.file), finding.bytes);
    }
    fmt::print("  report     {}\n", Project::shown(finding.report));
    fmt::print("  reproduce  {}\n", reproduce_command(project, finding));
    if (!finding.file.empty() && !finding.reproduced) {
      fmt::print("  warning    not seen again when executed once more: {}\n",
                 printable(finding.again));
    }
    if (finding.file.empty())
      fmt::print("  warning    there is no input: it is not bound to one\n");
  }
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string trial_line(const JobResult& result) {
  std::string line = fmt::format("{} {} trial {:>3}  seed {:<6}", result.target, result.sanitizer,
                                 result.trial, result.seed.value_or(0));
  if (result.verdict) {
    return line + fmt::format("  found after {:>12} executions {:>8.2f} s  {}",
                              with_commas(result.executions_to_finding), result.seconds_to_finding,
                              result.verdict->text());
  }
  std::string why = result.interrupted       ? "interrupted"
                    : !result.broken.empty() ? "broken: " + printable(result.broken)
                                             : "not found";
  return line + fmt::format("  {:<11} {:>12} executions {:>8.2f} s", why,
                            with_commas(result.executions), result.seconds);
}

std::string end_line(const JobResult& result) {
  std::string how = result.verdict           ? "found " + result.verdict->text()
                    : !result.broken.empty() ? "broken: " + printable(result.broken)
                    : result.interrupted     ? "stopped"
                                             : "nothing found";
  return fmt::format("{} {}: {}, {} executions in {}", result.target, result.sanitizer, how,
                     with_commas(result.executions), human_seconds(result.seconds));
}

void print_result(const Project& project, const Campaign& campaign) {
  std::vector<JobResult> results = campaign.results();
  std::vector<Group> groups = group(results);
  fmt::print("{}", result_table(groups));
  if (!results.empty() && results.front().trial > 0) print_trials(groups);
  print_findings(project, campaign.findings());
  for (const JobResult& result : results) {
    std::string name = fmt::format("{} {}", result.target, result.sanitizer);
    if (result.trial > 0) name += fmt::format(" trial {}", result.trial);
    if (!result.broken.empty()) {
      fmt::print("\nBROKEN: {}: {}\n", name, printable(result.broken));
      if (!result.last_words.empty()) {
        fmt::print("  its output is in {} and ends:\n", Project::shown(result.log));
      }
      for (const std::string& line : result.last_words) fmt::print("    {}\n", line);
    }
    if (result.leak_check_off_at > 0) {
      fmt::print(
          "\nnote: {}: libFuzzer switched its leak check off after {} executions; our own "
          "ledger stayed on\n",
          name, with_commas(result.leak_check_off_at));
    }
    if (!result.started) fmt::print("\nnote: {} was not started\n", name);
  }
  if (campaign.findings().empty()) fmt::print("\nno finding\n");
  if (campaign.stopped()) fmt::print("stopped before the time was over\n");
}

json json_result(const Project& project, const Campaign& campaign, int code) {
  json jobs = json::array();
  for (const JobResult& result : campaign.results()) {
    json job = {{"target", result.target},
                {"sanitizer", result.sanitizer},
                {"executions", result.executions},
                {"executions_per_second", result.executions_per_second()},
                {"edges", result.edges},
                {"features", result.features},
                {"corpus", result.corpus},
                {"peak_rss_mb", result.peak_rss_mb},
                {"seconds", result.seconds},
                {"findings", result.findings},
                {"started", result.started},
                {"interrupted", result.interrupted},
                {"log", result.log.string()}};
    if (result.trial > 0) job["trial"] = result.trial;
    if (result.stability) job["stability"] = *result.stability;
    if (result.seed) job["seed"] = *result.seed;
    if (!result.broken.empty()) {
      job["broken"] = printable(result.broken);
      job["last_words"] = result.last_words;
    }
    if (result.leak_check_off_at > 0) job["leak_check_off_at"] = result.leak_check_off_at;
    if (result.verdict) {
      job["verdict"] = result.verdict->text();
      job["executions_to_finding"] = result.executions_to_finding;
      job["seconds_to_finding"] = result.seconds_to_finding;
    }
    jobs.push_back(job);
  }
  json findings = json::array();
  for (const Finding& finding : campaign.findings()) {
    json entry = to_json(finding.comment);
    entry["detector"] = finding.verdict.detector;
    entry["kind"] = finding.verdict.kind;
    entry["place"] = finding.verdict.place;
    entry["sanitizers"] = finding.sanitizers;
    entry["count"] = finding.count;
    entry["details"] = finding.details;
    entry["report"] = finding.report.string();
    entry["executions"] = finding.executions;
    entry["reproduced"] = finding.reproduced;
    entry["command"] = reproduce_command(project, finding);
    if (!finding.file.empty()) {
      entry["file"] = finding.file.string();
      entry["bytes"] = finding.bytes;
    }
    findings.push_back(entry);
  }
  std::string engine;
  for (const JobResult& job : campaign.results()) engine = engine_name(job.configuration.engine);
  json result = {{"verb", "fuzz"},
                 {"engine", engine},
                 {"jobs", jobs},
                 {"findings", findings},
                 {"stopped", campaign.stopped()},
                 {"exit", code}};
  json trials = json::array();
  std::vector<JobResult> results = campaign.results();
  for (const Group& entry : group(results)) {
    if (entry.jobs.front()->trial == 0) break;
    json summary = {{"target", entry.target},
                    {"sanitizer", entry.sanitizer},
                    {"trials", entry.jobs.size()},
                    {"found", entry.seconds_to_finding.size()}};
    if (!entry.seconds_to_finding.empty()) {
      summary["median_executions"] = median(entry.executions_to_finding);
      summary["median_seconds"] = median(entry.seconds_to_finding);
    }
    trials.push_back(summary);
  }
  if (!trials.empty()) result["trials"] = trials;
  return result;
}

int exit_code(const Campaign& campaign) {
  if (!campaign.findings().empty()) return kFound;
  for (const JobResult& result : campaign.results()) {
    if (!result.broken.empty()) return kEnvironmentAtFault;
  }
  return kNothingFound;
}

}  // namespace tool
