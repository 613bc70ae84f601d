// The reproducers of the catalogue in every build, with our checkers and without: who sees what.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/hunt_results.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

// Builds what is needed; `jobs` executions at a time. In the order of the catalogue. A defect
// without a reproducer is left out.
std::vector<Replay> replay_reproducers(const Project& project, const std::vector<Defect>& defects,
                                       unsigned jobs, Progress& progress);

}  // namespace tool
