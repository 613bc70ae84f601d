#include "fuzz/tool/project.h"

#include <fmt/format.h>

#include <cstdlib>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kMark = "CMakePresets.json";

bool is_root(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kMark, ignored);
}

std::vector<std::string> stems(const fs::path& folder, std::string_view ending) {
  std::vector<std::string> names;
  for (const std::string& name : files_in(folder)) {
    if (name.ends_with(ending)) names.push_back(name.substr(0, name.rfind('.')));
  }
  return names;
}

}  // namespace

Project Project::find() {
  const char* named = std::getenv("FENCEBENCH_ROOT");
  if (named != nullptr && *named != '\0') {
    if (!is_root(named)) {
      throw EnvironmentError(
          fmt::format("FENCEBENCH_ROOT is '{}', which holds no {}", printable(named), kMark));
    }
    return Project(fs::canonical(named));
  }
  std::error_code error;
  fs::path executable = fs::read_symlink("/proc/self/exe", error);
  for (fs::path folder = executable.parent_path(); !error && folder.has_relative_path();
       folder = folder.parent_path()) {
    if (is_root(folder)) return Project(folder);
  }
  throw EnvironmentError(fmt::format(
      "no {} in a folder above the command; set FENCEBENCH_ROOT to the checkout", kMark));
}

std::vector<std::string> Project::targets() const {
  return stems(root_ / "fuzz/targets", "_fuzzer.cc");
}

std::vector<std::string> Project::defects() const {
  return stems(root_ / "core/defects", ".patch");
}

fs::path Project::build_folder(std::string_view preset) const { return root_ / "build" / preset; }

fs::path Project::binary(std::string_view preset, std::string_view target,
                         std::string_view defect) const {
  fs::path folder = build_folder(preset);
  if (defect.empty()) return folder / "fuzz/targets" / target;
  return folder / "defects" / defect / build_target(target, defect);
}

std::string Project::build_target(std::string_view target, std::string_view defect) {
  if (defect.empty()) return std::string(target);
  return fmt::format("{}-{}", target, defect);
}

std::string Project::shown(const fs::path& path) {
  std::error_code error;
  fs::path here = fs::current_path(error);
  fs::path relative = path.lexically_relative(here);
  if (error || relative.empty() || *relative.begin() == "..") return path.string();
  return relative.string();
}

std::string Project::command() const {
  std::string path = shown(root_ / "fencebench");
  return path.find('/') == std::string::npos ? "./" + path : shell_quote(path);
}

const std::vector<std::string>& sanitizers() {
  static const std::vector<std::string> kNames = {"asan", "tsan", "msan", "release"};
  return kNames;
}

}  // namespace tool
