// A campaign's job under AFL++: afl-fuzz, which drives a target of an afl-* build and mutates with
// our mutator (fuzz/targets/afl_mutator.cc).
#pragma once

#include <chrono>
#include <set>

#include "fuzz/tool/afl_files.h"
#include "fuzz/tool/engine.h"

namespace tool {

// The program afl-fuzz, from AFL_PATH or PATH. EnvironmentError, with what to install, if there is
// none.
std::filesystem::path find_afl();

// The library with the mutator for inputs of that target, which the release build makes; empty:
// AFL++'s own mutations.
std::string afl_mutator(std::string_view target);

class AflRun : public EngineRun {
 public:
  explicit AflRun(const EngineStart& start) : start_(start) {}

  Command command() override;
  void line(std::string_view text) override;
  void poll() override;
  int stop_signal() const override;
  void ended(const Exit& exit) override;
  EngineStatus status() const override;
  std::vector<Suspect> suspects() const override;
  const std::deque<std::string>& tail() const override { return tail_; }
  Command replay(const std::filesystem::path& input) const override;

 private:
  std::filesystem::path output() const { return start_.folder / "out" / "default"; }
  std::filesystem::path binary() const;
  void read_queue(bool all);
  void read_dry_run(std::string_view text);

  EngineStart start_;
  AflStats stats_;
  std::set<uint64_t> imported_;  // ids in the queue
  uint64_t queued_ = 0;          // files in it
  uint64_t last_found_ = 0;      // executions until the latest of them
  std::chrono::steady_clock::time_point polled_;
  std::string tried_;             // the input that it tries before it fuzzes
  std::vector<Suspect> refused_;  // of those, what it would not start from
  std::deque<std::string> tail_;
  bool fuzzing_ = false;
  bool finished_ = false;
};

}  // namespace tool
