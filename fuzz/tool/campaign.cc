#include "fuzz/tool/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fuzz/tool/campaign_job.h"
#include "fuzz/tool/corpus_folders.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/shared_corpus.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMostLogBytes = 64 << 20;  // a target may print at each execution
constexpr uint64_t kMostRestarts = 10'000;

}  // namespace

double JobResult::executions_per_second() const {
  return seconds > 0 ? static_cast<double>(executions) / seconds : 0;
}

Campaign::Campaign(const Project& project, CampaignOptions options, Progress& progress)
    : project_(project),
      options_(std::move(options)),
      progress_(progress),
      commit_(revision_of(project.root()).text()),
      scratch_(options_.out),
      started_(Clock::now()) {
  for (const JobSpec& spec : options_.specs) {
    auto job = std::make_unique<Job>();
    static_cast<JobSpec&>(job->result) = spec;
    job->folder = scratch_.path() / fmt::format("job-{}", jobs_.size());
    jobs_.push_back(std::move(job));
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
  std::set<std::string> targets;
  for (const JobSpec& spec : options_.specs) targets.insert(spec.target);
  for (const std::string& target : targets) {
    fs::path to = scratch_.path() / "seeds" / target;
    fs::create_directories(to);
    if (!options_.seeds) continue;
    for (const fs::path& seed : seed_files(project_, target)) {
      std::vector<uint8_t> bytes = assemble(seed, target, read_file(seed));
      write_file(to / seed.filename(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
}

void Campaign::run() {
  started_ = Clock::now();
  take_leftovers();
  assemble_seeds();
  bool stopping = false;
  while (true) {
    auto active = std::count_if(jobs_.begin(), jobs_.end(), [](const auto& job) {
      return job->state == Job::State::kRunning || job->state == Job::State::kConfirming;
    });
    for (auto& job : jobs_) {
      if (stopping || active >= static_cast<long>(options_.jobs)) break;
      if (job->state != Job::State::kWaiting) continue;
      if (is_superfluous(*job)) {
        job->state = Job::State::kOver;
        continue;
      }
      start(*job);
      active++;
    }
    if (supervisor_.running() == 0) break;
    if (interrupted() && !stopping) {
      stopping = true;
      stopped_ = true;
      int signal = SIGINT;
      for (auto& job : jobs_) {
        if (job->run == nullptr) continue;
        job->run->stopping();
        signal = job->run->stop_signal();  // who takes it for another ends when the time is over
      }
      supervisor_.stop_all(std::chrono::seconds(3), signal);
    }
    poll();
    draw();
    supervisor_.step(std::chrono::milliseconds(200));
  }
  progress_.clear();
}

// Of campaigns that were killed: scratch_ holds `inputs/TARGET/VARIANT/START`, as below.
void Campaign::take_leftovers() {
  uint64_t added = 0;
  for (const fs::path& folder : abandoned_scratch(options_.out)) {
    for (const fs::path& target : folders_in(folder / "inputs")) {
      for (const fs::path& variant : folders_in(target)) {
        const fs::path corpus = options_.out / "corpus" / target.filename() / variant.filename();
        fs::create_directories(corpus);
        for (const fs::path& start : folders_in(variant)) {
          added += take_inputs(start, corpus).added;
        }
      }
    }
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  if (added > 0) {
    progress_.note(
        fmt::format("{} inputs taken over from a run that was killed", with_commas(added)));
  }
}

EngineStart Campaign::engine_start(const Job& job) const {
  const JobResult& result = job.result;
  EngineStart start{
      .project = project_,
      .target = result.target,
      .sanitizer = result.sanitizer,
      .defect = result.defect,
      .checks = options_.checks,
      .target_options = result.configuration.target_options,
      .canary = result.defect.empty() ? fs::path() : job.folder / "canary",
      .folder = job.start_folder(),
      .corpus = job.corpus,
      .inputs = job.inputs.empty() ? fs::path() : job.inputs / std::to_string(job.starts),
      .seeds = job.seeds,
      .seconds = {},
      .runs = {},
      .seed = {},
      .until_finding = !options_.keep_going};
  if (options_.seconds) {
    double left = static_cast<double>(*options_.seconds) - seconds_since(job.first_start);
    start.seconds = static_cast<uint64_t>(std::max(1L, std::lround(left)));
  }
  if (options_.runs) start.runs = *options_.runs - result.executions;
  // A restart with the same seed would find the same again.
  if (result.seed) start.seed = *result.seed + job.starts - 1;
  return start;
}

void Campaign::start(Job& job) {
  job.result.started = true;
  JobResult& result = job.result;
  std::string name = result.target + "-" + result.sanitizer;
  if (!result.defect.empty()) name += "-" + result.defect;
  if (result.trial > 0) name += fmt::format("-{}", result.trial);
  fs::create_directories(options_.out / "logs");
  if (result.configuration != configurations().front()) name += "-" + result.configuration.name;
  result.log = options_.out / "logs" / (name + ".log");
  job.log_file = std::fopen(result.log.c_str(), "we");
  choose_corpora(job);
  job.first_start = Clock::now();
  if (!progress_.live() && result.trial == 0) {
    progress_.note(fmt::format("{} {}: started", result.target, result.sanitizer));
  }
  start_child(job);
}

// Another has found the same defect.
bool Campaign::is_superfluous(const Job& job) const {
  return options_.once_each && std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& other) {
           return other->result.defect == job.result.defect &&
                  other->result.label == job.result.label && other->result.verdict;
         });
}

// A job starts from what all others of its target have found, and adds to a corpus of its own.
void Campaign::choose_corpora(Job& job) {
  const std::string& target = job.result.target;
  fs::create_directories(job.folder);
  job.corpus = job.folder / "corpus";
  if (job.result.trial == 0 && options_.seeds) {
    // What AFL++ finds is the same in each build.
    const bool afl = job.result.configuration.engine == Engine::kAfl;
    std::string variant = afl ? "afl" : job.result.sanitizer;
    if (!job.result.defect.empty()) variant += "-" + job.result.defect;
    job.corpus = options_.out / "corpus" / target / variant;
    job.inputs = scratch_.path() / "inputs" / target / variant;
    // Without what is there already: engines execute each file of each folder.
    const fs::path others = job.folder / "others";
    if (gather_inputs(corpora_beside(job.corpus), others, Gather::kLink, {job.corpus}) > 0)
      job.seeds.push_back(others);
  }
  job.seeds.push_back(scratch_.path() / "seeds" / target);
}

void Campaign::start_child(Job& job) {
  job.starts++;
  job.state = Job::State::kRunning;
  job.child_start = job.last_status = Clock::now();
  job.known_executions = 0;
  const EngineStart start = engine_start(job);
  try {
    fs::create_directories(start.folder);
    job.run = start_engine(job.result.configuration.engine, start);
    supervisor_.start(
        job.run->command(), [this, &job](std::string_view line) { on_line(job, line); },
        [this, &job](const Exit& exit) { on_exit(job, exit); });
  } catch (const SpawnError& error) {
    job.result.broken = error.what();
    end(job);
  }
}

void Campaign::on_line(Job& job, std::string_view line) {
  job.run->line(line);
  if (job.log_file != nullptr && job.logged < kMostLogBytes) {
    job.logged += line.size() + 1;
    std::fwrite(line.data(), 1, line.size(), job.log_file);
    std::fputc('\n', job.log_file);
  }
}

void Campaign::poll() {
  for (auto& job : jobs_) {
    if (job->state != Job::State::kRunning) continue;
    job->run->poll();
    const uint64_t executions = job->run->status().executions;
    if (executions != job->known_executions) job->last_status = Clock::now();
    job->known_executions = executions;
  }
}

bool Campaign::may_go_on(const Job& job) const {
  if (!options_.keep_going || job.result.trial > 0 || stopped_ || interrupted()) return false;
  // Without a single execution the next start would end the same way.
  if (job.starts >= kMostRestarts || job.run->status().executions == 0) return false;
  if (options_.runs && job.result.executions >= *options_.runs) return false;
  return !options_.seconds ||
         seconds_since(job.first_start) + 1 <= static_cast<double>(*options_.seconds);
}

void Campaign::on_exit(Job& job, const Exit& exit) {
  JobResult& result = job.result;
  job.run->ended(exit);
  const EngineStatus status = job.run->status();
  job.executions_before = result.executions;
  job.seconds_before = result.seconds;
  job.child_seconds = exit.seconds;
  result.executions += status.executions;
  result.seconds += exit.seconds;
  result.edges = std::max(result.edges, status.edges);
  result.features = std::max(result.features, status.features);
  result.corpus = std::max(result.corpus, status.corpus);
  result.peak_rss_mb = std::max(result.peak_rss_mb, status.rss_mb);
  if (result.leak_check_off_at == 0) result.leak_check_off_at = status.leak_check_off_at;
  if (status.stability)
    result.stability = std::min(result.stability.value_or(100), *status.stability);
  if (!result.seed) result.seed = status.seed;
  if (job.log_file != nullptr) std::fflush(job.log_file);
  if (status.cut_off > 0) {
    result.broken =
        fmt::format("{} new inputs could not be written whole and are lost; {} MB are free at '{}'",
                    with_commas(status.cut_off), free_bytes(options_.out) >> 20,
                    printable(Project::shown(options_.out)));
  }

  for (Suspect& suspect : job.run->suspects()) job.suspects.push_back(std::move(suspect));
  if (!job.suspects.empty()) return next_suspect(job);
  if (exit.stopped) {
    result.interrupted = true;
    return end(job);
  }
  if (!exit.clean() || !status.finished) {
    say_broken(job, exit);
    return end(job);
  }
  next_suspect(job);
}

void Campaign::say_broken(Job& job, const Exit& exit) {
  const EngineStatus status = job.run->status();
  std::string when = status.loaded
                         ? fmt::format("after {} executions", with_commas(status.executions))
                         : "before it had loaded its corpus";
  job.result.broken = fmt::format("{} {}, without a report", exit.describe(), when);
  constexpr size_t kLastWords = 5;
  const std::deque<std::string>& tail = job.run->tail();
  for (size_t i = tail.size() - std::min(tail.size(), kLastWords); i < tail.size(); i++) {
    job.result.last_words.push_back(printable(tail[i]));
  }
}

// One after the other; then the job goes on, or is over.
void Campaign::next_suspect(Job& job) {
  if (job.suspects.empty()) {
    std::error_code ignored;
    fs::remove_all(job.start_folder(), ignored);
    return may_go_on(job) ? start_child(job) : end(job);
  }
  Suspect suspect = std::move(job.suspects.front());
  job.suspects.pop_front();
  return suspect.reported ? judge_suspect(job, suspect) : examine(job, std::move(suspect));
}

// Executes `input` once on the job's binary; what it prints goes to job.again.
void Campaign::run_again(Job& job, const fs::path& input,
                         std::function<void(const Exit&)> when_over) {
  Command command = job.run->replay(input);
  command.cwd = job.folder;
  job.again = LibFuzzerLog();
  job.state = Job::State::kConfirming;
  supervisor_.start(
      command, [&job](std::string_view line) { job.again.line(line); }, std::move(when_over));
}

// The engine has seen that it fails, and nobody has seen how.
void Campaign::examine(Job& job, Suspect suspect) {
  suspect.reported = true;
  const fs::path input = suspect.input;
  auto examined = [this, &job, suspect](const Exit& exit) {
    // Once all children have been asked to stop, no other is.
    if (exit.stopped) return examine(job, suspect);
    Suspect known = suspect;
    known.report = job.again.report();
    if (exit.timed_out) known.kind = "timeout";
    judge_suspect(job, known);
  };
  try {
    run_again(job, input, examined);
  } catch (const SpawnError&) {
    judge_suspect(job, suspect);
  }
}

void Campaign::judge_suspect(Job& job, const Suspect& suspect) {
  JobResult& result = job.result;
  std::optional<Verdict> verdict = judge(suspect.report, project_.root());
  if (!verdict) {
    // The report was lost, the input was not.
    verdict = Verdict{.detector = std::string(engine_title(result.configuration.engine)),
                      .kind = suspect.kind,
                      .place = "",
                      .summary = ""};
  }
  if (!result.verdict) {
    result.verdict = verdict;
    result.executions_to_finding = job.executions_before + suspect.executions;
    result.seconds_to_finding = job.seconds_before + suspect.seconds.value_or(job.child_seconds);
  }
  result.findings++;
  collect(job, *verdict, suspect);
}

// A new bug is stored (after one more execution); a known one is counted.
void Campaign::collect(Job& job, const Verdict& verdict, const Suspect& suspect) {
  JobResult& result = job.result;
  const Signature signature = signature_of(verdict, suspect.report, result.target);
  if (result.signature.empty()) result.signature = signature.id;
  if (!result.configuration.replays) return next_suspect(job);
  auto known = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& finding) {
    return finding.comment.target == result.target && finding.comment.defect == result.defect &&
           finding.comment.signature == signature.id;
  });
  if (known != findings_.end()) {
    known->count++;
    known->sanitizers.insert(result.sanitizer);
    return next_suspect(job);
  }

  Finding finding;
  finding.verdict = verdict;
  finding.sanitizers = {result.sanitizer};
  finding.comment = {.target = result.target,
                     .sanitizer = result.sanitizer,
                     .defect = result.defect,
                     .checks = options_.checks,
                     .seed = job.run->status().seed,
                     .trace = "",
                     .verdict = verdict.text(),
                     .found = utc_now(),
                     .commit = commit_,
                     .signature = signature.id};
  finding.details = report_details(suspect.report);
  finding.executions = job.executions_before + suspect.executions;
  finding.seconds = job.seconds_before + suspect.seconds.value_or(job.child_seconds);
  findings_.push_back(finding);
  if (!suspect.input.empty()) return confirm(job, findings_.size() - 1, suspect);
  store_files(findings_.back(), {}, suspect.report);
  next_suspect(job);
}

// What is stored is executed, not what the engine left: it goes through its text, if it has one.
void Campaign::confirm(Job& job, size_t index, const Suspect& suspect) {
  const std::string& target = job.result.target;
  std::string bytes = read_file(suspect.input);
  std::string content = bytes;
  text_form::Form form = target_info(target).form;
  if (form != text_form::Form::kBytes) {
    content = text_form::disassemble(target, {bytes.begin(), bytes.end()});
    std::vector<uint8_t> assembled =
        assemble(std::string("finding") + text_form::extension(form), target, content);
    bytes.assign(assembled.begin(), assembled.end());
  }
  findings_[index].bytes = bytes.size();
  fs::path input = job.folder / "finding";
  write_file(input, bytes);
  const std::vector<std::string>& report = suspect.report;
  auto confirmed = [this, &job, index, content, report](const Exit& exit) {
    Finding& found = findings_[index];
    Outcome outcome = outcome_of(job.again, exit, project_);
    // What no target has reported can only fail again without a report.
    found.reproduced = outcome.verdict ? outcome.verdict == found.verdict
                                       : exit.timed_out && found.verdict.kind == "timeout";
    found.again = exit.stopped ? "it was stopped" : outcome.text();
    if (!outcome.traces.empty()) found.comment.trace = outcome.traces.back().hash;
    store_files(found, content, report);
    next_suspect(job);
  };
  try {
    run_again(job, input, confirmed);
  } catch (const SpawnError& error) {
    findings_[index].again = error.what();
    store_files(findings_[index], content, report);
    next_suspect(job);
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
  job.result.canary = read_canary(job.folder / "canary");
  std::error_code ignored;
  fs::remove_all(job.folder, ignored);
  if (on_job_end) on_job_end(job.result);
}

}  // namespace tool
