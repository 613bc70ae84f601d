// The runs of the reproducers, told as text for the report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/report_page.h"
#include "fuzz/tool/terminal.h"

namespace tool {

// Builds what the reproducers ask for and executes each once. What does not work is said in its
// place.
std::map<std::string, RunStory> run_reproducers(const Project& project,
                                                const std::vector<Defect>& catalogue,
                                                Progress& progress);

}  // namespace tool
