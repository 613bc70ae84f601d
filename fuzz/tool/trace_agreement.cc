#include "fuzz/tool/trace_agreement.h"

#include <fmt/format.h>

#include "fuzz/tool/files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/target_table.h"

namespace tool {

TraceAgreement compare_traces(const Project& project, const std::vector<std::string>& presets,
                              Progress& progress) {
  TraceAgreement agreement;
  for (const std::string& target : project.targets()) {
    if (!target_info(target).by_default) continue;
    fs::path folder = project.root() / "corpus" / target;
    for (const std::string& name : files_in(folder)) {
      fs::path file = folder / name;
      progress.block({fmt::format("comparing traces of {}", Project::shown(file))});
      Input input = load_input(file, target);
      input.comment.checks = "all";
      Replayer replayer(project, input, {}, progress);
      std::vector<BuildResult> builds;
      for (const std::string& preset : presets) builds.push_back(replayer.run(preset));
      ++agreement.inputs;
      if (!judge_builds(builds).same_everywhere)
        agreement.differing.push_back(Project::shown(file));
    }
  }
  progress.clear();
  return agreement;
}

}  // namespace tool
