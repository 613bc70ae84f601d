#include "fuzz/tool/patch_file.h"

#include <fmt/format.h>

#include <set>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kPrefix = "patch-";
constexpr size_t kLongestStem = 40;
constexpr size_t kHashDigits = 8;

Finished run_program(std::vector<std::string> argv, const fs::path& cwd) {
  Command command;
  command.argv = std::move(argv);
  command.cwd = cwd;
  command.env["LC_ALL"] = "C";
  try {
    return run_and_capture(command);
  } catch (const SpawnError& error) {
    throw EnvironmentError(
        fmt::format("{}; './fencebench doctor' says what to install", printable(error.what())));
  }
}

// The file that a line `--- a/core/x.cc<TAB>date` or `+++ ...` names.
std::string named_file(std::string_view line) {
  std::string_view name = line.substr(4);
  name = name.substr(0, name.find('\t'));
  return std::string(trim(name));
}

std::string without_first_folder(const std::string& name) {
  const size_t slash = name.find('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

bool is_in_the_tree(const std::string& name) {
  const fs::path path(name);
  for (const fs::path& part : path) {
    if (part == "..") return false;
  }
  return name.starts_with("core/") || name.starts_with("fuzz/");
}

struct Touched {
  std::set<std::string> files;
  unsigned strip = 1;  // folders in front of each name, as for patch -p
};

// Which files the patch changes.
Touched touched_files(const Project& project, std::string_view text, const std::string& shown) {
  std::vector<std::string> names;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("+++ ")) names.push_back(named_file(line));
  }
  if (names.empty()) {
    throw UsageError(fmt::format(
        "'{}' is no patch: no line '+++ b/core/...' in it; make one with git diff or diff -u",
        shown));
  }
  Touched touched;
  touched.strip = is_in_the_tree(names.front()) ? 0 : 1;
  for (const std::string& name : names) {
    if (name == "/dev/null")
      throw UsageError(fmt::format("'{}' deletes a file; a patch may only change them", shown));
    const std::string file = touched.strip == 0 ? name : without_first_folder(name);
    const bool is_source = file.ends_with(".cc") || file.ends_with(".h");
    if (!is_in_the_tree(file) || !is_source) {
      throw UsageError(fmt::format(
          "'{}' changes '{}'; a patch may change sources below core/ and fuzz/, named from the "
          "root of the checkout",
          shown, printable(name)));
    }
    std::error_code ignored;
    if (file.ends_with(".cc") && !fs::is_regular_file(project.root() / file, ignored)) {
      throw UsageError(
          fmt::format("'{}' changes '{}', which there is not; new code belongs in a file that is "
                      "there, or in a header",
                      shown, printable(file)));
    }
    touched.files.insert(file);
  }
  return touched;
}

void copy_if_there(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  fs::create_directories(to.parent_path());
  if (fs::is_regular_file(from, ignored) && !fs::exists(to, ignored)) fs::copy_file(from, to);
}

// `flags` decide how exact the context has to be.
void apply(const Project& project, const fs::path& tree, std::string_view text,
           const std::string& shown, const std::string& fuzz, std::set<std::string>& files) {
  const Touched touched = touched_files(project, text, shown);
  for (const std::string& file : touched.files) copy_if_there(project.root() / file, tree / file);
  files.insert(touched.files.begin(), touched.files.end());
  const fs::path input = tree / ".patch";
  write_file(input, text);
  const Finished result =
      run_program({"patch", fmt::format("--strip={}", touched.strip), fuzz, "--force",
                   "--no-backup-if-mismatch", "--reject-file=-", "--input=" + input.string()},
                  tree);
  fs::remove(input);
  if (result.exit.clean()) return;
  std::string why;
  for (const std::string& line : split(result.output, '\n')) {
    if (line.find("FAILED") != std::string::npos || line.find("malformed") != std::string::npos)
      why += "; " + printable(line);
  }
  throw UsageError(fmt::format("'{}' does not apply to the sources as they are now{}", shown, why));
}

std::string diff_of(const Project& project, const fs::path& tree,
                    const std::set<std::string>& files) {
  std::string text;
  for (const std::string& file : files) {
    const fs::path original = project.root() / file;
    std::error_code ignored;
    const std::string from = fs::exists(original, ignored) ? original.string() : "/dev/null";
    text += run_program({"diff", "-u", "--label", "a/" + file, "--label", "b/" + file, from,
                         (tree / file).string()},
                        tree)
                .output;
  }
  return text;
}

// Letters, digits and dashes of the file's name.
std::string stem_of(const fs::path& path) {
  std::string stem;
  for (const char c : path.stem().string()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    stem += plain ? c : '-';
  }
  return stem.substr(0, kLongestStem);
}

fs::path kept(const Project& project, const std::string& name) {
  return project.root() / "out/patches" / (name + ".patch");
}

}  // namespace

PatchedCore patch_core(const Project& project, std::string_view defect, std::string_view text,
                       const fs::path& path) {
  const fs::path build = project.root() / "build";
  fs::create_directories(build);
  const ScratchFolder scratch(build);
  std::set<std::string> files;
  if (!defect.empty()) {
    const fs::path patch = project.root() / "core/defects" / (std::string(defect) + ".patch");
    apply(project, scratch.path(), read_file(patch), printable(Project::shown(patch)), "--fuzz=0",
          files);
  }
  apply(project, scratch.path(), text, printable(Project::shown(path)), "--fuzz=2", files);
  PatchedCore core;
  core.diff = diff_of(project, scratch.path(), files);
  if (core.diff.empty() && !defect.empty()) return {};
  if (core.diff.empty())
    throw UsageError(fmt::format("'{}' changes nothing", printable(Project::shown(path))));
  core.name =
      fmt::format("{}{}-{}", kPrefix, stem_of(path), sha1(core.diff).substr(0, kHashDigits));
  return core;
}

bool is_patched_core(std::string_view name) { return name.starts_with(kPrefix); }

void ActivePatches::add(const PatchedCore& core) {
  const fs::path folder = project_.root() / "build/patches";
  const fs::path file = folder / (core.name + ".patch");
  make_output_folder(kept(project_, core.name).parent_path());
  write_file(kept(project_, core.name), core.diff);
  make_output_folder(folder);
  std::error_code ignored;
  // Not written anew: the build would look at it again.
  if (!fs::exists(file, ignored)) write_file(file, core.diff);
  active_.push_back(file);
}

std::string ActivePatches::add_file(std::string_view defect, const fs::path& path) {
  const PatchedCore core = patch_core(project_, defect, read_named_file(path), path);
  if (!core.name.empty()) add(core);
  return core.name;
}

bool ActivePatches::add_kept(const std::string& name) {
  if (!is_patched_core(name) || name.find('/') != std::string::npos) return false;
  std::error_code ignored;
  const fs::path file = kept(project_, name);
  if (!fs::is_regular_file(file, ignored)) return false;
  add({.name = name, .diff = read_file(file)});
  return true;
}

ActivePatches::~ActivePatches() {
  std::error_code ignored;
  for (const fs::path& file : active_) fs::remove(file, ignored);
}

}  // namespace tool
