#include "fuzz/tool/run_request.h"

#include <fmt/format.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {

void add_run_flags(CLI::App& app, RunFlags& flags) {
  app.add_option("--target", flags.target, "The target that the input is for")->type_name("NAME");
  add_list(app, "--sanitizer", flags.sanitizers,
           "asan, tsan, msan, release: which builds execute it (default: as found, else asan)");
  app.add_option("--defect", flags.defect,
                 "Execute it on the core with this bug; 'none': without any")
      ->type_name("NAME");
  app.add_option("--patch", flags.patch,
                 "Execute it on the core with this change; with --defect: on top of that bug")
      ->type_name("FILE");
  app.add_option("--checks", flags.checks, "all, or none: our own checkers off")
      ->type_name("WHICH");
}

namespace {

// A finding may have been made on a core that somebody's patch had changed.
void settle_core(const Project& project, const std::string& file, const RunFlags& flags,
                 std::string& defect, ActivePatches& patches) {
  if (flags.patch) {
    // Of the finding, or on top of the bug that was asked for.
    const std::string base = is_patched_core(defect) ? "" : defect;
    if (!base.empty()) require_known("defect", base, project.defects());
    defect = patches.add_file(base, *flags.patch);
  } else if (is_patched_core(defect)) {
    if (patches.add_kept(defect)) return;
    throw UsageError(fmt::format(
        "'{}' was found on a core that a patch had changed ({}), and that is not kept here; give "
        "the patch with --patch FILE, or --defect none for the core as it is",
        printable(file), printable(defect)));
  } else if (!defect.empty()) {
    require_known("defect", defect, project.defects());
  }
}

}  // namespace

RunRequest settle_request(const Project& project, const std::string& file, const RunFlags& flags) {
  RunRequest request;
  if (flags.target) require_known("target", *flags.target, project.targets());
  request.input = load_input(file, flags.target.value_or(""));
  FindingComment& how = request.input.comment;
  if (how.checks.empty()) how.checks = "all";
  if (flags.checks) how.checks = *flags.checks;
  if (flags.defect) {
    if (*flags.defect != "none") require_known("defect", *flags.defect, project.defects());
    how.defect = *flags.defect == "none" ? "" : *flags.defect;
  }
  request.sanitizers = list_items(flags.sanitizers);
  if (request.sanitizers.empty()) {
    request.sanitizers = {how.sanitizer.empty() ? "asan" : how.sanitizer};
  }
  if (how.target.empty()) {
    throw UsageError(
        fmt::format("'{}' does not say which target it is for; add --target, one of {}",
                    printable(file), join(project.targets(), ", ")));
  }
  require_known("target", how.target, project.targets());
  require_known("value of --checks", how.checks, {"all", "none"});
  request.patches = std::make_shared<ActivePatches>(project);
  settle_core(project, file, flags, how.defect, *request.patches);
  for (const std::string& name : request.sanitizers) require_known("sanitizer", name, sanitizers());
  if (request.input.is_text && text_form::of_file(file) != target_info(how.target).form) {
    throw UsageError(fmt::format("{} takes {}, not what '{}' is", how.target,
                                 text_form::extension(target_info(how.target).form),
                                 printable(file)));
  }
  return request;
}

}  // namespace tool
