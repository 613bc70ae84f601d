#include "fuzz/tool/trace_agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "fuzz/tool/replayer.h"
#include "fuzz/tool/target_table.h"

namespace tool {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> corpus_programs(const Project& project, const std::string& target) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(project.root() / "corpus" / target, error)) {
    if (entry.path().extension() == ".fence") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TraceAgreement compare_traces(const Project& project, const std::vector<std::string>& presets,
                              Progress& progress) {
  TraceAgreement agreement;
  for (const std::string& target : project.targets()) {
    if (!target_info(target).program) continue;
    for (const fs::path& file : corpus_programs(project, target)) {
      progress.block({fmt::format("comparing traces of {}", Project::shown(file))});
      Input input = load_input(file);
      input.comment.target = target;
      input.comment.checks = "all";
      Replayer replayer(project, input, {}, progress);
      std::vector<BuildResult> builds;
      for (const std::string& preset : presets) builds.push_back(replayer.run(preset));
      ++agreement.programs;
      if (!judge_builds(builds).same_everywhere)
        agreement.differing.push_back(Project::shown(file));
    }
  }
  progress.clear();
  return agreement;
}

}  // namespace tool
