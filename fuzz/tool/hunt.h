// A hunt: how fast defects are found, trial by trial. Each trial is a job of a campaign with a seed
// and a corpus of its own, and a line in a file of results; what the file has is not done again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/campaign.h"
#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/hunt_results.h"

namespace tool {

// A core to hunt on, and where.
struct Quarry {
  std::string defect;  // of the catalogue, or a patched core; empty: the correct core
  std::string label;   // in the results
  std::vector<std::string> targets;
  std::vector<std::string> sanitizers;
};

struct HuntOptions {
  std::vector<Quarry> quarries;
  std::vector<Configuration> configurations;
  uint64_t trials = 10;
  uint64_t seed = 1;
  std::optional<uint64_t> seconds;  // of a trial
  std::optional<uint64_t> runs;     // likewise
  unsigned jobs = 1;                // at a time
  bool seeds = false;               // start from corpus/<target>; else from nothing
  bool once_each = false;           // a quarry that was found is not hunted again
  std::string checks = "all";
  std::filesystem::path out;  // results.jsonl, findings, logs
};

// Where the results of `out` are.
std::filesystem::path results_file(const std::filesystem::path& out);

// The trials of the same core, target, build and configuration.
struct TrialGroup {
  std::string defect;
  std::string target;
  std::string build;
  std::string configuration;
  auto operator<=>(const TrialGroup&) const = default;
};
TrialGroup group_of(const Trial& trial);

class Hunt {
 public:
  // Reads the results there are. UsageError if they are of another commit: measurements of two
  // cores do not mix.
  Hunt(const Project& project, const HuntOptions& options, Progress& progress);

  // Called when the last trial of a group is over.
  std::function<void(const TrialGroup&, const std::vector<Trial>&)> on_group_end;

  // What is not done yet.
  const std::vector<JobSpec>& waiting() const { return waiting_; }
  // Builds what is needed and does it. A core that does not build is told, by name, in broken().
  void run();

  // All trials that belong to this hunt, those of earlier runs first.
  const std::vector<Trial>& trials() const { return trials_; }
  size_t taken_over() const { return taken_over_; }
  const std::map<std::string, std::string>& broken() const { return broken_; }
  // Of this run.
  const std::vector<Finding>& findings() const { return findings_; }
  bool stopped() const { return stopped_; }
  // The variant that a trial ran on; empty: the core as it is.
  std::string core_of(const Trial& trial) const;
  // The file of a trial's finding as a person would type it; empty if there is none.
  std::string finding_of(const Trial& trial) const;

 private:
  Trial trial_of(const JobSpec& spec) const;
  void build_what_can_be();
  void over(const JobResult& result, const Campaign& campaign);

  Project project_;
  HuntOptions options_;
  Progress& progress_;
  HuntLog log_;
  HuntRun run_;
  std::vector<JobSpec> waiting_;
  std::vector<Trial> trials_;
  size_t taken_over_ = 0;
  std::map<TrialGroup, size_t> open_;  // trials that are still to come
  std::map<std::string, std::string> broken_;
  std::vector<Finding> findings_;
  bool stopped_ = false;
};

}  // namespace tool
