// test: builds everything in each build and runs all of its tests.

#include "fuzz/tool/json_text.h"
#include "fuzz/tool/verb.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/ctest_log.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/trace_agreement.h"

namespace tool {

extern const Verb kTestVerb;

namespace {

using nlohmann::json;

struct PresetResult {
  std::string preset;
  CTestLog log;
  double seconds = 0;  // of the tests, without the build
  fs::path log_file;
  std::string broken;  // ctest itself failed
};

PresetResult run_tests(const Project& project, const std::string& preset,
                       const std::vector<std::string>& ctest_arguments, Progress& progress) {
  PresetResult result;
  result.preset = preset;
  result.log_file = project.build_folder(preset) / "test.log";
  Command command;
  command.argv = {"ctest",
                  "--test-dir",
                  project.build_folder(preset).string(),
                  "--parallel",
                  std::to_string(cores()),
                  "--output-on-failure"};
  command.argv.insert(command.argv.end(), ctest_arguments.begin(), ctest_arguments.end());
  command.cwd = project.root();
  std::string whole;
  Exit exit;
  try {
    Supervisor supervisor;
    supervisor.start(
        command,
        [&](std::string_view line) {
          whole.append(line).append("\n");
          result.log.line(line);
        },
        [&](const Exit& ended) { exit = ended; });
    supervisor.finish(std::chrono::seconds(5), [&] {
      progress.block(
          {fmt::format("testing {}: {} of {}, {} failed  {}", preset, result.log.done(),
                       result.log.all(), result.log.failed().size(), result.log.last())});
    });
  } catch (const SpawnError& error) {
    throw EnvironmentError(
        fmt::format("{}; '{} doctor' says what to install", error.what(), project.command()));
  }
  progress.clear();
  result.seconds = exit.seconds;
  write_file(result.log_file, whole);
  bool explained = !result.log.failed().empty() || result.log.all() == 0;
  if (exit.stopped) {
    result.broken = "interrupted";
  } else if (!exit.clean() && !explained) {
    result.broken = "ctest ended with " + exit.describe();
  } else if (result.log.done() < result.log.all()) {
    result.broken = fmt::format("{} tests did not end", result.log.all() - result.log.done());
  }
  return result;
}

int run(const std::vector<std::string>& all_arguments) {
  // What follows '--' is ctest's.
  auto dashes = std::find(all_arguments.begin(), all_arguments.end(), "--");
  std::vector<std::string> arguments(all_arguments.begin(), dashes);
  std::vector<std::string> ctest_arguments;
  if (dashes != all_arguments.end()) ctest_arguments.assign(dashes + 1, all_arguments.end());

  std::vector<std::string> lists;
  bool as_json = false;
  auto app = command_line(kTestVerb,
                          "Builds everything in the release, asan, tsan and msan builds and runs "
                          "all tests. What follows '--' goes to ctest.",
                          "  ./fencebench test --sanitizer asan -- -R sched");
  add_list(*app, "--sanitizer", lists,
           "release, asan, tsan, msan: which builds (default: all of them)");
  app->add_flag("--json", as_json, "Print a machine-readable result");
  parse(*app, arguments);
  std::vector<std::string> presets = list_items(lists);
  for (const std::string& preset : presets) require_known("sanitizer", preset, sanitizers());
  if (presets.empty()) presets = {"release", "asan", "tsan", "msan"};

  Project project = Project::find();
  Progress progress;
  std::vector<PresetResult> results;
  for (const std::string& preset : presets) {
    build(project, preset, {}, progress);
    if (!progress.live()) progress.note(fmt::format("testing {}", preset));
    results.push_back(run_tests(project, preset, ctest_arguments, progress));
    const PresetResult& result = results.back();
    for (const std::string& line : result.log.failure_output()) progress.note(line);
    progress.note(fmt::format("{}: {} passed, {} failed in {}{}", preset, result.log.passed(),
                              result.log.failed().size(), human_seconds(result.seconds),
                              result.broken.empty() ? "" : ", " + result.broken));
    if (interrupted()) break;
  }

  Table table({"build", "passed>", "failed>", "seconds>", ""});
  unsigned passed = 0;
  size_t failed = 0;
  bool green = results.size() == presets.size();
  json list = json::array();
  for (const PresetResult& result : results) {
    passed += result.log.passed();
    failed += result.log.failed().size();
    std::string note = result.broken;
    // With a selection of tests some builds may have none of them.
    if (result.log.all() == 0 && note.empty()) {
      note = "no tests";
      green = green && !ctest_arguments.empty();
    }
    green = green && result.broken.empty() && result.log.failed().empty();
    const std::vector<std::string>& skipped = result.log.skipped();
    const std::string shown =
        note.empty() && !skipped.empty() ? "skipped: " + printable(join(skipped, ", ")) : note;
    table.row({result.preset, std::to_string(result.log.passed()),
               std::to_string(result.log.failed().size()), fmt::format("{:.1f}", result.seconds),
               shown});
    list.push_back({{"build", result.preset},
                    {"passed", result.log.passed()},
                    {"failed", result.log.failed()},
                    {"skipped", result.log.skipped()},
                    {"seconds", result.seconds},
                    {"broken", note},
                    {"log", result.log_file.string()}});
  }
  TraceAgreement traces;
  if (green && presets.size() > 1 && ctest_arguments.empty() && !interrupted()) {
    traces = compare_traces(project, presets, progress);
    green = traces.differing.empty();
    passed += traces.inputs - static_cast<unsigned>(traces.differing.size());
    failed += traces.differing.size();
    table.row({"same traces", std::to_string(traces.inputs - traces.differing.size()),
               std::to_string(traces.differing.size()), "", "the corpus in all builds"});
  }
  green = green && passed > 0;
  int code = green ? kNothingFound : kFound;
  if (as_json) {
    json result = {{"verb", "test"},
                   {"builds", list},
                   {"passed", passed},
                   {"failed", failed},
                   {"exit", code},
                   {"traces_compared", traces.inputs},
                   {"traces_differing", traces.differing}};
    fmt::print("{}\n", json_text(result));
    return code;
  }
  fmt::print("{}", table.text());
  for (const PresetResult& result : results) {
    if (result.log.failed().empty()) continue;
    fmt::print("\nfailed in {} ({}):\n", result.preset, Project::shown(result.log_file));
    for (const std::string& name : result.log.failed()) fmt::print("  {}\n", printable(name));
  }
  for (const std::string& file : traces.differing) {
    fmt::print(
        "{} has different traces in different builds: ./fencebench repro {} --sanitizer {}\n", file,
        file, join(presets, ","));
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return code;
}

}  // namespace

const Verb kTestVerb = {"test", "build everything and run all tests in every build", run};

}  // namespace tool
