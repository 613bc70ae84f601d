// Continuous fuzzing: all targets in turn, in several processes, from one shared corpus that is
// kept small, with new bugs minimized and filed once each. Everything it knows is on disk
// (store.h), so it goes on where it stood, whatever ended it.
//
// It follows the checkout: when the sources change it builds anew, looks which bugs are still
// there, and goes on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fuzz/tool/continuous_status.h"
#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct ContinuousOptions {
  std::vector<std::string> targets;
  std::vector<std::string> sanitizers;
  std::map<std::string, double> weights;  // of targets and of sanitizers; 1 if there is none
  unsigned jobs = 1;                      // processes at a time
  double slice_seconds = 60;
  std::optional<double> seconds;   // in all; nothing: until it is stopped
  std::optional<uint64_t> slices;  // likewise
  uint64_t disk_mb = 2048;
  unsigned memory_mb = 2560;
  uint64_t seed = 1;
  fs::path store;
  // What stands for this command where a task runs another verb of it: this program itself, also
  // when it was built anew since it started.
  std::string self = "/proc/self/exe";
};

// What a job may do next, for next_job().
struct Candidate {
  double turn = 0;   // what it has had: seconds, each divided by its weight
  double slice = 0;  // what its next slice will add
  bool may_run = true;
};

// The one whose turn will be the lowest after its next slice: in the long run each gets its share,
// and what weighs most comes first. The first of equal ones; nothing if none may run.
std::optional<size_t> next_job(const std::vector<Candidate>& candidates);

class Continuous {
 public:
  // The folder of the store must be there. EnvironmentError if another process works on it.
  Continuous(const Project& project, const ContinuousOptions& options, Progress& progress);
  ~Continuous();

  // Returns when the time is up or a signal has asked for it: kFound if a bug is open. What was
  // under way then is taken over. EnvironmentError if the sources do not build at the start.
  int run();

  // How it stands, in one line.
  const std::string& status() const { return status_line_; }

 private:
  struct Place;
  enum class Result { kDone, kFailed, kNoSpace };
  struct Backoff {
    unsigned failures = 0;
    Seconds of = 0;  // when the last failed slice ended
    Clock::time_point until;
  };

  void prepare();
  void recover();
  void tidy_corpus();

  bool build_all();
  void after_build();
  void look_at_sources();

  bool worked_on(const std::string& object) const;
  std::unique_ptr<Task> next_task(Place& place);
  std::unique_ptr<Task> next_pruning();
  std::unique_ptr<Task> next_fuzzing(Place& place);
  bool ours(const JobKey& key) const;
  bool held_back(const JobRecord& job);
  double weight(const JobKey& key) const;

  void fill_places();
  void go_on(Place& place);
  void finish_places();
  void stop_processes();
  bool all_idle() const;
  bool nothing_left();
  template <typename Body>
  Result guarded(const std::string& what, Body body);

  void pause(const std::string& why);
  void look_at_disk();

  double since_start() const;
  LiveStatus live(bool running) const;
  void write_status(bool running);
  void draw();

  const Project& project_;
  ContinuousOptions options_;
  Progress& progress_;
  StoreFolder folder_;
  StoreLock lock_;
  Store store_;
  ContinuousContext context_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<Bug> to_retest_;
  std::set<int64_t> tried_;  // of what is waiting to be filed, with this build
  std::map<JobKey, Backoff> backoff_;
  std::map<std::string, size_t> pruned_to_;  // inputs left by the last pruning, by target
  std::string built_stamp_;                  // of the sources that the binaries are from
  std::string broken_stamp_;                 // of sources that do not build
  std::string changed_stamp_;                // of the sources at the last look
  bool rebuild_ = false;                     // as soon as everything has come to its end
  std::string paused_;                       // why nothing is started now; empty: it is
  std::string status_line_;
  bool stopping_ = false;
  bool over_disk_ = false;
  uint64_t disk_bytes_ = 0;
  uint64_t slices_ = 0;
  Clock::time_point started_;
  Clock::time_point next_start_;
  Clock::time_point next_look_;
  Clock::time_point next_disk_;
  Clock::time_point next_status_;
  Supervisor supervisor_;  // last: children die before what their callbacks use
};

}  // namespace tool
