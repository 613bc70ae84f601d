// One job of a campaign, while it runs. For the campaign's own files.
#pragma once

#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>

#include "fuzz/tool/campaign.h"
#include "fuzz/tool/libfuzzer_log.h"

namespace tool {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Campaign::Job {
  enum class State { kWaiting, kRunning, kConfirming, kOver };
  using Time = std::chrono::steady_clock::time_point;

  JobResult result;
  State state = State::kWaiting;
  fs::path folder;              // of its own, in the scratch folder
  fs::path corpus;              // where what it finds goes
  fs::path inputs;              // where that is written first; empty: in its own folder
  std::vector<fs::path> seeds;  // what it starts from besides
  uint64_t starts = 0;
  std::unique_ptr<EngineRun> run;  // the current or the latest
  std::FILE* log_file = nullptr;
  uint64_t logged = 0;
  Time first_start;
  Time child_start;
  Time last_status;               // when it was last seen to have executed more
  uint64_t known_executions = 0;  // then
  // Of the child that has ended:
  uint64_t executions_before = 0;  // by earlier ones
  double seconds_before = 0;       // likewise
  double child_seconds = 0;
  std::deque<Suspect> suspects;  // still to be looked at
  LibFuzzerLog again;            // what an execution of one of them printed

  fs::path start_folder() const { return folder / ("start-" + std::to_string(starts)); }

  ~Job() {
    if (log_file != nullptr) std::fclose(log_file);
  }
};

}  // namespace tool
