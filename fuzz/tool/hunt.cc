#include "fuzz/tool/hunt.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// Two trials of the same key are the same measurement.
auto key_of(const Trial& trial) {
  return std::tuple(trial.defect, trial.target, trial.build, trial.configuration, trial.corpus,
                    trial.trial, trial.seed, trial.bound_seconds, trial.bound_executions);
}
using Key = decltype(key_of(Trial{}));

fs::path ready(const fs::path& out) {
  make_output_folder(out);
  return results_file(out);
}

}  // namespace

fs::path results_file(const fs::path& out) { return out / "results.jsonl"; }

TrialGroup group_of(const Trial& trial) {
  return {trial.defect, trial.target, trial.build, trial.configuration};
}

Hunt::Hunt(const Project& project, const HuntOptions& options, Progress& progress)
    : project_(project), options_(options), progress_(progress), log_(ready(options.out)) {
  run_ = {.commit = revision_of(project.root()).text(),
          .date = utc_now(),
          .cores = cores(),
          .bound_seconds = static_cast<double>(options.seconds.value_or(0)),
          .bound_executions = options.runs.value_or(0),
          .jobs = options.jobs};
  for (const HuntRun& before : log_.before().runs) {
    if (before.commit == run_.commit) continue;
    throw UsageError(fmt::format(
        "'{}' holds results of {}, and this is {}: measurements of two cores do not mix. Give "
        "another folder with --out, or move that one away",
        printable(Project::shown(results_file(options.out))), printable(before.commit),
        run_.commit));
  }
  std::map<Key, const Trial*> known;
  std::set<std::string> found;
  for (const Trial& trial : log_.before().trials) {
    if (!trial.error.empty()) continue;
    known[key_of(trial)] = &trial;
  }
  for (const Quarry& quarry : options.quarries) {
    const JobMatrix matrix{.defects = {quarry.defect},
                           .targets = quarry.targets,
                           .sanitizers = quarry.sanitizers,
                           .configurations = options.configurations,
                           .trials = options.trials,
                           .seed = options.seed};
    for (JobSpec spec : job_specs(matrix)) {
      spec.label = quarry.label;
      const auto before = known.find(key_of(trial_of(spec)));
      if (before == known.end()) {
        waiting_.push_back(spec);
        continue;
      }
      trials_.push_back(*before->second);
      if (before->second->detected) found.insert(spec.label);
    }
  }
  taken_over_ = trials_.size();
  if (options.once_each)
    std::erase_if(waiting_, [&](const JobSpec& spec) { return found.contains(spec.label); });
  for (const JobSpec& spec : waiting_) open_[group_of(trial_of(spec))]++;
}

// What is known of a trial before it begins.
Trial Hunt::trial_of(const JobSpec& spec) const {
  return {.defect = spec.label,
          .target = spec.target,
          .build = spec.sanitizer,
          .configuration = spec.configuration.name,
          .corpus = options_.seeds ? "seeds" : "empty",
          .trial = spec.trial,
          .seed = spec.seed.value_or(0),
          .bound_seconds = static_cast<double>(options_.seconds.value_or(0)),
          .bound_executions = options_.runs.value_or(0)};
}

std::string Hunt::core_of(const Trial& trial) const {
  for (const Quarry& quarry : options_.quarries)
    if (quarry.label == trial.defect) return quarry.defect;
  return "";
}

std::string Hunt::finding_of(const Trial& trial) const {
  return trial.finding.empty() ? "" : Project::shown(options_.out / trial.finding);
}

// All at once; if that fails, one core after the other, to know which.
void Hunt::build_what_can_be() {
  try {
    return build_jobs(project_, waiting_, progress_);
  } catch (const EnvironmentError&) {
    if (interrupted()) throw;
  }
  std::map<std::string, std::vector<JobSpec>> cores_to_build;
  for (const JobSpec& spec : waiting_) cores_to_build[spec.label].push_back(spec);
  for (const auto& [label, specs] : cores_to_build) {
    try {
      build_jobs(project_, specs, progress_);
    } catch (const EnvironmentError& error) {
      if (interrupted() || specs.front().defect.empty()) throw;
      broken_[label] = error.what();
    }
  }
  std::erase_if(waiting_, [&](const JobSpec& spec) { return broken_.contains(spec.label); });
}

void Hunt::run() {
  if (waiting_.empty()) return;
  build_what_can_be();
  log_.append(to_json(run_));
  CampaignOptions campaign_options{.specs = waiting_,
                                   .seconds = options_.seconds,
                                   .runs = options_.runs,
                                   .jobs = options_.jobs,
                                   .seeds = options_.seeds,
                                   .checks = options_.checks,
                                   .out = options_.out,
                                   .once_each = options_.once_each};
  Campaign campaign(project_, campaign_options, progress_);
  campaign.on_job_end = [&](const JobResult& result) { over(result, campaign); };
  campaign.run();
  findings_ = campaign.findings();
  stopped_ = campaign.stopped();
}

void Hunt::over(const JobResult& result, const Campaign& campaign) {
  if (result.interrupted) return;  // it is done again
  Trial trial = trial_of(result);
  trial.detected = result.verdict.has_value();
  trial.executions = trial.detected ? result.executions_to_finding : result.executions;
  trial.seconds = trial.detected ? result.seconds_to_finding : result.seconds;
  trial.reached = result.canary.reached;
  trial.triggered = result.canary.triggered;
  if (result.canary.first_reached > 0) trial.more["reached_after"] = result.canary.first_reached;
  if (result.canary.first_triggered > 0)
    trial.more["triggered_after"] = result.canary.first_triggered;
  if (trial.detected) {
    trial.verdict = result.verdict->text();
    trial.signature = result.signature;
    for (const Finding& finding : campaign.findings()) {
      if (finding.comment.defect == result.defect && finding.comment.target == result.target &&
          finding.comment.signature == result.signature && !finding.file.empty())
        trial.finding = finding.file.lexically_relative(options_.out).string();
    }
  } else {
    trial.error = result.broken;
  }
  log_.append(to_json(trial));
  trials_.push_back(trial);
  const TrialGroup group = group_of(trial);
  if (--open_[group] > 0 || !on_group_end) return;
  std::vector<Trial> of_it;
  for (const Trial& other : trials_)
    if (group_of(other) == group) of_it.push_back(other);
  on_group_end(group, of_it);
}

}  // namespace tool
