// The checkout that the command works on: where it is and what it holds.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

class Project {
 public:
  // From FENCEBENCH_ROOT, which the wrapper sets, else by walking up from the executable to the
  // folder that holds CMakePresets.json. EnvironmentError if there is none.
  static Project find();

  explicit Project(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }

  // Names, sorted: fuzz/targets/*_fuzzer.cc and core/defects/*.patch.
  std::vector<std::string> targets() const;
  std::vector<std::string> defects() const;

  std::filesystem::path build_folder(std::string_view preset) const;

  // Where the build puts a target, plain (`defect` empty) or with a defect, and what CMake calls
  // it.
  std::filesystem::path binary(std::string_view preset, std::string_view target,
                               std::string_view defect) const;
  static std::string build_target(std::string_view target, std::string_view defect);

  // `path` as a person would type it from here: relative if it lies below the current folder.
  static std::string shown(const std::filesystem::path& path);

  // What to type to run the command from here: "./fencebench" in the root.
  std::string command() const;

 private:
  std::filesystem::path root_;
};

// Sanitizers that a target can be built with; each is also the name of its CMake preset.
const std::vector<std::string>& sanitizers();

}  // namespace tool
