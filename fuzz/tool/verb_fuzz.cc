// fuzz: the main job. Targets x sanitizers for a time, a table, and how to reproduce what was
// found.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/campaign.h"
#include "fuzz/tool/corpus_folders.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/fuzz_report.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/patch_file.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kFuzzVerb;

namespace {

constexpr uint64_t kDefaultSeconds = 60;
constexpr uint64_t kMostNumber = 2'147'483'647;  // libFuzzer's flags are ints

struct Request {
  CampaignOptions campaign;
  JobMatrix matrix;
  std::optional<std::string> patch;
  Engine engine = Engine::kLibFuzzer;
  bool json = false;
};

std::vector<std::string> default_targets(const Project& project, bool with_defect) {
  std::vector<std::string> chosen;
  for (const std::string& name : project.targets()) {
    TargetInfo info = target_info(name);
    // A defect is in the core, and programs are what drives it.
    if (info.by_default && (info.form == text_form::Form::kProgram || !with_defect))
      chosen.push_back(name);
  }
  return chosen;
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  CampaignOptions& options = request.campaign;
  JobMatrix& matrix = request.matrix;
  std::optional<std::string> seconds;
  std::optional<std::string> runs;
  std::optional<std::string> jobs;
  std::optional<std::string> seed;
  std::optional<std::string> trials;
  std::optional<std::string> out;
  std::optional<std::string> defect;
  std::optional<std::string> patch;
  std::string engine = "libfuzzer";
  std::vector<std::string> sanitizer_lists;
  std::vector<std::string> target_lists;
  bool no_seeds = false;

  auto app = command_line(
      kFuzzVerb,
      "Fuzzes targets under sanitizers: by default every target under asan, tsan and msan for a "
      "minute each. Findings go to out/findings, with the command that reproduces each.",
      "  ./fencebench fuzz --time 300 --sanitizer asan,tsan\n"
      "  ./fencebench fuzz --defect leak-signaled-at-create --no-seeds --time 30 --trials 30\n"
      "  ./fencebench fuzz --engine afl --time 300");
  app->add_option("TARGET", matrix.targets,
                  "Targets (default: all but canary_fuzzer and empty_fuzzer)");
  add_list(*app, "--target", target_lists, "Targets likewise");
  app->add_option(
         "--time", seconds,
         "Seconds for each target under each sanitizer (default 60; with --runs: no limit)")
      ->type_name("SECONDS");
  app->add_option("--runs", runs, "Executions for each target under each sanitizer")
      ->type_name("N");
  add_list(
      *app, "--sanitizer", sanitizer_lists,
      "asan (with LeakSanitizer and UBSan), tsan, msan, release (default: asan,tsan,msan; with "
      "--defect or --engine afl: asan)");
  app->add_option("--engine", engine,
                  "libfuzzer, or afl: AFL++ with our mutator, under asan and release (default "
                  "libfuzzer)")
      ->type_name("WHICH");
  app->add_option("--jobs", jobs, "Jobs at a time (default: number of cores)")->type_name("N");
  app->add_option("--defect", defect,
                  "Fuzz the core with this bug of the catalogue put back (core/defects)")
      ->type_name("NAME");
  app->add_option("--patch", patch,
                  "Fuzz the core with this change; with --defect: on top of that bug")
      ->type_name("FILE");
  app->add_flag("--no-seeds", no_seeds, "Start from an empty corpus, and do not keep the new one");
  app->add_option("--seed", seed, "Seed of the engine's random numbers; trials count up from it")
      ->type_name("N");
  app->add_option(
         "--trials", trials,
         "Independent runs of each job, each on a corpus of its own; ends with the medians")
      ->type_name("N");
  app->add_option("--checks", options.checks,
                  "all, or none: our own checkers off, only the sanitizers judge (default all)")
      ->type_name("WHICH");
  app->add_option("--out", out, "Folder for corpus, findings and logs (default: out)")
      ->type_name("DIR");
  app->add_flag("--keep-going", options.keep_going,
                "After a finding, start the job again for the rest of its time");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  for (const std::string& target : list_items(target_lists)) matrix.targets.push_back(target);
  for (const std::string& target : matrix.targets) {
    require_known("target", target, project.targets());
  }
  if (defect) {
    require_known("defect", *defect, project.defects());
    matrix.defects = {*defect};
  }
  matrix.sanitizers = list_items(sanitizer_lists);
  for (const std::string& name : matrix.sanitizers) require_known("sanitizer", name, sanitizers());
  require_known("value of --engine", engine, {"libfuzzer", "afl"});
  const bool afl = engine == "afl";
  if (afl) {
    request.engine = Engine::kAfl;
    for (const std::string& name : matrix.sanitizers) {
      if (name != "asan" && name != "release")
        throw UsageError(
            fmt::format("--engine afl runs under asan and release, not under {}", name));
    }
    require_engine(request.engine);
  }
  require_known("value of --checks", options.checks, {"all", "none"});
  options.seconds = optional_number("--time", seconds, 1, kMostNumber);
  options.runs = optional_number("--runs", runs, 1, kMostNumber);
  options.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  matrix.seed = optional_number("--seed", seed, 1, kMostNumber);  // 0 is "any" to libFuzzer
  matrix.trials = optional_number("--trials", trials, 1, 100'000).value_or(0);
  matrix.configurations = {configuration_of(request.engine)};
  request.patch = patch;
  options.seeds = !no_seeds;

  if (matrix.targets.empty()) {
    matrix.targets = default_targets(project, defect || patch);
    if (matrix.targets.empty()) {
      throw EnvironmentError("the checkout holds no fuzz target (fuzz/targets/*_fuzzer.cc)");
    }
  }
  std::sort(matrix.targets.begin(), matrix.targets.end());
  matrix.targets.erase(std::unique(matrix.targets.begin(), matrix.targets.end()),
                       matrix.targets.end());
  if (matrix.sanitizers.empty()) {
    matrix.sanitizers = {"asan"};
    // What AFL++ finds, the others start from.
    if (!defect && !patch && !afl) matrix.sanitizers = {"asan", "tsan", "msan"};
  }
  if (!options.seconds && !options.runs) options.seconds = kDefaultSeconds;
  if (matrix.trials > 0 && options.keep_going) {
    throw UsageError("--keep-going and --trials exclude each other: a trial ends with its finding");
  }
  if (out && out->empty()) throw UsageError("--out needs the name of a folder");
  options.out = out ? fs::absolute(*out).lexically_normal() : project.root() / "out";
  return request;
}

// Seeds with mistakes would end the campaign after a long build: better before it.
void check_seeds(const Project& project, const Request& request) {
  if (!request.campaign.seeds) return;
  for (const std::string& target : request.matrix.targets) {
    for (const fs::path& seed : seed_files(project, target)) {
      assemble(Project::shown(seed), target, read_file(seed));
    }
  }
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  Request request = read_request(project, arguments);
  CampaignOptions& options = request.campaign;
  ActivePatches active(project);
  if (request.patch)
    request.matrix.defects = {active.add_file(request.matrix.defects.front(), *request.patch)};
  options.specs = job_specs(request.matrix);
  check_seeds(project, request);
  make_output_folder(options.out);

  Progress progress;
  build_jobs(project, options.specs, progress);
  Campaign campaign(project, options, progress);
  campaign.on_job_end = [&](const JobResult& result) {
    if (result.trial > 0 && !request.json) {
      progress.clear();  // the block is drawn again at once
      fmt::print("{}\n", trial_line(result));
      std::fflush(stdout);
    } else if (!progress.live()) {
      progress.note(result.trial > 0 ? trial_line(result) : end_line(result));
    }
  };
  campaign.run();
  int code = exit_code(campaign);
  if (request.json) {
    nlohmann::json result = json_result(project, campaign, code);
    fmt::print("{}\n", json_text(result));
  } else {
    if (request.matrix.trials > 0) fmt::print("\n");
    print_result(project, campaign);
  }
  return code;
}

}  // namespace

const Verb kFuzzVerb = {"fuzz", "fuzz targets under sanitizers, and say how to reproduce findings",
                        run};

}  // namespace tool
