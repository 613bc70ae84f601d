// Whether the inputs in the corpus have the same trace in every build: what "a crash replays in
// every build" rests on.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct TraceAgreement {
  unsigned inputs = 0;
  std::vector<std::string> differing;  // files, as a person would type them
};

// Executes all of corpus/<target> on each target that `fuzz` runs by default, in each of the
// builds, which must be there.
TraceAgreement compare_traces(const Project& project, const std::vector<std::string>& presets,
                              Progress& progress);

}  // namespace tool
