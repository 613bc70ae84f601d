#include "fuzz/tool/hunt_replay.h"

#include <fmt/format.h>

#include <memory>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/replay.h"

namespace tool {
namespace {

struct Execution {
  Replay replay;
  fs::path input;
  fs::path canary;
  LibFuzzerLog log;
  Exit exit;
};

}  // namespace

std::vector<Replay> replay_reproducers(const Project& project, const std::vector<Defect>& defects,
                                       unsigned jobs, Progress& progress) {
  fs::create_directories(project.root() / "build");
  const ScratchFolder scratch(project.root() / "build");
  std::vector<std::unique_ptr<Execution>> executions;
  std::vector<std::string> variants;
  for (const Defect& defect : defects) {
    if (defect.reproducer.empty()) continue;
    const Input input = load_input(defect.reproducer);
    const fs::path file = scratch.path() / defect.name;
    write_file(file, {reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
    variants.push_back(Project::build_target(input.comment.target, defect.name));
    for (const std::string& sanitizer : sanitizers()) {
      for (const char* checks : {"all", "none"}) {
        auto execution = std::make_unique<Execution>();
        execution->replay = {.defect = defect.name,
                             .target = input.comment.target,
                             .build = sanitizer,
                             .checks = checks};
        execution->input = file;
        execution->canary =
            scratch.path() / fmt::format("{}.{}.{}", defect.name, sanitizer, checks);
        executions.push_back(std::move(execution));
      }
    }
  }
  for (const std::string& sanitizer : sanitizers()) build(project, sanitizer, variants, progress);

  Supervisor supervisor;
  size_t next = 0;
  size_t over = 0;
  while (over < executions.size()) {
    while (next < executions.size() && supervisor.running() < jobs) {
      Execution& execution = *executions[next++];
      const Replay& replay = execution.replay;
      Command command = replay_command(
          project, project.binary(replay.build, replay.target, replay.defect), execution.input,
          {.sanitizer = replay.build, .checks = replay.checks, .canary = execution.canary});
      supervisor.start(
          command, [&](std::string_view line) { execution.log.line(line); },
          [&](const Exit& exit) {
            execution.exit = exit;
            over++;
          });
    }
    progress.block({fmt::format("reproducers: {} of {} executions", over, executions.size())});
    supervisor.step(std::chrono::milliseconds(200));
    if (interrupted()) throw EnvironmentError("interrupted");
  }
  progress.clear();

  std::vector<Replay> replays;
  for (const auto& execution : executions) {
    const Outcome outcome = outcome_of(execution->log, execution->exit, project);
    if (!outcome.clean()) execution->replay.verdict = outcome.text();
    const kernel::CanaryCounts counts = read_canary(execution->canary);
    execution->replay.reached = counts.reached;
    execution->replay.triggered = counts.triggered;
    replays.push_back(execution->replay);
  }
  return replays;
}

}  // namespace tool
