// What the jobs of a campaign run: which target, on which core, and where its inputs and schedules
// come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/engine.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

// A way to fuzz. All but the first are there to be compared with it.
struct Configuration {
  std::string name;     // as on the command line
  std::string meaning;  // for people
  Engine engine = Engine::kLibFuzzer;
  std::string target_options{};  // of FENCEBENCH_OPTIONS, besides the usual ones
  bool replays = true;           // an input repeats what it did without these options

  bool operator==(const Configuration&) const = default;
};

// The first is our own way, with libFuzzer.
const std::vector<Configuration>& configurations();
std::vector<std::string> configuration_names();
// UsageError if there is none of that name.
const Configuration& configuration_of(std::string_view name);
// Our own way, with that engine.
const Configuration& configuration_of(Engine engine);

struct JobSpec {
  std::string target;
  std::string sanitizer;
  std::string defect;   // empty: the plain core
  std::string label{};  // what a person calls that core; empty: as the defect
  Configuration configuration;
  uint64_t trial = 0;              // from 1: on a corpus of its own; 0: on the stored one
  std::optional<uint64_t> seed{};  // of its first start
};

// Everything in combination with everything, in this order of importance: the trials of one
// combination follow each other.
struct JobMatrix {
  std::vector<std::string> defects = {""};
  std::vector<std::string> targets;
  std::vector<std::string> sanitizers;
  std::vector<Configuration> configurations = {configuration_of(Engine::kLibFuzzer)};
  uint64_t trials = 0;             // 0: one job each on the stored corpus
  std::optional<uint64_t> seed{};  // of the first trial; the others count up from it
};
std::vector<JobSpec> job_specs(const JobMatrix& matrix);

// Builds what the jobs execute.
void build_jobs(const Project& project, const std::vector<JobSpec>& specs, Progress& progress);

}  // namespace tool
