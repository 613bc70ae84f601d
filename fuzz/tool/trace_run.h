// Executes an input once and reads what it did.
#pragma once

#include <string>

#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/terminal.h"
#include "fuzz/tool/trace_log.h"

namespace tool {

struct TracedRun {
  std::string title;  // "corpus/x.fence: userq_fuzzer under asan with NAME, checks=all"
  Outcome outcome;
  TraceLog log;

  // What it came to; empty: nothing was found.
  std::string verdict() const { return outcome.clean() ? "" : outcome.text(); }
};

// The binary must be there. `schedule`: in place of the input's own, as FENCEBENCH_OPTIONS has it;
// empty: the input's. UsageError if the target does not know that; EnvironmentError if the input
// cannot be executed.
TracedRun execute_traced(const Project& project, const Input& input, const std::string& sanitizer,
                         const std::string& schedule);

// Builds first what it needs.
TracedRun run_traced(const Project& project, const Input& input, const std::string& sanitizer,
                     const std::string& schedule, Progress& progress);

}  // namespace tool
