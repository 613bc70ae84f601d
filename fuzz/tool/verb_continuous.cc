// continuous: fuzzes until it is stopped, files what it finds, and goes on where it stood.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/continuous.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kContinuousVerb;

namespace {

constexpr uint64_t kYear = 366ull * 86'400;

// "userq_fuzzer=4": name and number.
std::pair<std::string, double> parse_weight(const std::string& text,
                                            const std::vector<std::string>& known) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw UsageError(
        fmt::format("--weight takes NAME=NUMBER, as in userq_fuzzer=4, not '{}'", printable(text)));
  }
  const std::string name = text.substr(0, equals);
  require_known("target or sanitizer", name, known);
  return {name, static_cast<double>(number("--weight", text.substr(equals + 1), 1, 1000))};
}

ContinuousOptions read_options(const Project& project, const std::vector<std::string>& arguments) {
  ContinuousOptions options;
  options.weights = {{std::string(kMainTarget), 4}, {"asan", 3}, {"tsan", 2}};
  std::vector<std::string> target_lists;
  std::vector<std::string> sanitizer_lists;
  std::vector<std::string> weights;
  std::optional<std::string> jobs;
  std::optional<std::string> slice;
  std::optional<std::string> time;
  std::optional<std::string> slices;
  std::optional<std::string> disk;
  std::optional<std::string> memory;
  std::optional<std::string> seed;
  std::optional<std::string> store;
  auto app = command_line(
      kContinuousVerb,
      "Fuzzes all targets in turn until it is stopped (SIGTERM or Ctrl-C), from one shared corpus "
      "that is kept small. New bugs are minimized and filed once each. Everything is kept in a "
      "folder, the store: called again, also after a kill or a full disk, it goes on where it "
      "stood. When the sources change it builds anew and looks which bugs are still there. "
      "STORE/status.html shows how it stands, and so does './fencebench status'.",
      "  ./fencebench continuous --jobs 2\n"
      "  ./fencebench continuous --store /srv/fence --time 28800 --weight userq_fuzzer=6,tsan=3");
  app->add_option("TARGET", options.targets,
                  "Targets (default: all but canary_fuzzer and empty_fuzzer)");
  add_list(*app, "--target", target_lists, "Targets likewise");
  add_list(
      *app, "--sanitizer", sanitizer_lists,
      "asan, tsan, msan, release (default: asan,tsan,msan); the first one judges when a corpus "
      "is pruned");
  add_list(*app, "--weight", weights,
           "NAME=N of targets and sanitizers: shares of the time (default: userq_fuzzer=4,asan=3,"
           "tsan=2, all others 1)");
  app->add_option("--store", store, "Folder for everything (default: out/continuous)")
      ->type_name("DIR");
  app->add_option("--jobs", jobs, "Processes at a time (default: number of cores)")->type_name("N");
  app->add_option("--slice", slice, "Seconds of fuzzing at a time (default 60)")
      ->type_name("SECONDS");
  app->add_option("--time", time, "Stop after so many seconds (default: never)")
      ->type_name("SECONDS");
  app->add_option("--slices", slices, "Stop after so many slices (default: never)")->type_name("N");
  app->add_option("--max-disk", disk, "What the store may hold (default 2048)")->type_name("MB");
  app->add_option("--max-memory", memory, "What a process may take (default 2560)")
      ->type_name("MB");
  app->add_option("--seed", seed, "Where the slices' seeds start to count (default 1)")
      ->type_name("N");
  parse(*app, arguments);

  for (const std::string& target : list_items(target_lists)) options.targets.push_back(target);
  for (const std::string& target : options.targets) {
    require_known("target", target, project.targets());
  }
  if (options.targets.empty()) {
    for (const std::string& name : project.targets()) {
      if (target_info(name).by_default) options.targets.push_back(name);
    }
  }
  std::sort(options.targets.begin(), options.targets.end());
  options.targets.erase(std::unique(options.targets.begin(), options.targets.end()),
                        options.targets.end());
  options.sanitizers = list_items(sanitizer_lists);
  for (const std::string& name : options.sanitizers) require_known("sanitizer", name, sanitizers());
  if (options.sanitizers.empty()) options.sanitizers = {"asan", "tsan", "msan"};
  std::vector<std::string> weighable = project.targets();
  weighable.insert(weighable.end(), sanitizers().begin(), sanitizers().end());
  for (const std::string& text : list_items(weights)) {
    auto [name, value] = parse_weight(text, weighable);
    options.weights[name] = value;
  }
  options.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  options.slice_seconds =
      static_cast<double>(optional_number("--slice", slice, 2, 86'400).value_or(60));
  if (auto value = optional_number("--time", time, 1, kYear)) {
    options.seconds = static_cast<double>(*value);
  }
  options.slices = optional_number("--slices", slices, 1, 1'000'000'000);
  options.disk_mb = optional_number("--max-disk", disk, 1, 1 << 30).value_or(options.disk_mb);
  options.memory_mb = static_cast<unsigned>(
      optional_number("--max-memory", memory, 64, 1 << 24).value_or(options.memory_mb));
  options.seed = optional_number("--seed", seed, 1, 1'000'000'000).value_or(options.seed);
  if (store && store->empty()) throw UsageError("--store needs the name of a folder");
  options.store =
      store ? fs::absolute(*store).lexically_normal() : project.root() / "out" / "continuous";
  return options;
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  const ContinuousOptions options = read_options(project, arguments);
  make_output_folder(options.store);
  Progress progress;
  Continuous continuous(project, options, progress);
  const int code = continuous.run();
  fmt::print("{}\n", continuous.status());
  return code;
}

}  // namespace

const Verb kContinuousVerb = {"continuous", "fuzz until stopped, file what is found, resume", run};

}  // namespace tool
