// One input executed many times in several builds, and whether the same happens each time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct ReplayOptions {
  uint64_t times = 1;  // in each build
  unsigned jobs = 1;   // executions at a time
  bool no_aslr = false;
};

// What several executions that do not differ came to.
struct Answer {
  std::string result;  // verdict, "clean", or how the child ended
  std::string place;   // the unsymbolized summary, to tell apart what `result` does not
  Trace trace;
  // libFuzzer executes an input again to look for leaks: both must have the same trace.
  bool two_traces = false;

  bool operator==(const Answer& other) const = default;
  bool operator<(const Answer& other) const;
};
Answer answer_of(const Outcome& outcome);

struct BuildResult {
  std::string sanitizer;
  std::optional<Outcome> first;  // with names in its stacks: the one to show
  std::map<Answer, uint64_t> answers;
  uint64_t executions = 0;
  uint64_t found = 0;
  double seconds = 0;

  void count(const Outcome& outcome);
  // The answer of most executions, and how many gave it. There must be at least one.
  const Answer& usual() const;
  uint64_t agreed() const { return answers.at(usual()); }
  // The result of most executions; with its place, if the one with names came to the same.
  std::string named_result() const;
};

class Replayer {
 public:
  Replayer(const Project& project, const Input& input, const ReplayOptions& options,
           Progress& progress);

  // The binary of that build must be there. EnvironmentError if it cannot be executed.
  BuildResult run(const std::string& sanitizer);

 private:
  Command command(const std::string& sanitizer, bool symbolize) const;
  template <typename Done>
  void execute(const Command& command, Done done);
  void finish(const BuildResult& result);
  void show(const BuildResult& result);

  const Project& project_;
  const Input& input_;
  ReplayOptions options_;
  Progress& progress_;
  ScratchFolder scratch_;
  std::filesystem::path file_;
  Supervisor supervisor_;
};

struct Judgement {
  bool found = false;           // by at least one execution
  bool deterministic = true;    // in each build all executions came to the same
  bool same_everywhere = true;  // builds that came to the same have the same trace
};
Judgement judge_builds(const std::vector<BuildResult>& builds);

}  // namespace tool
