#include "fuzz/tool/quarries.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

const std::string kUsualBuild = "asan";

// The targets that a defect's reproducer and its verdict are for.
Quarry catalogued(const Defect& defect) {
  const FindingComment& expected = defect.expected;
  return {.defect = defect.name,
          .label = defect.name,
          .targets = {expected.target.empty() ? std::string(kMainTarget) : expected.target},
          .sanitizers = {expected.sanitizer.empty() ? kUsualBuild : expected.sanitizer}};
}

// Those that drive most of what the patch changes come first.
std::vector<std::string> preferred_targets(std::string_view diff) {
  if (diff.find("+++ b/core/dma/") != std::string_view::npos)
    return {"dma_fence_fuzzer", "syncobj_fuzzer", "userq_fuzzer", "ioctl_fuzzer"};
  if (diff.find("+++ b/core/drm/") != std::string_view::npos)
    return {"syncobj_fuzzer", "userq_fuzzer", "ioctl_fuzzer"};
  return {"userq_fuzzer", "ioctl_fuzzer", "allocator_fuzzer"};
}

// What the build can make (cmake/Defects.cmake).
std::set<std::string> variants(const Project& project, Progress& progress) {
  build(project, kUsualBuild, {"variants"}, progress);
  const std::vector<std::string> lines =
      split(read_file(project.build_folder(kUsualBuild) / "variants.txt"), '\n');
  return {lines.begin(), lines.end()};
}

void fill_in(std::vector<std::string>& list, const std::vector<std::string>& given) {
  if (!given.empty()) list = given;
}

}  // namespace

std::vector<fs::path> patches_in(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw UsageError(fmt::format("'{}' is no folder; --patches takes one with *.patch in it",
                                 printable(folder.string())));
  }
  std::vector<fs::path> patches;
  for (const std::string& name : files_in(folder)) {
    if (name.ends_with(".patch") || name.ends_with(".diff")) patches.push_back(folder / name);
  }
  if (patches.empty()) {
    throw UsageError(
        fmt::format("there is no *.patch in the folder '{}'", printable(folder.string())));
  }
  return patches;
}

std::vector<Quarry> quarries_of(const Project& project, const std::vector<Defect>& catalogue,
                                const QuarryRequest& request, ActivePatches& active,
                                Progress& progress) {
  std::vector<Quarry> quarries;
  std::set<std::string> targets;
  std::set<std::string> builds;
  std::vector<std::string> known = {std::string(kCorrectCore)};
  for (const Defect& defect : catalogue) known.push_back(defect.name);
  bool correct = false;
  for (const std::string& name : request.defects) {
    require_known("defect", name, known);
    if (name == kCorrectCore) {
      correct = true;
      continue;
    }
    Quarry quarry = catalogued(*find_defect(catalogue, name));
    fill_in(quarry.targets, request.targets);
    fill_in(quarry.sanitizers, request.sanitizers);
    targets.insert(quarry.targets.begin(), quarry.targets.end());
    builds.insert(quarry.sanitizers.begin(), quarry.sanitizers.end());
    quarries.push_back(quarry);
  }
  if (!request.patches.empty()) {
    if (quarries.size() > 1)
      throw UsageError("patches are tried on the core or on one defect, not on several");
    const std::string base = quarries.empty() ? "" : quarries.front().defect;
    if (!quarries.empty()) quarries.front().label = kNoFix;
    std::vector<std::pair<Quarry, std::string>> patched;  // with its diff
    for (const fs::path& path : request.patches) {
      const PatchedCore core = patch_core(project, base, read_named_file(path), path);
      if (!core.name.empty()) active.add(core);
      Quarry quarry = quarries.empty() ? Quarry{} : quarries.front();
      quarry.defect = core.name;
      quarry.label = path.stem().string();
      patched.emplace_back(quarry, core.diff);
    }
    const std::set<std::string> there = variants(project, progress);
    for (auto& [quarry, diff] : patched) {
      if (base.empty()) {
        quarry.targets = preferred_targets(diff);
        quarry.sanitizers = {kUsualBuild};
      }
      fill_in(quarry.targets, request.targets);
      fill_in(quarry.sanitizers, request.sanitizers);
      std::erase_if(quarry.targets, [&](const std::string& target) {
        return !quarry.defect.empty() &&
               !there.contains(Project::build_target(target, quarry.defect));
      });
      if (quarry.targets.empty())
        throw UsageError(fmt::format("no target executes what '{}' changes", quarry.label));
      targets.insert(quarry.targets.begin(), quarry.targets.end());
      builds.insert(quarry.sanitizers.begin(), quarry.sanitizers.end());
      quarries.push_back(std::move(quarry));
    }
  }
  if (correct) {
    Quarry core{.defect = "",
                .label = "",
                .targets = {targets.begin(), targets.end()},
                .sanitizers = {builds.begin(), builds.end()}};
    if (core.targets.empty()) core.targets = {std::string(kMainTarget)};
    if (core.sanitizers.empty()) core.sanitizers = {kUsualBuild};
    fill_in(core.targets, request.targets);
    fill_in(core.sanitizers, request.sanitizers);
    quarries.push_back(core);
  }
  return quarries;
}

}  // namespace tool
