// coverage: what the unit tests and the inputs in corpus/ reach, as tables and as pages for a
// browser.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/coverage_data.h"
#include "fuzz/tool/coverage_report.h"
#include "fuzz/tool/coverage_run.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kCoverageVerb;

namespace {

using nlohmann::json;

constexpr std::string_view kAllTargets = "all targets";
constexpr std::string_view kTogether = "all together";

struct Request {
  std::vector<std::string> folders;  // from the root
  bool tests = true;
  bool inputs = true;
  std::optional<fs::path> corpus;  // absolute
  fs::path output;
  Minimum minimum;
  bool each_file = false;
  bool uncovered = false;
  bool uncovered_by_targets = false;
  bool json = false;
};

// Folders that a person may name: those that the build compiles.
std::vector<std::string> known_folders(const Project& project) {
  std::vector<std::string> known;
  for (const char* top : {"core", "fuzz"}) {
    known.emplace_back(top);
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(project.root() / top, error)) {
      if (entry.path().filename() != "CMakeLists.txt") continue;
      std::string name = entry.path().parent_path().lexically_relative(project.root()).string();
      // The command is not part of the coverage build.
      if (name != top && name != "fuzz/tool") known.push_back(name);
    }
  }
  std::sort(known.begin(), known.end());
  return known;
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  bool tests_only = false;
  bool corpus_only = false;
  std::optional<std::string> corpus;
  std::optional<std::string> output;
  std::optional<std::string> minimum_lines;
  std::optional<std::string> minimum_branches;
  auto app = command_line(
      kCoverageVerb,
      "Runs all unit tests and every target over its inputs in corpus/, and tells which lines, "
      "branches and functions of the core they reach together. Each outcome of a condition is a "
      "branch: of an if, of an operand of && and ||, of a case.",
      "  ./fencebench coverage --uncovered core/dma\n"
      "  ./fencebench coverage --uncovered-by-targets --corpus out/continuous\n"
      "  ./fencebench coverage --minimum-lines 98 --minimum-branches 90 --corpus out/corpus");
  app->add_option("FOLDER", request.folders, "What to count (default: core)");
  app->add_flag("--files", request.each_file, "A row for each file instead of each folder");
  app->add_flag("--uncovered", request.uncovered,
                "List the lines and the outcomes of conditions that nobody reached");
  app->add_flag("--uncovered-by-targets", request.uncovered_by_targets,
                "List those that no target reaches, whether or not a unit test does");
  app->add_option("--minimum-lines", minimum_lines,
                  "Exit 1 if a folder or the total has fewer lines reached")
      ->type_name("PERCENT");
  app->add_option("--minimum-branches", minimum_branches, "Likewise for branches")
      ->type_name("PERCENT");
  app->add_flag("--tests-only", tests_only, "Without the targets and their inputs");
  app->add_flag("--corpus-only", corpus_only, "Without the unit tests");
  app->add_option("--corpus", corpus,
                  "More inputs: a folder with one for each target, as 'fuzz' keeps in out/corpus, "
                  "or the store of 'continuous'")
      ->type_name("DIR");
  app->add_option("--out,--output", output,
                  "Folder for the pages, which start at index.html (default: "
                  "build/coverage/report)")
      ->type_name("DIR");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  std::vector<std::string> known = known_folders(project);
  for (std::string& folder : request.folders) {
    folder = fs::path(folder).lexically_normal().string();
    if (folder.ends_with('/')) folder.pop_back();
    require_known("folder", folder, known);
  }
  if (request.folders.empty()) request.folders = {"core"};
  if (tests_only && corpus_only) {
    throw UsageError("--tests-only and --corpus-only exclude each other");
  }
  request.tests = !corpus_only;
  request.inputs = !tests_only;
  if (corpus && tests_only) throw UsageError("--tests-only and --corpus exclude each other");
  if (request.uncovered_by_targets && tests_only)
    throw UsageError("--tests-only and --uncovered-by-targets exclude each other");
  if (corpus) {
    request.corpus = fs::absolute(*corpus).lexically_normal();
    std::error_code ignored;
    if (!fs::is_directory(*request.corpus, ignored)) {
      throw UsageError(fmt::format("--corpus: there is no folder '{}'", printable(*corpus)));
    }
    // The store of 'continuous' keeps its corpora in a folder of its own.
    if (fs::is_directory(*request.corpus / "corpus", ignored)) *request.corpus /= "corpus";
  }
  if (output && output->empty()) throw UsageError("--out needs the name of a folder");
  request.output = output ? fs::absolute(*output).lexically_normal()
                          : project.build_folder(kCoveragePreset) / "report";
  request.minimum.lines = optional_number("--minimum-lines", minimum_lines, 0, 100);
  request.minimum.branches = optional_number("--minimum-branches", minimum_branches, 0, 100);
  return request;
}

// Pages of an earlier report go; anything else in the folder is somebody's.
void check_output(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored) || fs::is_empty(folder, ignored)) return;
  fs::path index = folder / "index.html";
  if (fs::exists(index, ignored) && read_file(index).find(kReportMark) != std::string::npos) return;
  throw UsageError(
      fmt::format("'{}' holds something else than a coverage report; name another "
                  "folder with --out",
                  printable(Project::shown(folder))));
}

void empty_output(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  fs::create_directories(folder, error);
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot write to the folder '{}': {}; name another with "
                    "--out",
                    printable(folder.string()), error.message()));
  }
}

// Runs over what fuzzing left in `corpus`, for those targets that it has a folder for.
std::vector<CoverageRun> corpus_runs(const Project& project, const fs::path& corpus) {
  std::vector<CoverageRun> runs;
  for (const std::string& target : project.targets()) {
    std::error_code ignored;
    if (!fs::is_directory(corpus / target, ignored)) continue;
    runs.push_back(
        {.name = target + "-corpus",
         .group = target,
         .argv = {project.binary(kCoveragePreset, target, "").string(), (corpus / target).string()},
         .cwd = {}});
  }
  if (runs.empty()) {
    throw UsageError(
        fmt::format("--corpus: '{}' has no folder with the name of a target; targets: "
                    "{}",
                    printable(Project::shown(corpus)), join(project.targets(), ", ")));
  }
  return runs;
}

std::vector<CoverageRun> chosen_runs(const Project& project, const Request& request) {
  std::vector<CoverageRun> runs;
  for (CoverageRun& run : coverage_runs(project)) {
    if (run.group == kUnitTests ? request.tests : request.inputs) runs.push_back(std::move(run));
  }
  if (request.corpus) {
    for (CoverageRun& run : corpus_runs(project, *request.corpus)) runs.push_back(std::move(run));
  }
  if (runs.empty()) throw EnvironmentError("there is no test or input to run");
  return runs;
}

int report_failures(const std::vector<FailedRun>& failed, const Request& request) {
  json list = json::array();
  for (const FailedRun& run : failed) {
    std::string command = shell_quote(run.run.argv.front());
    if (!run.input.empty()) command += " " + shell_quote(run.input);
    list.push_back({{"program", run.run.name},
                    {"how", run.how},
                    {"input", run.input},
                    {"cases", run.cases},
                    {"log", run.log.string()},
                    {"command", command}});
    if (request.json) continue;
    fmt::print("FAILED: {}: {}\n", run.run.name, run.how);
    if (!run.input.empty()) fmt::print("  input   {}\n", printable(run.input));
    for (const std::string& name : run.cases) fmt::print("  case    {}\n", printable(name));
    fmt::print("  output  {}\n  again   {}\n", Project::shown(run.log), printable(command));
  }
  if (request.json) {
    json result = {{"verb", "coverage"}, {"failed", list}, {"exit", kFound}};
    fmt::print("{}\n", json_text(result));
  } else {
    fmt::print("\nno coverage: first all tests and inputs have to pass\n");
  }
  return kFound;
}

SourceLines source_reader(const Project& project) {
  return [&project](const std::string& name) {
    std::error_code ignored;
    fs::path path = project.root() / name;
    if (name.empty() || !fs::is_regular_file(path, ignored)) return std::vector<std::string>();
    return split(read_file(path), '\n');
  };
}

// What is told of for itself.
struct Part {
  std::string name;
  std::vector<fs::path> profiles;  // folders
  bool all_targets = false;        // exactly all of them
};

// Each group, all targets where there is something else as well, and all together, if that is more
// than one group.
std::vector<Part> parts_of(const std::vector<std::string>& groups, const fs::path& profiles) {
  std::vector<Part> parts;
  Part targets = {std::string(kAllTargets), {}, true};
  for (const std::string& group : groups) {
    parts.push_back({group, {profiles / group}});
    if (group != kUnitTests) targets.profiles.push_back(profiles / group);
  }
  if (targets.profiles.size() == 1 && groups.size() > 1) {
    for (Part& part : parts) part.all_targets = part.name != kUnitTests;
  } else if (targets.profiles.size() > 1 && targets.profiles.size() < groups.size()) {
    parts.push_back(std::move(targets));
  }
  if (groups.size() > 1) parts.push_back({std::string(kTogether), {profiles}});
  return parts;
}

// Numbers and pages of the profiles below `profiles`, for each part.
CoverageResult evaluate(const Project& project, const Request& request,
                        const std::vector<CoverageRun>& runs, const fs::path& profiles,
                        Progress& progress) {
  CoverageTools tools(project);
  std::vector<fs::path> objects;
  std::vector<std::string> names;  // of the groups
  auto add = [](auto& list, const auto& value) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  };
  for (const fs::path& library : libraries_of(project, request.folders)) add(objects, library);
  for (const CoverageRun& run : runs) {
    add(names, run.group);
    add(objects, fs::path(run.argv.front()));
  }
  const std::vector<Part> parts = parts_of(names, profiles);
  auto counted = [&](const std::string& name) {
    std::error_code ignored;
    bool inside =
        std::any_of(request.folders.begin(), request.folders.end(),
                    [&](const std::string& folder) { return name.starts_with(folder + "/"); });
    return inside && !is_test_file(name) && fs::path(name).filename() != "standalone_main.cc" &&
           fs::exists(project.root() / name, ignored);
  };
  CoverageResult result;
  result.root = project.root().string();
  for (const Part& part : parts) {
    progress.block({"evaluating " + part.name});
    bool together = &part == &parts.back();
    fs::path profile = profiles / (slug(part.name, 80) + ".profdata");
    tools.merge(part.profiles, profile);
    std::vector<FileCoverage> files = parse_coverage(tools.export_json(profile, objects, profiles),
                                                     result.root, counted, source_reader(project));
    std::vector<std::string> sources;
    for (const FileCoverage& file : files) sources.push_back((project.root() / file.name).string());
    if (sources.empty()) throw EnvironmentError("nothing that is counted was compiled");
    std::string pages = slug(part.name, 80);
    tools.write_pages(profile, objects, sources, "fencebench, reached by " + part.name,
                      request.output / pages);
    result.reached_by.push_back({part.name, total(files), pages});
    if (part.all_targets) {
      result.by_targets = files;
      result.target_pages = pages;
    }
    if (together) result.files = std::move(files);
  }
  write_file(request.output / "index.html", coverage_page(result));
  if (!result.by_targets.empty())
    write_file(request.output / kNoTargetPage, no_target_page(result));
  progress.clear();
  return result;
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  Request request = read_request(project, arguments);
  check_output(request.output);
  make_output_folder(request.output);

  Progress progress;
  build(project, kCoveragePreset, {}, progress);
  std::vector<CoverageRun> runs = chosen_runs(project, request);
  ScratchFolder profiles(project.build_folder(kCoveragePreset));
  if (!progress.live()) progress.note(fmt::format("running {} tests and targets", runs.size()));
  std::vector<FailedRun> failed =
      execute(runs, profiles.path(), project.build_folder(kCoveragePreset) / "logs", progress);
  if (!failed.empty()) return report_failures(failed, request);
  empty_output(request.output);
  CoverageResult result = evaluate(project, request, runs, profiles.path(), progress);

  std::vector<std::string> offenders = below_minimum(result.files, request.minimum);
  int code = offenders.empty() ? kNothingFound : kFound;
  fs::path page = request.output / "index.html";
  if (request.json) {
    json printed = coverage_json(result);
    printed["verb"] = "coverage";
    printed["below_minimum"] = offenders;
    printed["report"] = page.string();
    printed["exit"] = code;
    fmt::print("{}\n", json_text(printed));
    return code;
  }
  fmt::print("{}", coverage_table(result.files, request.each_file));
  if (result.reached_by.size() > 1) fmt::print("\n{}", reached_by_table(result.reached_by));
  if (request.uncovered) {
    std::vector<std::string> lines = uncovered_lines(result.files);
    fmt::print("\n");
    for (const std::string& line : lines) fmt::print("{}\n", line);
    if (lines.empty()) fmt::print("everything is reached\n");
  }
  if (request.uncovered_by_targets) {
    // Without unit tests what nobody reaches is what no target does.
    std::vector<std::string> lines =
        request.tests ? uncovered_by_targets(result) : uncovered_lines(result.files);
    fmt::print("\n");
    for (const std::string& line : lines) fmt::print("{}\n", line);
    if (lines.empty()) fmt::print("the targets reach everything\n");
  }
  fmt::print("\nreport  {}\n", Project::shown(page));
  if (!offenders.empty()) fmt::print("\nbelow the minimum:\n");
  for (const std::string& offender : offenders) fmt::print("  {}\n", offender);
  return code;
}

}  // namespace

const Verb kCoverageVerb = {"coverage", "what tests and corpus reach of the core", run};

}  // namespace tool
