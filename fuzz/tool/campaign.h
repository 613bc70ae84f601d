// Fuzzing: jobs side by side, with what they found.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/kernel/canary.h"
#include "fuzz/tool/engine.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/finding.h"
#include "fuzz/tool/job_spec.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"
#include "fuzz/tool/verdict.h"

namespace tool {

struct CampaignOptions {
  std::vector<JobSpec> specs;
  std::optional<uint64_t> seconds;  // per job
  std::optional<uint64_t> runs;     // per job
  unsigned jobs = 1;                // at a time
  bool seeds = true;                // start from corpus/<target> and the stored corpus
  std::string checks = "all";
  std::filesystem::path out;
  bool keep_going = false;  // after a finding a job starts again for the rest of its time
  // Once a job has found a defect, no other of the same defect starts.
  bool once_each = false;
};

// What one job came to. Sums over its restarts with keep_going.
struct JobResult : JobSpec {
  uint64_t executions = 0;
  uint64_t edges = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;
  uint64_t peak_rss_mb = 0;
  uint64_t leak_check_off_at = 0;   // executions; 0: it stayed on
  std::optional<double> stability;  // percent; the lowest of its starts; nothing: not told
  double seconds = 0;
  kernel::CanaryCounts canary{};  // of a defect
  bool started = false;
  bool interrupted = false;
  std::string broken;                   // why it ended early without a finding; empty if it did not
  std::vector<std::string> last_words;  // the end of its output, if it is broken
  std::filesystem::path log;
  // The first finding, if there is one.
  std::optional<Verdict> verdict;
  uint64_t executions_to_finding = 0;
  double seconds_to_finding = 0;
  uint64_t findings = 0;  // how often it ended in one
  std::string signature;  // of the first

  double executions_per_second() const;
};

// One distinct bug.
struct Finding {
  FindingComment comment;
  Verdict verdict;
  std::set<std::string> sanitizers;
  uint64_t count = 1;
  std::filesystem::path file;  // empty: there is no input (it happened at start or exit)
  std::filesystem::path report;
  size_t bytes = 0;         // of the input
  uint64_t executions = 0;  // until the first time
  double seconds = 0;
  std::vector<std::string> details;  // what our own report says of it, without its stack
  std::string again;                 // what came of executing the stored file once more
  bool reproduced = false;
};

class Campaign {
 public:
  Campaign(const Project& project, CampaignOptions options, Progress& progress);
  ~Campaign();

  // Called when a job is over, in the order in which they end.
  std::function<void(const JobResult&)> on_job_end;

  // The binaries must be there. Returns when all jobs are over or a signal has stopped them.
  void run();

  std::vector<JobResult> results() const;
  const std::vector<Finding>& findings() const { return findings_; }
  bool stopped() const { return stopped_; }

 private:
  struct Job;

  void take_leftovers();
  void assemble_seeds();
  void start(Job& job);
  bool is_superfluous(const Job& job) const;
  void choose_corpora(Job& job);
  void start_child(Job& job);
  EngineStart engine_start(const Job& job) const;
  void on_line(Job& job, std::string_view line);
  void on_exit(Job& job, const Exit& exit);
  void say_broken(Job& job, const Exit& exit);
  bool may_go_on(const Job& job) const;
  void next_suspect(Job& job);
  void examine(Job& job, Suspect suspect);
  void judge_suspect(Job& job, const Suspect& suspect);
  void collect(Job& job, const Verdict& verdict, const Suspect& suspect);
  void confirm(Job& job, size_t index, const Suspect& suspect);
  void run_again(Job& job, const std::filesystem::path& input,
                 std::function<void(const Exit&)> on_exit);
  // `content`: nothing if there is no input.
  void store_files(Finding& finding, const std::optional<std::string>& content,
                   const std::vector<std::string>& report);
  void end(Job& job);
  void poll();
  void draw();
  std::vector<std::string> progress_lines() const;

  Project project_;
  CampaignOptions options_;
  Progress& progress_;
  std::string commit_;  // that the binaries were built from
  ScratchFolder scratch_;
  std::vector<std::unique_ptr<Job>> jobs_;
  std::vector<Finding> findings_;
  std::chrono::steady_clock::time_point started_;
  bool stopped_ = false;
  Supervisor supervisor_;  // last: children die before what their callbacks use
};

}  // namespace tool
