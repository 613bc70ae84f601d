#include "fuzz/tool/coverage_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes kLongestRun{30};

// The value of a property of a test, or null.
json property(const json& test, std::string_view name) {
  for (const json& entry : test.value("properties", json::array())) {
    if (entry.at("name") == name) return entry.at("value");
  }
  return {};
}

bool has_label(const json& test, std::string_view label) {
  json labels = property(test, "LABELS");
  return labels.is_array() && std::find(labels.begin(), labels.end(), label) != labels.end();
}

// GoogleTest says so twice of each case that failed.
constexpr std::string_view kCaseFailed = "[  FAILED  ] ";

// The plain driver says which input it executes, as libFuzzer does.
constexpr std::string_view kRunning = "Running: ";

struct Running {
  const CoverageRun* run;
  fs::path log;
  std::string output;
  std::string input;
  std::vector<std::string> cases;

  void line(std::string_view text) {
    output.append(text).append("\n");
    if (text.starts_with(kRunning)) input = text.substr(kRunning.size());
    if (!text.starts_with(kCaseFailed)) return;
    std::string_view rest = text.substr(kCaseFailed.size());
    std::string name(rest.substr(0, rest.find_first_of(", ")));
    bool known = std::find(cases.begin(), cases.end(), name) != cases.end();
    if (!known && name.find('.') != std::string::npos) cases.push_back(name);
  }
};

std::vector<fs::path> files_below(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == extension) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> with_objects(const std::vector<fs::path>& objects) {
  std::vector<std::string> arguments;
  for (const fs::path& object : objects) {
    if (!arguments.empty()) arguments.emplace_back("-object");  // the first is positional
    arguments.push_back(object.string());
  }
  return arguments;
}

}  // namespace

std::vector<CoverageRun> parse_test_list(std::string_view text) {
  std::vector<CoverageRun> runs;  // tests first: they take longest
  std::vector<CoverageRun> replays;
  std::set<std::string> tests_seen;
  try {
    json whole = json::parse(text);
    for (const json& test : whole.at("tests")) {
      // A program that is not built has no command.
      auto argv = test.value("command", std::vector<std::string>{});
      if (argv.empty()) continue;
      CoverageRun run;
      run.name = fs::path(argv.front()).filename().string();
      run.argv = argv;
      if (json cwd = property(test, "WORKING_DIRECTORY"); cwd.is_string()) {
        run.cwd = cwd.get<std::string>();
      }
      if (has_label(test, "unit") && tests_seen.insert(argv.front()).second) {
        run.group = kUnitTests;
        run.argv.resize(1);
        runs.push_back(run);
      } else if (has_label(test, "replay")) {
        run.group = run.name;
        replays.push_back(run);
      }
    }
  } catch (const json::exception& error) {
    throw EnvironmentError(
        fmt::format("cannot make sense of ctest's list of tests: {}", error.what()));
  }
  runs.insert(runs.end(), replays.begin(), replays.end());
  return runs;
}

std::vector<CoverageRun> coverage_runs(const Project& project) {
  ScratchFolder scratch(project.build_folder(kCoveragePreset));
  Command command;
  command.argv = {"ctest", "--test-dir", project.build_folder(kCoveragePreset).string(),
                  "--show-only=json-v1"};
  command.stdout_file = scratch.path() / "tests.json";
  try {
    Finished finished = run_and_capture(command);
    if (!finished.exit.clean()) {
      throw EnvironmentError(
          fmt::format("ctest cannot list the tests: {}", printable(trim(finished.output))));
    }
  } catch (const SpawnError& error) {
    throw EnvironmentError(
        fmt::format("{}; '{} doctor' says what to install", error.what(), project.command()));
  }
  return parse_test_list(read_file(command.stdout_file));
}

std::vector<FailedRun> execute(const std::vector<CoverageRun>& runs, const fs::path& profiles,
                               const fs::path& logs, Progress& progress) {
  std::vector<FailedRun> failed;
  fs::create_directories(logs);
  Supervisor supervisor;
  size_t next = 0;
  size_t ended = 0;
  auto start = [&](const CoverageRun& run) {
    auto running = std::make_shared<Running>();
    running->run = &run;
    running->log = logs / (run.name + ".log");
    Command command;
    command.argv = run.argv;
    command.cwd = run.cwd;
    command.deadline = kLongestRun;
    command.env["FENCEBENCH_OPTIONS"] = std::nullopt;
    // %c: the counters live in the file, so that processes that end in abort() count; %p: death
    // tests that start themselves anew get files of their own.
    command.env["LLVM_PROFILE_FILE"] =
        (profiles / run.group / (run.name + "-%p%c.profraw")).string();
    supervisor.start(
        command, [running](std::string_view line) { running->line(line); },
        [&, running](const Exit& exit) {
          ended++;
          write_file(running->log, running->output);
          if (exit.clean() || exit.stopped) return;
          failed.push_back(
              {*running->run, exit.describe(), running->input, running->cases, running->log});
        });
  };
  try {
    while (ended < runs.size() && !interrupted()) {
      while (next < runs.size() && supervisor.running() < cores()) start(runs[next++]);
      progress.block({fmt::format("running tests and inputs: {} of {}, {} failed", ended,
                                  runs.size(), failed.size())});
      supervisor.step(std::chrono::milliseconds(200));
    }
    supervisor.finish(std::chrono::seconds(2));
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
  progress.clear();
  if (interrupted()) throw EnvironmentError("interrupted while running tests and inputs");
  return failed;
}

CoverageTools::CoverageTools(const Project& project) {
  fs::path folder = cache_variable(project, kCoveragePreset, "FENCEBENCH_LLVM_PROGRAMS");
  profdata_ = folder / "llvm-profdata";
  cov_ = folder / "llvm-cov";
  for (const fs::path& program : {profdata_, cov_}) {
    std::error_code ignored;
    if (fs::exists(program, ignored)) continue;
    throw EnvironmentError(
        fmt::format("there is no '{}', and another release's does not read these profiles; "
                    "'{} doctor' says what to install",
                    program.string(), project.command()));
  }
}

void CoverageTools::run(Command command) const {
  std::string program = fs::path(command.argv.front()).filename().string();
  try {
    Finished finished = run_and_capture(command);
    if (interrupted()) throw EnvironmentError(fmt::format("interrupted in {}", program));
    if (finished.exit.clean()) return;
    throw EnvironmentError(fmt::format("{} failed ({}): {}", program, finished.exit.describe(),
                                       printable(trim(finished.output))));
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
}

void CoverageTools::merge(const std::vector<fs::path>& folders, const fs::path& result) const {
  // By a list in a file: there may be more of them than fit on a command line.
  std::string list;
  for (const fs::path& folder : folders) {
    for (const fs::path& file : files_below(folder, ".profraw")) list += file.string() + "\n";
  }
  if (list.empty()) throw EnvironmentError("the coverage build left no profiles");
  fs::path names = fs::path(result).replace_extension(".list");
  write_file(names, list);
  Command command;
  command.argv = {profdata_.string(), "merge", "-sparse",      "-f",
                  names.string(),     "-o",    result.string()};
  run(command);
}

std::string CoverageTools::export_json(const fs::path& profile,
                                       const std::vector<fs::path>& objects,
                                       const fs::path& scratch) const {
  Command command;
  command.argv = {cov_.string(), "export", "-skip-expansions", "-instr-profile", profile.string()};
  for (const std::string& argument : with_objects(objects)) command.argv.push_back(argument);
  command.stdout_file = scratch / "export.json";
  run(command);
  return read_file(command.stdout_file);
}

void CoverageTools::write_pages(const fs::path& profile, const std::vector<fs::path>& objects,
                                const std::vector<std::string>& sources, const std::string& title,
                                const fs::path& folder) const {
  Command command;
  command.argv = {cov_.string(),
                  "show",
                  "-format=html",
                  "-output-dir=" + folder.string(),
                  "-project-title=" + title,
                  "-show-branches=count",
                  "-show-instantiations=false",
                  "-instr-profile",
                  profile.string()};
  for (const std::string& argument : with_objects(objects)) command.argv.push_back(argument);
  command.argv.emplace_back("-sources");
  command.argv.insert(command.argv.end(), sources.begin(), sources.end());
  run(command);
}

std::vector<fs::path> libraries_of(const Project& project,
                                   const std::vector<std::string>& folders) {
  std::vector<fs::path> libraries;
  for (const std::string& folder : folders) {
    std::vector<fs::path> found = files_below(project.build_folder(kCoveragePreset) / folder, ".a");
    libraries.insert(libraries.end(), found.begin(), found.end());
  }
  return libraries;
}

}  // namespace tool
