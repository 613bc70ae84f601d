// hunt: how fast which defects are found, and by whom; candidates for a fix; mutants.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/hunt.h"
#include "fuzz/tool/hunt_replay.h"
#include "fuzz/tool/hunt_report.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/quarries.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kHuntVerb;

namespace {

constexpr uint64_t kMostNumber = 2'147'483'647;  // libFuzzer's flags are ints

// Without --trials and --time: for the catalogue, and for patches, of which one wants to know soon.
constexpr uint64_t kTrials = 10;
constexpr uint64_t kSeconds = 60;
constexpr uint64_t kTrialsOfPatches = 4;
constexpr uint64_t kSecondsOfPatches = 8;

struct Request {
  QuarryRequest quarry;
  HuntOptions hunt;
  bool replay = false;
  bool json = false;
  bool patches() const { return !quarry.patches.empty(); }
};

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  HuntOptions& options = request.hunt;
  std::vector<std::string> defect_lists;
  std::vector<std::string> target_lists;
  std::vector<std::string> sanitizer_lists;
  std::vector<std::string> configuration_lists;
  std::vector<std::string> patches;
  std::optional<std::string> folder;
  std::optional<std::string> trials;
  std::optional<std::string> seconds;
  std::optional<std::string> runs;
  std::optional<std::string> jobs;
  std::optional<std::string> seed;
  std::optional<std::string> corpus;
  std::optional<std::string> out;
  bool correct = false;
  auto app = command_line(
      kHuntVerb,
      "Puts defects back, one after the other, and measures how long fuzzing takes to find each: "
      "trials with a seed and a corpus of their own, each a line in the results. Goes on where it "
      "was stopped. With patches: which verdicts remain on the core with each, the best first.",
      "  ./fencebench hunt                              # the whole catalogue, 10 trials of 60 s\n"
      "  ./fencebench hunt queue-no-refcount --configuration fencebench,bytes,pct,afl --trials 30\n"
      "  ./fencebench hunt leak-signaled-at-create --patches core/fixes/leak-signaled-at-create\n"
      "  ./fencebench mutants /tmp/mutants && ./fencebench hunt --patches /tmp/mutants --once-each "
      "--trials 1 --time 30");
  app->add_option("DEFECT", request.quarry.defects,
                  "Defects of the catalogue, 'none' for the correct core (default: all of them)");
  app->add_option("--patch", patches,
                  "A change to the core to hunt on; on the defect, if one is "
                  "named")
      ->type_name("FILE");
  app->add_option("--patches", folder, "Likewise, each patch in the folder")->type_name("DIR");
  app->add_flag("--correct", correct, "The correct core as well, with the same settings");
  add_list(*app, "--target", target_lists, "Targets (default: what each reproducer is for)");
  add_list(*app, "--sanitizer", sanitizer_lists,
           "asan, tsan, msan, release (default: what each reproducer is for)");
  add_list(*app, "--configuration", configuration_lists,
           "Ways to fuzz, to be compared: fencebench; bytes, libFuzzer's mutation of bytes alone; "
           "random and pct, schedules that are not in the input; afl (default: fencebench)");
  app->add_option(
         "--trials", trials,
         fmt::format("Trials of each (default {}; with patches {})", kTrials, kTrialsOfPatches))
      ->type_name("N");
  app->add_option("--time", seconds,
                  fmt::format("Seconds a trial at most (default {}; with patches {}; with --runs: "
                              "no limit)",
                              kSeconds, kSecondsOfPatches))
      ->type_name("SECONDS");
  app->add_option("--runs", runs, "Executions a trial at most; the same results every time")
      ->type_name("N");
  app->add_option("--seed", seed, "Seed of the first trial; the others count up (default 1)")
      ->type_name("N");
  app->add_option("--corpus", corpus,
                  "empty, or seeds: start from corpus/TARGET (default: empty; with patches seeds)")
      ->type_name("WHICH");
  app->add_option("--checks", options.checks, "all, or none: our own checkers off (default all)")
      ->type_name("WHICH");
  app->add_flag("--once-each", options.once_each,
                "What has been found once is not hunted any more (mutants)");
  app->add_flag("--replay", request.replay,
                "Only execute the reproducers, in every build, with our checkers and without: who "
                "sees what (for 'report')");
  app->add_option("--jobs", jobs, "Trials at a time (default: number of cores)")->type_name("N");
  app->add_option("--out", out, "Folder for results.jsonl, findings and logs (default: out/hunt)")
      ->type_name("DIR");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.quarry.defects = list_items(request.quarry.defects);
  for (const std::string& file : patches) request.quarry.patches.emplace_back(file);
  if (folder) {
    for (const fs::path& file : patches_in(*folder)) request.quarry.patches.push_back(file);
  }
  request.quarry.targets = list_items(target_lists);
  for (const std::string& name : request.quarry.targets)
    require_known("target", name, project.targets());
  request.quarry.sanitizers = list_items(sanitizer_lists);
  for (const std::string& name : request.quarry.sanitizers)
    require_known("sanitizer", name, sanitizers());
  if (request.quarry.defects.empty() && !request.patches())
    request.quarry.defects = project.defects();
  if (correct) request.quarry.defects.emplace_back(kCorrectCore);
  for (const std::string& name : list_items(configuration_lists))
    options.configurations.push_back(configuration_of(name));
  if (options.configurations.empty()) options.configurations = {configurations().front()};
  for (const Configuration& configuration : options.configurations)
    require_engine(configuration.engine);
  require_known("value of --checks", options.checks, {"all", "none"});
  if (corpus) require_known("value of --corpus", *corpus, {"empty", "seeds"});
  options.seeds = corpus ? *corpus == "seeds" : request.patches();
  options.trials = optional_number("--trials", trials, 1, 100'000)
                       .value_or(request.patches() ? kTrialsOfPatches : kTrials);
  options.seconds = optional_number("--time", seconds, 1, kMostNumber);
  options.runs = optional_number("--runs", runs, 1, kMostNumber);
  if (!options.seconds && !options.runs)
    options.seconds = request.patches() ? kSecondsOfPatches : kSeconds;
  options.seed = optional_number("--seed", seed, 1, kMostNumber).value_or(1);
  options.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  options.out = out ? fs::absolute(*out).lexically_normal() : project.root() / "out/hunt";
  return request;
}

int replay(const Project& project, const Request& request, const std::vector<Defect>& catalogue,
           Progress& progress) {
  std::vector<Defect> chosen;
  for (const Defect& defect : catalogue) {
    const std::vector<std::string>& names = request.quarry.defects;
    if (std::find(names.begin(), names.end(), defect.name) != names.end()) chosen.push_back(defect);
  }
  const std::vector<Replay> replays =
      replay_reproducers(project, chosen, request.hunt.jobs, progress);
  make_output_folder(request.hunt.out);
  HuntLog log(results_file(request.hunt.out));
  size_t seen = 0;
  for (const Replay& one : replays) {
    log.append(to_json(one));
    seen += !one.verdict.empty();
    if (!request.json) {
      fmt::print("{:<34} {:<7} checks={:<4}  {}\n", one.defect, one.build, one.checks,
                 one.verdict.empty() ? "clean" : printable(one.verdict));
    }
  }
  if (request.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const Replay& one : replays) list.push_back(to_json(one));
    fmt::print("{}\n", json_text({{"verb", "hunt"}, {"replays", list}}));
  }
  return seen > 0 ? kFound : kNothingFound;
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  Request request = read_request(project, arguments);
  const std::vector<Defect> catalogue = read_catalogue(project.root());
  Progress progress;
  if (request.replay) return replay(project, request, catalogue, progress);
  ActivePatches active(project);
  request.hunt.quarries = quarries_of(project, catalogue, request.quarry, active, progress);
  Hunt hunt(project, request.hunt, progress);
  hunt.on_group_end = [&](const TrialGroup& group, const std::vector<Trial>& trials) {
    const std::string line = group_line(group, trials);
    if (request.json) return progress.note(line);
    progress.clear();  // the block is drawn again at once
    fmt::print("{}\n", line);
    std::fflush(stdout);
  };
  if (hunt.taken_over() > 0)
    progress.note(fmt::format("{} trials are known from before", with_commas(hunt.taken_over())));
  hunt.run();

  const HuntSummary summary = summarize(hunt.trials());
  const bool found = std::any_of(hunt.trials().begin(), hunt.trials().end(),
                                 [](const Trial& trial) { return trial.detected; });
  const bool trouble = std::any_of(hunt.trials().begin(), hunt.trials().end(),
                                   [](const Trial& trial) { return !trial.error.empty(); });
  const int code = found ? kFound : trouble ? kEnvironmentAtFault : kNothingFound;
  // Mutants are many and one counts what is left; of candidates for a fix each has its story.
  const bool ranking = request.patches() && summary.mutants.empty();
  const std::vector<Candidate> candidates =
      ranking ? rank_candidates(hunt) : std::vector<Candidate>();
  if (request.json) {
    fmt::print("{}\n", json_text(ranking ? json_result(candidates, code)
                                         : json_result(hunt, summary, code)));
    return code;
  }
  fmt::print("\n{}", ranking ? candidates_text(project, candidates)
                             : hunt_text(summary, hunt.trials(), catalogue));
  if (!ranking) {
    for (const auto& [label, why] : hunt.broken())
      fmt::print("DOES NOT BUILD: {}: {}\n", printable(label), printable(why));
  }
  if (hunt.stopped()) fmt::print("stopped; the same command goes on\n");
  fmt::print("results: {}\n", printable(Project::shown(results_file(request.hunt.out))));
  return code;
}

}  // namespace

const Verb kHuntVerb = {"hunt", "measure how fast defects, mutants or candidate fixes are found",
                        run};

}  // namespace tool
