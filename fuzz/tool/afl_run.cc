#include "fuzz/tool/afl_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <tuple>

#include "fuzz/tool/corpus_folders.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

constexpr size_t kLongestTail = 30;
constexpr auto kPollEvery = std::chrono::seconds(2);

// An input that AFL++ may start from where there is no other; no target makes much of it.
constexpr std::string_view kNothing("\0\0\0\0", 4);

std::string read_if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? read_file(path) : "";
}

// Of what afl-fuzz prints in colours.
std::string without_escapes(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '\x1b') {
      if (text[i] != '\x0f') plain += text[i];  // back to the usual set of characters
      continue;
    }
    const size_t end = text.find_first_of("ABCDHJKSTfhlmsu", i + 1);
    if (end == std::string_view::npos) break;
    i = end;
  }
  return plain;
}

void append_option(Command& command, const std::string& variable, std::string_view option) {
  std::optional<std::string>& value = command.env[variable];
  value = value && !value->empty() ? fmt::format("{}:{}", *value, option) : std::string(option);
}

}  // namespace

fs::path find_afl() {
  std::vector<std::string> folders;
  for (const char* variable : {"AFL_PATH", "PATH"}) {
    const char* value = std::getenv(variable);
    for (const std::string& folder : split(value == nullptr ? "" : value, ':'))
      if (!folder.empty()) folders.push_back(folder);
  }
  for (const std::string& folder : folders) {
    const fs::path program = fs::absolute(fs::path(folder) / "afl-fuzz");
    std::error_code ignored;
    if (fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0)
      return program;
  }
  throw EnvironmentError(
      "AFL++ is not on this machine: no afl-fuzz in AFL_PATH or PATH. Install it: "
      "apt-get install afl++");
}

std::string afl_mutator(std::string_view target) {
  if (target == "program_fuzzer") return "afl_mutate_language";
  switch (target_info(target).form) {
    case text_form::Form::kProgram:
      return "afl_mutate_programs";
    case text_form::Form::kSteps:
      return "afl_mutate_steps";
    default:
      return "";
  }
}

fs::path AflRun::binary() const {
  return start_.project.binary(engine_preset(Engine::kAfl, start_.sanitizer), start_.target,
                               start_.defect);
}

Command AflRun::command() {
  const fs::path input = start_.folder / "in";
  std::vector<fs::path> from = start_.seeds;
  from.push_back(start_.corpus);
  // afl-fuzz may write to what it starts from.
  if (gather_inputs(from, input, Gather::kCopy) == 0) write_file(input / "nothing", kNothing);
  fs::create_directories(start_.corpus);

  Command command;
  // Names below its own folder: whatever the path to that holds, afl-fuzz has not to take it apart.
  command.cwd = start_.folder;
  // AddressSanitizer reserves terabytes of addresses, which AFL++ limits.
  const std::string memory = start_.sanitizer == "asan" ? "none" : std::to_string(start_.memory_mb);
  const std::string timeout = std::to_string(kTimeoutSeconds * 1000);
  command.argv = {find_afl().string(), "-i", "in", "-o", "out", "-m", memory, "-t", timeout};
  if (start_.seconds) {
    command.argv.insert(command.argv.end(), {"-V", std::to_string(*start_.seconds)});
    // Loading the corpus counts apart, and may take its time.
    command.deadline = std::chrono::seconds(2 * *start_.seconds + 4 * kTimeoutSeconds + 600);
  }
  if (start_.runs) command.argv.insert(command.argv.end(), {"-E", std::to_string(*start_.runs)});
  if (start_.seed) command.argv.insert(command.argv.end(), {"-s", std::to_string(*start_.seed)});
  command.argv.insert(command.argv.end(), {"--", binary().string()});

  command.env = target_environment(start_.project,
                                   {.sanitizer = engine_preset(Engine::kAfl, start_.sanitizer),
                                    .checks = start_.checks,
                                    .trace = false,
                                    .symbolize = false,
                                    .target_options = start_.target_options,
                                    .canary = start_.canary});
  // A finding is a signal to AFL++, never an exit status. It refuses to start without these two.
  for (const char* variable : {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"})
    append_option(command, variable, "abort_on_error=1");
  // Of sanitizers that are not built in, and it would refuse their options.
  for (const char* variable : {"MSAN_OPTIONS", "TSAN_OPTIONS"})
    command.env[variable] = std::nullopt;
  append_option(command, "FENCEBENCH_OPTIONS", "leak_check=1:die_with_parent=1");
  if (target_info(start_.target).form == text_form::Form::kProgram)
    append_option(command, "FENCEBENCH_OPTIONS", "conflicts=conflicts");

  command.env["AFL_NO_UI"] = "1";  // lines, not a screen
  // It would not start where the core pattern is a pipe, for which a crash may look like a hang.
  command.env["AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES"] = "1";
  command.env["AFL_SKIP_CPUFREQ"] = "1";  // nor where the frequency is scaled on demand
  command.env["AFL_NO_AFFINITY"] = "1";   // nor where every core has a job: --jobs says how many
  if (start_.until_finding) command.env["AFL_BENCH_UNTIL_CRASH"] = "1";
  if (const std::string mutator = afl_mutator(start_.target); !mutator.empty()) {
    // By a link: the variable is a list.
    const fs::path link = start_.folder / "mutator.so";
    fs::create_symlink(start_.project.build_folder("release") / "fuzz/targets" / (mutator + ".so"),
                       link);
    command.env["AFL_CUSTOM_MUTATOR_LIBRARY"] = "./mutator.so";
    command.env["AFL_CUSTOM_MUTATOR_ONLY"] = "1";  // it mixes bytes in where that is of use
  }
  return command;
}

// afl-fuzz passes over an input that fails before it has begun, and only prints that.
void AflRun::read_dry_run(std::string_view text) {
  constexpr std::string_view kTries = "Attempting dry run with '";
  constexpr std::string_view kOrigin = "orig:";
  if (const size_t at = text.find(kTries); at != std::string_view::npos) {
    text.remove_prefix(at + kTries.size());
    const size_t origin = text.find(kOrigin);
    const size_t end = text.rfind('\'');
    tried_.clear();
    if (origin < end && end != std::string_view::npos)
      tried_ = text.substr(origin + kOrigin.size(), end - origin - kOrigin.size());
    return;
  }
  if (tried_.empty() || tried_.find('/') != std::string::npos) return;
  for (const char* kind : {"crash", "timeout"}) {
    if (text.find(std::string("results in a ") + kind) == std::string_view::npos) continue;
    refused_.push_back({.input = start_.folder / "in" / tried_,
                        .kind = kind,
                        .report = {},
                        .reported = false,
                        .executions = 0,
                        .seconds = 0});
    tried_.clear();
  }
}

void AflRun::line(std::string_view text) {
  const std::string plain = without_escapes(text);
  if (!fuzzing_) read_dry_run(plain);
  if (plain.find("All set and ready to roll") != std::string::npos) fuzzing_ = true;
  if (plain.find("We're done here") != std::string::npos) finished_ = true;
  if (trim(plain).empty()) return;
  tail_.push_back(plain);
  if (tail_.size() > kLongestTail) tail_.pop_front();
}

void AflRun::poll() {
  const auto now = std::chrono::steady_clock::now();
  if (now - polled_ < kPollEvery) return;
  polled_ = now;
  read_queue(false);
}

// afl-fuzz takes its time with fuzzer_stats; the names in the queue tell more while it runs. All
// but the latest of its files are whole; the latest is when afl-fuzz is gone.
void AflRun::read_queue(bool all) {
  stats_ = parse_fuzzer_stats(read_if_there(output() / "fuzzer_stats"));
  if (const auto plot = parse_plot_data(read_if_there(output() / "plot_data"));
      plot && plot->executions > stats_.executions) {
    stats_.executions = plot->executions;
    stats_.edges = plot->edges;
    stats_.corpus = plot->corpus;
  }
  const fs::path queue = output() / "queue";
  std::vector<std::pair<AflName, std::string>> files;
  for (const std::string& file : files_in(queue))
    if (const auto name = parse_afl_name(file)) files.emplace_back(*name, file);
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.first.id < b.first.id; });
  queued_ = files.size();
  if (!files.empty()) last_found_ = files.back().first.executions;
  if (!all && !files.empty()) files.pop_back();
  for (const auto& [name, file] : files) {
    if (name.from_input || !imported_.insert(name.id).second) continue;
    add_input(start_.corpus, read_file(queue / file), start_.folder);
  }
}

int AflRun::stop_signal() const { return SIGINT; }

void AflRun::ended(const Exit&) { read_queue(true); }

EngineStatus AflRun::status() const {
  return {.executions = std::max(stats_.executions, last_found_),
          .edges = stats_.edges,
          .features = 0,
          .corpus = std::max(stats_.corpus, queued_),
          .rss_mb = stats_.rss_mb,
          .leak_check_off_at = 0,
          .stability = stats_.stability,
          .seed = start_.seed,
          .loaded = fuzzing_,
          .reporting = false,
          .finished = finished_};
}

std::vector<Suspect> AflRun::suspects() const {
  std::vector<Suspect> suspects = refused_;
  for (const auto& [folder, kind] :
       {std::pair{"crashes", "crash"}, std::pair{"hangs", "timeout"}}) {
    for (const std::string& file : files_in(output() / folder)) {
      const auto name = parse_afl_name(file);
      if (!name) continue;
      suspects.push_back({.input = output() / folder / file,
                          .kind = kind,
                          .report = {},
                          .reported = false,
                          .executions = name->executions,
                          .seconds = name->seconds});
    }
  }
  std::sort(suspects.begin(), suspects.end(), [](const Suspect& a, const Suspect& b) {
    return std::tie(a.executions, a.input) < std::tie(b.executions, b.input);
  });
  return suspects;
}

Command AflRun::replay(const fs::path& input) const {
  Command command = replay_command(start_.project, binary(), input,
                                   {.sanitizer = engine_preset(Engine::kAfl, start_.sanitizer),
                                    .checks = start_.checks,
                                    .trace = true,
                                    .symbolize = true});
  // AFL++'s driver takes no flags but the names of files.
  command.argv = {binary().string(), input.string()};
  command.deadline = std::chrono::seconds(2 * kTimeoutSeconds);
  append_option(command, "FENCEBENCH_OPTIONS", "leak_check=1");
  return command;
}

}  // namespace tool
