// Builds what a verb needs, by CMake preset, and shows one line while it does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

// How far a line of ninja's output says the build is: "[12/345] Building x.cc".
struct BuildStep {
  unsigned done = 0;
  unsigned all = 0;
  std::string what;
};
// all == 0 if the line says nothing of the kind.
BuildStep parse_build_step(std::string_view line);

// Configures build/PRESET if that has not happened yet (or happened with another compiler than
// FENCEBENCH_CXX names), and builds `targets` in it; no targets: everything. All output goes to
// build/PRESET/build.log. On failure the end of it goes to stderr and EnvironmentError names the
// rest. Two commands at once wait for each other. With FENCEBENCH_BUILT in the environment nothing
// is built: whoever started this command has done it, and goes on with just these binaries.
void build(const Project& project, std::string_view preset, const std::vector<std::string>& targets,
           Progress& progress);

// A variable of the CMake cache of build/PRESET, or empty.
std::string cache_variable(const Project& project, std::string_view preset, std::string_view name);

// Cores that this process may use.
unsigned cores();

}  // namespace tool
