#include "fuzz/tool/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMostLogBytes = 64 << 20;  // a target may print at each execution
constexpr uint64_t kMostRestarts = 10'000;
constexpr uint64_t kDefaultTrialSeed = 1;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The file libFuzzer left: crash-*, leak-*, timeout-*, oom-*. A slow-unit-* is no finding.
fs::path artifact_in(const fs::path& folder) {
  for (const std::string& name : files_in(folder)) {
    for (std::string_view kind : {"crash-", "leak-", "timeout-", "oom-"}) {
      if (name.starts_with(kind)) return folder / name;
    }
  }
  return {};
}

// "1.2M" and the like: status lines of a running job need no more.
std::string rough(uint64_t number) {
  if (number < 10'000) return std::to_string(number);
  if (number < 1'000'000) return fmt::format("{}k", number / 1000);
  return fmt::format("{:.1f}M", static_cast<double>(number) / 1e6);
}

}  // namespace

double JobResult::executions_per_second() const {
  return seconds > 0 ? static_cast<double>(executions) / seconds : 0;
}

struct Campaign::Job {
  enum class State { kWaiting, kRunning, kConfirming, kOver };

  JobResult result;
  State state = State::kWaiting;
  fs::path folder;     // of its own, in the scratch folder
  fs::path artifacts;  // below it, new for each start
  uint64_t starts = 0;
  LibFuzzerLog log;  // of the current child
  std::FILE* log_file = nullptr;
  uint64_t logged = 0;
  Clock::time_point first_start;
  Clock::time_point child_start;
  Clock::time_point last_status;
  std::optional<double> report_after;  // seconds from the child's start to its report
  bool reporting_when_stopped = false;
  LibFuzzerLog confirm_log;

  ~Job() {
    if (log_file != nullptr) std::fclose(log_file);
  }
};

Campaign::Campaign(const Project& project, CampaignOptions options, Progress& progress)
    : project_(project),
      options_(std::move(options)),
      progress_(progress),
      scratch_(options_.out),
      started_(Clock::now()) {
  for (const std::string& target : options_.targets) {
    for (const std::string& sanitizer : options_.sanitizers) {
      for (uint64_t trial = 0; trial < std::max<uint64_t>(options_.trials, 1); trial++) {
        auto job = std::make_unique<Job>();
        job->result.target = target;
        job->result.sanitizer = sanitizer;
        job->result.seed = options_.seed;
        if (options_.trials > 0) {
          job->result.trial = trial + 1;
          job->result.seed = options_.seed.value_or(kDefaultTrialSeed) + trial;
        }
        job->folder = scratch_.path() / fmt::format("job-{}", jobs_.size());
        jobs_.push_back(std::move(job));
      }
    }
  }
}

Campaign::~Campaign() = default;

std::vector<JobResult> Campaign::results() const {
  std::vector<JobResult> results;
  for (const auto& job : jobs_) results.push_back(job->result);
  return results;
}

// corpus/<target>: text becomes bytes, everything else is taken as it is.
void Campaign::assemble_seeds() {
  for (const std::string& target : options_.targets) {
    fs::path from = project_.root() / "corpus" / target;
    fs::path to = scratch_.path() / "seeds" / target;
    fs::create_directories(to);
    if (!options_.seeds) continue;
    for (const std::string& name : files_in(from)) {
      std::vector<uint8_t> bytes = assemble(from / name, target, read_file(from / name));
      write_file(to / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
}

void Campaign::run() {
  started_ = Clock::now();
  assemble_seeds();
  bool stopping = false;
  while (true) {
    auto active = std::count_if(jobs_.begin(), jobs_.end(), [](const auto& job) {
      return job->state == Job::State::kRunning || job->state == Job::State::kConfirming;
    });
    for (auto& job : jobs_) {
      if (stopping || active >= static_cast<long>(options_.jobs)) break;
      if (job->state != Job::State::kWaiting) continue;
      start(*job);
      active++;
    }
    if (supervisor_.running() == 0) break;
    if (interrupted() && !stopping) {
      stopping = true;
      stopped_ = true;
      for (auto& job : jobs_) job->reporting_when_stopped = job->log.reporting();
      // libFuzzer ends at SIGUSR1 after the current execution. At SIGINT it ends within the
      // handler, where what it does is a finding to ThreadSanitizer.
      supervisor_.stop_all(std::chrono::seconds(3), SIGUSR1);
    }
    draw();
    supervisor_.step(std::chrono::milliseconds(200));
  }
  progress_.clear();
}

std::vector<std::string> Campaign::arguments(const Job& job) const {
  const JobResult& result = job.result;
  std::vector<std::string> argv = {
      project_.binary(result.sanitizer, result.target, options_.defect).string(),
      "-print_final_stats=1",
      fmt::format("-artifact_prefix={}/", job.artifacts.string()),
      fmt::format("-timeout={}", kTimeoutSeconds),
      fmt::format("-rss_limit_mb={}", kMemoryLimitMb),
  };
  if (options_.seconds) {
    double left = static_cast<double>(*options_.seconds) - seconds_since(job.first_start);
    argv.push_back(fmt::format("-max_total_time={}", std::max(1L, std::lround(left))));
  }
  if (options_.runs) argv.push_back(fmt::format("-runs={}", *options_.runs - result.executions));
  // A restart with the same seed would find the same again.
  if (result.seed) argv.push_back(fmt::format("-seed={}", *result.seed + job.starts - 1));
  if (options_.trials > 0 || !options_.seeds) {
    argv.push_back((job.folder / "corpus").string());
  } else {
    std::string variant = result.sanitizer;
    if (!options_.defect.empty()) variant += "-" + options_.defect;
    argv.push_back((options_.out / "corpus" / result.target / variant).string());
  }
  fs::create_directories(argv.back());
  argv.push_back((scratch_.path() / "seeds" / result.target).string());
  return argv;
}

void Campaign::start(Job& job) {
  job.result.started = true;
  job.first_start = Clock::now();
  JobResult& result = job.result;
  std::string name = result.target + "-" + result.sanitizer;
  if (!options_.defect.empty()) name += "-" + options_.defect;
  if (result.trial > 0) name += fmt::format("-{}", result.trial);
  fs::create_directories(options_.out / "logs");
  result.log = options_.out / "logs" / (name + ".log");
  job.log_file = std::fopen(result.log.c_str(), "we");
  if (!progress_.live() && options_.trials == 0) {
    progress_.note(fmt::format("{} {}: started", result.target, result.sanitizer));
  }
  start_child(job);
}

void Campaign::start_child(Job& job) {
  job.starts++;
  job.state = Job::State::kRunning;
  job.log = LibFuzzerLog();
  job.report_after.reset();
  job.artifacts = job.folder / fmt::format("artifacts-{}", job.starts);
  fs::create_directories(job.artifacts);
  job.child_start = job.last_status = Clock::now();

  Command command;
  command.argv = arguments(job);
  command.cwd = job.folder;
  command.env = target_environment(project_, {.sanitizer = job.result.sanitizer,
                                              .checks = options_.checks,
                                              .trace = false,
                                              .symbolize = true});
  if (options_.seconds) {
    // libFuzzer looks at its clock between executions only.
    command.deadline = std::chrono::seconds(*options_.seconds + 2 * kTimeoutSeconds + 60);
  }
  try {
    supervisor_.start(
        command, [this, &job](std::string_view line) { on_line(job, line); },
        [this, &job](const Exit& exit) { on_exit(job, exit); });
  } catch (const SpawnError& error) {
    job.result.broken = error.what();
    end(job);
  }
}

void Campaign::on_line(Job& job, std::string_view line) {
  uint64_t before = job.log.executions();
  job.log.line(line);
  if (job.log.executions() != before) job.last_status = Clock::now();
  if (job.log.reporting() && !job.report_after) job.report_after = seconds_since(job.child_start);
  if (job.log_file != nullptr && job.logged < kMostLogBytes) {
    job.logged += line.size() + 1;
    std::fwrite(line.data(), 1, line.size(), job.log_file);
    std::fputc('\n', job.log_file);
  }
}

bool Campaign::may_go_on(const Job& job) const {
  if (!options_.keep_going || options_.trials > 0 || stopped_ || interrupted()) return false;
  // Without a single execution the next start would end the same way.
  if (job.starts >= kMostRestarts || job.log.executions() == 0) return false;
  if (options_.runs && job.result.executions >= *options_.runs) return false;
  return !options_.seconds ||
         seconds_since(job.first_start) + 1 <= static_cast<double>(*options_.seconds);
}

void Campaign::on_exit(Job& job, const Exit& exit) {
  JobResult& result = job.result;
  uint64_t executions_before = result.executions;
  double seconds_before = result.seconds;
  result.executions += job.log.executions();
  result.seconds += exit.seconds;
  result.edges = std::max(result.edges, job.log.edges());
  result.features = std::max(result.features, job.log.features());
  result.corpus = std::max(result.corpus, job.log.corpus());
  result.peak_rss_mb = std::max(result.peak_rss_mb, job.log.rss_mb());
  if (result.leak_check_off_at == 0) result.leak_check_off_at = job.log.leak_check_off_at();
  if (!result.seed) result.seed = job.log.seed();
  if (job.log_file != nullptr) std::fflush(job.log_file);

  fs::path artifact = artifact_in(job.artifacts);
  std::optional<Verdict> verdict = judge(job.log.report(), project_.root());
  if (!verdict && !artifact.empty()) {
    // The report was lost, the input was not.
    std::string name = artifact.filename().string();
    verdict = Verdict{.detector = "libFuzzer",
                      .kind = name.substr(0, name.find('-')),
                      .place = "",
                      .summary = ""};
  }
  // What is said only after the request to stop, and has no input, is about the stopping.
  bool from_stopping = exit.stopped && artifact.empty() && !job.reporting_when_stopped;
  if (verdict && !from_stopping) {
    if (!result.verdict) {
      result.verdict = verdict;
      result.executions_to_finding = executions_before + job.log.executions();
      result.seconds_to_finding = seconds_before + job.report_after.value_or(exit.seconds);
    }
    result.findings++;
    collect(job, *verdict, artifact);
    return;
  }
  if (exit.stopped) {
    result.interrupted = true;
  } else if (!exit.clean() || !job.log.finished()) {
    std::string when = job.log.loaded()
                           ? fmt::format("after {} executions", with_commas(job.log.executions()))
                           : "before it had loaded its corpus";
    result.broken = fmt::format("{} {}, without a report", exit.describe(), when);
    constexpr size_t kLastWords = 5;
    const std::deque<std::string>& tail = job.log.tail();
    for (size_t i = tail.size() - std::min(tail.size(), kLastWords); i < tail.size(); i++) {
      result.last_words.push_back(printable(tail[i]));
    }
  }
  end(job);
}

// A new verdict is stored (after one more execution); a known one is counted.
void Campaign::collect(Job& job, const Verdict& verdict, const fs::path& artifact) {
  JobResult& result = job.result;
  auto known = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& finding) {
    return finding.comment.target == result.target && finding.verdict == verdict;
  });
  if (known != findings_.end()) {
    known->count++;
    known->sanitizers.insert(result.sanitizer);
    return may_go_on(job) ? start_child(job) : end(job);
  }

  Finding finding;
  finding.verdict = verdict;
  finding.sanitizers = {result.sanitizer};
  finding.comment = {.target = result.target,
                     .sanitizer = result.sanitizer,
                     .defect = options_.defect,
                     .checks = options_.checks,
                     .seed = job.log.seed(),
                     .trace = "",
                     .verdict = verdict.text()};
  finding.details = report_details(job.log.report());
  finding.executions = result.executions;
  finding.seconds = result.seconds;
  findings_.push_back(finding);
  size_t index = findings_.size() - 1;
  const std::vector<std::string> report = job.log.report();
  if (artifact.empty()) {
    store_files(findings_[index], {}, report);
    return may_go_on(job) ? start_child(job) : end(job);
  }

  // What is stored is executed, not what libFuzzer left: it goes through its text, if it has one.
  std::string bytes = read_file(artifact);
  std::string content = bytes;
  text_form::Form form = target_info(result.target).form;
  if (form != text_form::Form::kBytes) {
    content = text_form::disassemble(result.target, {bytes.begin(), bytes.end()});
    std::vector<uint8_t> assembled =
        assemble(std::string("finding") + text_form::extension(form), result.target, content);
    bytes.assign(assembled.begin(), assembled.end());
  }
  findings_[index].bytes = bytes.size();
  fs::path input = job.folder / "finding";
  write_file(input, bytes);
  Command again = replay_command(
      project_, project_.binary(result.sanitizer, result.target, options_.defect), input,
      {.sanitizer = result.sanitizer, .checks = options_.checks, .trace = true, .symbolize = true});
  again.cwd = job.folder;
  job.confirm_log = LibFuzzerLog();
  job.state = Job::State::kConfirming;
  try {
    supervisor_.start(
        again, [&job](std::string_view line) { job.confirm_log.line(line); },
        [this, &job, index, content, report](const Exit& exit) {
          Finding& found = findings_[index];
          Outcome outcome = outcome_of(job.confirm_log, exit, project_);
          found.reproduced = outcome.verdict == found.verdict;
          found.again = exit.stopped ? "it was stopped" : outcome.text();
          if (!outcome.traces.empty()) found.comment.trace = outcome.traces.back().hash;
          store_files(found, content, report);
          return may_go_on(job) ? start_child(job) : end(job);
        });
  } catch (const SpawnError& error) {
    findings_[index].again = error.what();
    store_files(findings_[index], content, report);
    end(job);
  }
}

void Campaign::store_files(Finding& finding, const std::optional<std::string>& content,
                           const std::vector<std::string>& report) {
  std::vector<std::string> notes = {
      finding.verdict.text(),
      fmt::format("Found by {} after {} executions.", finding.comment.sanitizer,
                  with_commas(finding.executions))};
  if (!finding.reproduced) {
    notes.push_back(fmt::format("Not seen again when executed once more: {}.", finding.again));
  }
  FindingFiles files = store_finding(options_.out / "findings" / finding.comment.target,
                                     finding.comment, content, notes, report);
  finding.file = files.input;
  finding.report = files.report;
}

void Campaign::end(Job& job) {
  job.state = Job::State::kOver;
  std::error_code ignored;
  fs::remove_all(job.folder, ignored);
  if (on_job_end) on_job_end(job.result);
}

void Campaign::draw() {
  if (!progress_.live()) return;
  Table table(
      {"target", "sanitizer", "elapsed>", "executions>", "exec/s>", "edges>", "corpus>", ""});
  size_t waiting = 0;
  size_t over = 0;
  for (const auto& job : jobs_) {
    if (job->state == Job::State::kWaiting) waiting++;
    if (job->state == Job::State::kOver) over++;
    if (job->state != Job::State::kRunning && job->state != Job::State::kConfirming) continue;
    double elapsed = seconds_since(job->child_start);
    double known_for = std::chrono::duration<double>(job->last_status - job->child_start).count();
    // libFuzzer reports less and less often: in between, the count is carried on at the same rate,
    // once that is known.
    uint64_t executions = job->log.executions();
    bool rate_known = known_for >= 1;
    double rate = rate_known ? static_cast<double>(executions) / known_for : 0;
    bool old = elapsed - known_for > 1;
    if (old && rate_known) executions = static_cast<uint64_t>(rate * elapsed);
    std::string mark = !old ? "" : rate_known ? "~" : ">";
    const char* phase = job->state == Job::State::kConfirming ? "found one, running it again"
                        : job->log.reporting()                ? "reporting"
                        : job->log.loaded()                   ? ""
                                                              : "loading the corpus";
    std::string name = job->result.sanitizer;
    if (job->result.trial > 0) name += fmt::format(" #{}", job->result.trial);
    table.row({job->result.target, name, human_seconds(seconds_since(job->first_start)),
               mark + rough(executions), rate_known ? rough(static_cast<uint64_t>(rate)) : "",
               with_commas(job->log.edges()), with_commas(job->log.corpus()), phase});
  }
  std::vector<std::string> lines;
  std::string budget;
  if (options_.seconds) {
    budget = ", " + human_seconds(static_cast<double>(*options_.seconds)) + " a job";
  } else if (options_.runs) {
    budget = ", " + with_commas(*options_.runs) + " executions a job";
  }
  lines.push_back(fmt::format("{} so far{}: {} of {} jobs over, {} waiting, {} findings",
                              human_seconds(seconds_since(started_)), budget, over, jobs_.size(),
                              waiting, findings_.size()));
  if (!table.empty()) {
    for (std::string& line : split(table.text(), '\n')) {
      if (!line.empty()) lines.push_back(std::move(line));
    }
  }
  progress_.block(lines);
}

}  // namespace tool
