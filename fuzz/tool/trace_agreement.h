// Whether the programs of the corpus have the same trace in every build: what "a crash replays in
// every build" rests on.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct TraceAgreement {
  unsigned programs = 0;
  std::vector<std::string> differing;  // files, as a person would type them
};

// Executes every corpus/<target>/*.fence of the program targets in each of the builds, which must
// be there.
TraceAgreement compare_traces(const Project& project, const std::vector<std::string>& presets,
                              Progress& progress);

}  // namespace tool
