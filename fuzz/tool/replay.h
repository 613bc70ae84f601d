// Running a target binary: how it is called, and one input on it from start to end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kernel/canary.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/verdict.h"

namespace tool {

// Limits of one execution: past them libFuzzer reports a finding of its own.
inline constexpr uint64_t kTimeoutSeconds = 25;
inline constexpr unsigned kMemoryLimitMb = 2560;

struct RunOptions {
  std::string sanitizer;                // preset, of which build the binary is
  std::string checks = "all";           // all | none
  bool trace = false;                   // print the trace hash after each execution
  bool symbolize = true;                // names in the sanitizers' stacks: slow
  unsigned memory_mb = kMemoryLimitMb;  // of an execution, in replay_command()
  std::string target_options = {};      // of FENCEBENCH_OPTIONS, besides these
  std::filesystem::path canary = {};    // file of a defect's counts; empty: none
};

// The environment a target binary runs in: sanitizer options, checks, trace.
std::map<std::string, std::optional<std::string>> target_environment(const Project& project,
                                                                     const RunOptions& options);

// The command that executes `input` once.
Command replay_command(const Project& project, const std::filesystem::path& binary,
                       const std::filesystem::path& input, const RunOptions& options);

// The counts in such a file; zeros if there is none.
kernel::CanaryCounts read_canary(const std::filesystem::path& path);

// What came of one execution.
struct Outcome {
  Exit exit;
  std::optional<Verdict> verdict;  // nothing: no report
  std::vector<Trace> traces;       // one for each time the binary executed the input
  std::vector<std::string> report;
  std::vector<std::string> tail;

  bool clean() const { return !verdict && exit.clean(); }
  // The verdict, "clean", or how a child without a report ended.
  std::string text() const;
};
Outcome outcome_of(const LibFuzzerLog& log, const Exit& exit, const Project& project);

}  // namespace tool
