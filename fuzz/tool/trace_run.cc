#include "fuzz/tool/trace_run.h"

#include <fmt/format.h>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/strings.h"

namespace tool {

namespace {

// The name of the file, beside the input; no path, because a path may hold the ':' that separates
// options.
constexpr char kTraceFile[] = "trace";

Outcome execute(const Project& project, const Command& command) {
  LibFuzzerLog log;
  Outcome outcome;
  Supervisor supervisor;
  bool stopped = false;
  try {
    supervisor.start(
        command, [&log](std::string_view line) { log.line(line); },
        [&](const Exit& exit) {
          stopped = exit.stopped;
          outcome = outcome_of(log, exit, project);
        });
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
  supervisor.finish(std::chrono::seconds(2));
  if (stopped) throw EnvironmentError("interrupted");
  return outcome;
}

}  // namespace

TracedRun run_traced(const Project& project, const Input& input, const std::string& sanitizer,
                     const std::string& schedule, Progress& progress) {
  const FindingComment& how = input.comment;
  build(project, sanitizer, {Project::build_target(how.target, how.defect)}, progress);
  return execute_traced(project, input, sanitizer, schedule);
}

TracedRun execute_traced(const Project& project, const Input& input, const std::string& sanitizer,
                         const std::string& schedule) {
  const FindingComment& how = input.comment;
  const ScratchFolder scratch(fs::temp_directory_path());
  const fs::path file = scratch.path() / "input";
  write_file(file, {reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
  Command command = replay_command(project, project.binary(sanitizer, how.target, how.defect), file,
                                   {.sanitizer = sanitizer, .checks = how.checks, .trace = true});
  std::string& options =
      command.env["FENCEBENCH_OPTIONS"].emplace(command.env["FENCEBENCH_OPTIONS"].value_or(""));
  options += fmt::format(":trace={}", kTraceFile);
  if (!schedule.empty()) options += ":schedule=" + schedule;
  command.cwd = scratch.path();

  TracedRun run;
  run.title = fmt::format("{}: {} under {}{}, checks={}",
                          printable(Project::shown(fs::absolute(input.path))), how.target,
                          sanitizer, how.defect.empty() ? "" : " with " + how.defect, how.checks);
  run.outcome = execute(project, command);
  constexpr int kRefused = 2;  // the target makes no sense of its options
  if (run.outcome.exit.code == kRefused && !schedule.empty()) {
    throw UsageError(fmt::format("--schedule is '{}'; it must be random-SEED or pct-DEPTH-SEED",
                                 printable(schedule)));
  }
  std::error_code ignored;
  if (!fs::exists(scratch.path() / kTraceFile, ignored)) {
    throw EnvironmentError(fmt::format("{} writes no trace of what it does", how.target));
  }
  run.log = parse_trace(read_file(scratch.path() / kTraceFile));
  return run;
}

}  // namespace tool
