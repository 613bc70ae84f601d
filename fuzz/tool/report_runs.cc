#include "fuzz/tool/report_runs.h"

#include <fmt/format.h>

#include <exception>
#include <set>

#include "fuzz/tool/build.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/trace_run.h"
#include "fuzz/tool/trace_story.h"
#include "fuzz/tool/trace_text.h"

namespace tool {
namespace {

constexpr TextStyle kStyle = {.width = 118, .colour = false, .unicode = true};

RunStory tell(const Project& project, const RunRequest& how) {
  const TracedRun run = execute_traced(project, how.input, how.sanitizers.front(), "");
  const Story story = tell_story(run.log, {.all = false, .verdict = run.verdict()});
  RunStory told = {run.title, run.verdict(), story_text(story, kStyle), ""};
  const std::string remains = remains_text(story, false);
  if (!remains.empty()) told.text += "\n" + remains;
  return told;
}

}  // namespace

std::map<std::string, RunStory> run_reproducers(const Project& project,
                                                const std::vector<Defect>& catalogue,
                                                Progress& progress) {
  std::map<std::string, RunStory> stories;
  std::map<std::string, RunRequest> wanted;
  std::map<std::string, std::vector<std::string>> targets;  // by sanitizer
  for (const Defect& defect : catalogue) {
    if (defect.reproducer.empty()) {
      stories[defect.name].trouble = "there is no reproducer";
      continue;
    }
    try {
      RunRequest how = settle_request(project, defect.reproducer.string(), {});
      targets[how.sanitizers.front()].push_back(
          Project::build_target(how.input.comment.target, how.input.comment.defect));
      wanted.emplace(defect.name, std::move(how));
    } catch (const std::exception& error) {
      stories[defect.name].trouble = error.what();
    }
  }
  for (const auto& [sanitizer, names] : targets) build(project, sanitizer, names, progress);
  size_t done = 0;
  for (const auto& [name, how] : wanted) {
    progress.block({fmt::format("executing reproducers: {} of {}", ++done, wanted.size())});
    try {
      if (interrupted()) throw std::runtime_error("it was interrupted");
      stories[name] = tell(project, how);
    } catch (const std::exception& error) {
      stories[name].trouble = error.what();
    }
  }
  return stories;
}

}  // namespace tool
