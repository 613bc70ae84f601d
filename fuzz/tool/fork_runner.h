// Executes many inputs on one target, fast: in children of one process of the target
// (targets/fork_server.h), or, where that cannot be, in a process each.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/program/reduce.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/finding.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"

namespace tool {

// "fencebench: points 1x35 2x12"; empty if the line is none.
reduce::Points parse_points(std::string_view line);

struct ForkRunnerOptions {
  std::string sanitizer;
  bool leak_check = false;  // LeakSanitizer looks after each input: slower
  bool fork = true;         // false: always a process each, as libFuzzer's own verdicts need it
  // An input that takes longer is ended, without a verdict; of processes of their own libFuzzer
  // says that they take too long.
  unsigned seconds = 10;
};

class ForkRunner {
 public:
  struct Execution {
    Outcome outcome;
    reduce::Points points;  // empty: not known
  };

  // `how`: target, defect and checks. The binary must be there.
  ForkRunner(const Project& project, const FindingComment& how, const ForkRunnerOptions& options);

  ~ForkRunner();
  ForkRunner(const ForkRunner&) = delete;
  ForkRunner& operator=(const ForkRunner&) = delete;

  // EnvironmentError if the target cannot be executed. After Ctrl-C: an outcome that was stopped.
  Execution execute(const std::vector<uint8_t>& input);

  // Whether inputs are executed by forking: known after the first one.
  bool forks() const { return running_; }

 private:
  Command command() const;
  bool start_server();
  void stop_server();
  void close_requests();
  bool wait_for_server(std::chrono::seconds limit);
  void server_line(std::string_view line);
  bool execute_forked(const std::vector<uint8_t>& input, Execution& execution);
  Execution execute_alone(const std::vector<uint8_t>& input);
  void line(std::string_view line);
  Execution finished(const Exit& exit);

  const Project& project_;
  FindingComment how_;
  ForkRunnerOptions options_;
  ScratchFolder scratch_;
  fs::path file_;
  int requests_ = -1;  // the FIFO

  // Of the input that is being executed.
  LibFuzzerLog log_;
  reduce::Points points_;

  bool running_ = false;  // the server is there
  bool ready_ = false;    // and has said that it waits for an input, or what came of the last one
  Exit child_exit_;
  Supervisor supervisor_;
};

}  // namespace tool
