// Runs the coverage build: every unit test once and every target over its inputs; and the programs
// of LLVM that make numbers and pages of what they left.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

inline constexpr std::string_view kCoveragePreset = "coverage";

// What all unit tests together are called.
inline constexpr std::string_view kUnitTests = "unit tests";

// One process to run.
struct CoverageRun {
  std::string name;   // of the program; names its log
  std::string group;  // kUnitTests or a target: coverage is told for each
  std::vector<std::string> argv;
  std::filesystem::path cwd;
};

// From what `ctest --show-only=json-v1` prints: each program with tests of the label `unit` once,
// as a whole, and the tests of the label `replay`. EnvironmentError if the text is something else.
std::vector<CoverageRun> parse_test_list(std::string_view json);

// The same, from the coverage build, which must be there.
std::vector<CoverageRun> coverage_runs(const Project& project);

struct FailedRun {
  CoverageRun run;
  std::string how;                 // "killed by SIGABRT"
  std::string input;               // that a target was executing, if it is known
  std::vector<std::string> cases;  // of a test program: those that failed
  std::filesystem::path log;
};

// Runs them side by side; the profile of each goes to profiles/GROUP. Throws EnvironmentError if it
// is interrupted.
std::vector<FailedRun> execute(const std::vector<CoverageRun>& runs,
                               const std::filesystem::path& profiles,
                               const std::filesystem::path& logs, Progress& progress);

// The programs of the compiler's own release: others do not read its profiles.
class CoverageTools {
 public:
  // EnvironmentError if they are not there.
  explicit CoverageTools(const Project& project);

  // Merges all profiles below `folders` into `result`.
  void merge(const std::vector<std::filesystem::path>& folders,
             const std::filesystem::path& result) const;

  // What `llvm-cov export` says of all that is compiled into `objects`.
  std::string export_json(const std::filesystem::path& profile,
                          const std::vector<std::filesystem::path>& objects,
                          const std::filesystem::path& scratch) const;

  // A page for each of `sources` and an index of them, in `folder`.
  void write_pages(const std::filesystem::path& profile,
                   const std::vector<std::filesystem::path>& objects,
                   const std::vector<std::string>& sources, const std::string& title,
                   const std::filesystem::path& folder) const;

 private:
  void run(Command command) const;

  std::filesystem::path profdata_;
  std::filesystem::path cov_;
};

// The libraries that the coverage build made of `folders` (names from the root). With them, code
// that no program links counts as well.
std::vector<std::filesystem::path> libraries_of(const Project& project,
                                                const std::vector<std::string>& folders);

}  // namespace tool
