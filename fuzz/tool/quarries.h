// What a hunt hunts on: defects of the catalogue, patches that a person hands over, the correct
// core.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/tool/hunt.h"
#include "fuzz/tool/patch_file.h"

namespace tool {

// What a person calls the correct core, and a defect without any candidate for a fix.
inline constexpr std::string_view kCorrectCore = "none";
inline constexpr std::string_view kNoFix = "(no fix)";

struct QuarryRequest {
  std::vector<std::string> defects;            // names, or kCorrectCore
  std::vector<std::filesystem::path> patches;  // files; each on top of the one defect, if there is
  std::vector<std::string> targets;            // empty: whatever suits each
  std::vector<std::string> sanitizers;         // likewise
};

// UsageError for a defect that there is not, or a patch that does not apply. `active` keeps the
// patched cores known to the build.
std::vector<Quarry> quarries_of(const Project& project, const std::vector<Defect>& catalogue,
                                const QuarryRequest& request, ActivePatches& active,
                                Progress& progress);

// The patches in a folder, sorted by name. UsageError if there is none.
std::vector<std::filesystem::path> patches_in(const std::filesystem::path& folder);

}  // namespace tool
