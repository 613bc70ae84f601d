#include "fuzz/tool/libfuzzer_run.h"

#include <fmt/format.h>

#include <csignal>

#include "fuzz/tool/files.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/shared_corpus.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

// The file libFuzzer left: crash-*, leak-*, timeout-*, oom-*. A slow-unit-* is no finding.
std::string artifact_in(const fs::path& folder) {
  for (const std::string& name : files_in(folder)) {
    for (std::string_view kind : {"crash-", "leak-", "timeout-", "oom-"}) {
      if (name.starts_with(kind)) return name;
    }
  }
  return "";
}

}  // namespace

fs::path LibFuzzerRun::binary() const {
  return start_.project.binary(start_.sanitizer, start_.target, start_.defect);
}

// libFuzzer says nothing when it cannot write an input whole, so it writes beside the corpus.
fs::path LibFuzzerRun::inputs() const {
  return start_.inputs.empty() ? start_.folder / "inputs" : start_.inputs;
}

Command LibFuzzerRun::command() {
  started_ = Clock::now();
  const fs::path artifacts = start_.folder / "artifacts";
  fs::create_directories(artifacts);
  fs::create_directories(start_.corpus);
  fs::create_directories(inputs());
  Command command;
  command.argv = {
      binary().string(),
      "-print_final_stats=1",
      fmt::format("-artifact_prefix={}/", artifacts.string()),
      fmt::format("-timeout={}", kTimeoutSeconds),
      fmt::format("-rss_limit_mb={}", start_.memory_mb),
  };
  if (start_.seconds) {
    command.argv.push_back(fmt::format("-max_total_time={}", *start_.seconds));
    // libFuzzer looks at its clock between executions only.
    command.deadline = std::chrono::seconds(*start_.seconds + 2 * kTimeoutSeconds + 60);
  }
  if (start_.runs) command.argv.push_back(fmt::format("-runs={}", *start_.runs));
  if (start_.seed) command.argv.push_back(fmt::format("-seed={}", *start_.seed));
  command.argv.push_back(inputs().string());
  command.argv.push_back(start_.corpus.string());
  for (const fs::path& folder : start_.seeds) command.argv.push_back(folder.string());
  command.cwd = start_.folder;
  command.env = target_environment(start_.project, {.sanitizer = start_.sanitizer,
                                                    .checks = start_.checks,
                                                    .trace = false,
                                                    .symbolize = true,
                                                    .target_options = start_.target_options,
                                                    .canary = start_.canary});
  return command;
}

void LibFuzzerRun::line(std::string_view text) {
  log_.line(text);
  if (log_.reporting() && !report_after_)
    report_after_ = std::chrono::duration<double>(Clock::now() - started_).count();
}

// libFuzzer ends at SIGUSR1 after the current execution. At SIGINT it ends within the handler,
// where what it does is a finding to ThreadSanitizer.
int LibFuzzerRun::stop_signal() const { return SIGUSR1; }

void LibFuzzerRun::ended(const Exit& exit) {
  stopped_ = exit.stopped;
  cut_off_ = take_inputs(inputs(), start_.corpus).broken;
}

EngineStatus LibFuzzerRun::status() const {
  return {.executions = log_.executions(),
          .edges = log_.edges(),
          .features = log_.features(),
          .corpus = log_.corpus(),
          .rss_mb = log_.rss_mb(),
          .leak_check_off_at = log_.leak_check_off_at(),
          .cut_off = cut_off_,
          .stability = {},
          .seed = log_.seed(),
          .loaded = log_.loaded(),
          .reporting = log_.reporting(),
          .finished = log_.finished()};
}

std::vector<Suspect> LibFuzzerRun::suspects() const {
  const std::string artifact = artifact_in(start_.folder / "artifacts");
  if (artifact.empty() && !judge(log_.report(), start_.project.root())) return {};
  // What is said only after the request to stop, and has no input, is about the stopping.
  if (artifact.empty() && stopped_ && !reporting_when_stopped_) return {};
  return {{.input = artifact.empty() ? fs::path() : start_.folder / "artifacts" / artifact,
           .kind = artifact.substr(0, artifact.find('-')),
           .report = log_.report(),
           .reported = true,
           .executions = log_.executions(),
           .seconds = report_after_}};
}

Command LibFuzzerRun::replay(const fs::path& input) const {
  return replay_command(start_.project, binary(), input,
                        {.sanitizer = start_.sanitizer,
                         .checks = start_.checks,
                         .trace = true,
                         .symbolize = true,
                         .target_options = start_.target_options});
}

}  // namespace tool
