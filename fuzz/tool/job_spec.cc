#include "fuzz/tool/job_spec.h"

#include <algorithm>
#include <map>
#include <set>

#include "fuzz/tool/build.h"
#include "fuzz/tool/nearest.h"

namespace tool {
namespace {

constexpr uint64_t kDefaultTrialSeed = 1;

}  // namespace

const std::vector<Configuration>& configurations() {
  static const std::vector<Configuration> kAll = {
      {.name = "fencebench", .meaning = "libFuzzer with our mutator; the schedule is in the input"},
      {.name = "bytes",
       .meaning = "libFuzzer's own mutation of bytes; the schedule is in the input",
       .target_options = "mutator=bytes"},
      {.name = "random",
       .meaning = "our mutator, under a random schedule for each input",
       .target_options = "schedule=random",
       .replays = false},
      {.name = "pct",
       .meaning = "our mutator, under a PCT schedule (depth 3) for each input",
       .target_options = "schedule=pct-3",
       .replays = false},
      {.name = "afl", .meaning = "AFL++ with our mutator", .engine = Engine::kAfl},
  };
  return kAll;
}

std::vector<std::string> configuration_names() {
  std::vector<std::string> names;
  for (const Configuration& configuration : configurations()) names.push_back(configuration.name);
  return names;
}

const Configuration& configuration_of(std::string_view name) {
  require_known("configuration", std::string(name), configuration_names());
  return *std::find_if(configurations().begin(), configurations().end(),
                       [&](const Configuration& known) { return known.name == name; });
}

const Configuration& configuration_of(Engine engine) {
  return configuration_of(engine == Engine::kAfl ? "afl" : "fencebench");
}

std::vector<JobSpec> job_specs(const JobMatrix& matrix) {
  std::vector<JobSpec> specs;
  for (const std::string& defect : matrix.defects) {
    for (const std::string& target : matrix.targets) {
      for (const std::string& sanitizer : matrix.sanitizers) {
        for (const Configuration& configuration : matrix.configurations) {
          JobSpec spec{.target = target,
                       .sanitizer = sanitizer,
                       .defect = defect,
                       .configuration = configuration,
                       .seed = matrix.seed};
          if (matrix.trials == 0) specs.push_back(spec);
          for (uint64_t trial = 1; trial <= matrix.trials; trial++) {
            spec.trial = trial;
            spec.seed = matrix.seed.value_or(kDefaultTrialSeed) + trial - 1;
            specs.push_back(spec);
          }
        }
      }
    }
  }
  return specs;
}

void build_jobs(const Project& project, const std::vector<JobSpec>& specs, Progress& progress) {
  std::map<std::string, std::set<std::string>> presets;
  for (const JobSpec& spec : specs) {
    const Engine engine = spec.configuration.engine;
    presets[engine_preset(engine, spec.sanitizer)].insert(
        Project::build_target(spec.target, spec.defect));
    for (const EngineExtra& extra : engine_extras(engine, spec.target))
      presets[extra.preset].insert(extra.target);
  }
  for (const auto& [preset, targets] : presets)
    build(project, preset, {targets.begin(), targets.end()}, progress);
}

}  // namespace tool
