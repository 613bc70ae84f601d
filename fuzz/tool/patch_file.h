// A patch that somebody hands to the command (--patch FILE): anyone's change to the core, fuzzed
// as the defects of the catalogue are.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"

namespace tool {

// A variant of the core that is not in the catalogue.
struct PatchedCore {
  std::string name;  // of the variant: "patch-STEM-1a2b3c4d", by file and content
  std::string diff;  // against the present sources, exact
  // Both empty: the core as it is, because the patch undoes the defect.
};

// The core with a defect (empty: none) and then with the patch `text`, whose file is called `path`
// in errors. The patch may be in the form of `diff -u` or git, with or without a/ and b/, and may
// be off by some lines. UsageError if it does not apply, changes nothing, or is not a change to
// sources below core/ or fuzz/ only.
PatchedCore patch_core(const Project& project, std::string_view defect, std::string_view text,
                       const fs::path& path);

// Makes variants known to the build for as long as it lives (build/patches, cmake/Defects.cmake),
// and keeps their diffs for findings that are executed again later (out/patches).
class ActivePatches {
 public:
  explicit ActivePatches(const Project& project) : project_(project) {}
  ~ActivePatches();
  ActivePatches(const ActivePatches&) = delete;
  ActivePatches& operator=(const ActivePatches&) = delete;

  void add(const PatchedCore& core);
  // patch_core() of a file that the user named; returns the variant's name, empty for the core as
  // it is.
  std::string add_file(std::string_view defect, const fs::path& path);
  // A variant that an earlier command has kept. False if there is none.
  bool add_kept(const std::string& name);

 private:
  Project project_;
  std::vector<fs::path> active_;
};

// Whether `name` is that of a variant made by patch_core().
bool is_patched_core(std::string_view name);

}  // namespace tool
