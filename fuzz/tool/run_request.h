// How a person asks for an input to be executed: as its '# fencebench:' line says, and flags
// override that. Shared by the verbs that execute inputs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/patch_file.h"
#include "fuzz/tool/project.h"

namespace tool {

struct RunFlags {
  std::optional<std::string> target;
  std::optional<std::string> defect;
  std::optional<std::string> patch;
  std::optional<std::string> checks;
  std::vector<std::string> sanitizers;  // each a list with commas
};

// Adds --target, --sanitizer, --defect, --patch and --checks.
void add_run_flags(CLI::App& app, RunFlags& flags);

struct RunRequest {
  Input input;  // its comment is how to execute it: target and checks are set
  std::vector<std::string> sanitizers;     // at least one
  std::shared_ptr<ActivePatches> patches;  // that its core is built with
};

// Loads `file` and settles how to execute it. UsageError if that is not clear, or names what there
// is not.
RunRequest settle_request(const Project& project, const std::string& file, const RunFlags& flags);

}  // namespace tool
