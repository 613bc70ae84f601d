#include "fuzz/tool/replay.h"

#include <fmt/format.h>

#include <cstring>

#include "fuzz/tool/build.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/options_file.h"

namespace tool {

std::map<std::string, std::optional<std::string>> target_environment(const Project& project,
                                                                     const RunOptions& options) {
  std::vector<std::string> extra;
  std::string symbolizer = cache_variable(project, options.sanitizer, "FENCEBENCH_SYMBOLIZER");
  if (!symbolizer.empty()) extra.push_back("external_symbolizer_path=" + symbolizer);
  if (!options.symbolize) extra.emplace_back("symbolize=0");
  auto environment = sanitizer_environment(project.root() / "sanitizers", extra);
  std::string own = "checks=" + options.checks;
  if (options.trace) own += ":trace_hash=1";
  if (!options.target_options.empty()) own += ":" + options.target_options;
  if (!options.canary.empty()) own += ":canary=" + options.canary.string();
  environment["FENCEBENCH_OPTIONS"] = own;
  return environment;
}

Command replay_command(const Project& project, const std::filesystem::path& binary,
                       const std::filesystem::path& input, const RunOptions& options) {
  Command command;
  command.argv = {binary.string(), fmt::format("-timeout={}", kTimeoutSeconds),
                  fmt::format("-rss_limit_mb={}", options.memory_mb), input.string()};
  command.env = target_environment(project, options);
  // libFuzzer ends an execution that hangs; this is for one that hangs where libFuzzer cannot see.
  command.deadline = std::chrono::seconds(kTimeoutSeconds * 2 + 60);
  return command;
}

kernel::CanaryCounts read_canary(const std::filesystem::path& path) {
  kernel::CanaryCounts counts{};
  std::error_code error;
  if (fs::file_size(path, error) != sizeof counts || error) return counts;
  const std::string bytes = read_file(path);
  std::memcpy(&counts, bytes.data(), sizeof counts);
  return counts;
}

std::string Outcome::text() const {
  if (verdict) return verdict->text();
  return exit.clean() ? "clean" : "no report, " + exit.describe();
}

Outcome outcome_of(const LibFuzzerLog& log, const Exit& exit, const Project& project) {
  Outcome outcome;
  outcome.exit = exit;
  outcome.verdict = judge(log.report(), project.root());
  outcome.traces = log.traces();
  outcome.report = log.report();
  outcome.tail.assign(log.tail().begin(), log.tail().end());
  return outcome;
}

}  // namespace tool
