#include "fuzz/tool/continuous.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "fuzz/tool/build.h"
#include "fuzz/tool/continuous_status.h"
#include "fuzz/tool/corpus_folders.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/finding.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/status_page.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::chrono::seconds kLookEvery{5};
constexpr std::chrono::seconds kStatusEvery{5};
constexpr std::chrono::seconds kGrace{5};
constexpr std::chrono::seconds kFirstBackoff{30};
constexpr std::chrono::seconds kLongestBackoff{3600};
// What must stay free: a slice writes some hundred kilobytes, a report and a record some ten.
constexpr uint64_t kReserveBytes = 6 << 20;
constexpr double kPruneGrowth = 1.5;
constexpr size_t kPruneLeast = 300;  // inputs
constexpr size_t kMostSlices = 200'000;
constexpr size_t kMostEvents = 20'000;
constexpr uint64_t kMegabyte = 1 << 20;

Seconds wall_clock() { return std::time(nullptr); }

Clock::time_point later() { return Clock::now() + kLookEvery; }

// Whether a write of some size succeeds: what the system says is free may not be so for everybody.
bool has_room(const fs::path& folder) {
  const fs::path probe = folder / "room";
  std::error_code ignored;
  try {
    write_durably(probe, std::string(kMegabyte, ' '));
    fs::remove(probe, ignored);
    return true;
  } catch (const EnvironmentError&) {
    return false;
  }
}

}  // namespace

SharedCorpus ContinuousContext::corpus(const std::string& target) const {
  return SharedCorpus(folder.corpus() / target, folder.aside() / target);
}

fs::path ContinuousContext::make_work(const std::string& name) const {
  return make_folder(folder.work() / name);
}

fs::path ContinuousContext::make_folder(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  make_output_folder(path);
  return path;
}

std::map<std::string, std::optional<std::string>> ContinuousContext::child_environment(
    const fs::path& work) const {
  return {{"FENCEBENCH_ROOT", project.root().string()},
          {"FENCEBENCH_BUILT", "1"},
          {"TMPDIR", work.string()}};
}

std::optional<size_t> next_job(const std::vector<Candidate>& candidates) {
  std::optional<size_t> next;
  double lowest = 0;
  for (size_t i = 0; i < candidates.size(); i++) {
    const double turn = candidates[i].turn + candidates[i].slice;
    if (!candidates[i].may_run || (next && turn >= lowest)) continue;
    next = i;
    lowest = turn;
  }
  return next;
}

struct Continuous::Place {
  std::unique_ptr<Task> task;  // none: idle
  std::optional<JobKey> job;   // that it fuzzes
  double turn = 0;             // what its slice will count for that job
  Supervisor::Id process = 0;
  bool running = false;  // a process of the task; else, with a task, it is to be finished
};

Continuous::Continuous(const Project& project, const ContinuousOptions& options, Progress& progress)
    : project_(project),
      options_(options),
      progress_(progress),
      folder_{options.store},
      lock_(folder_),
      store_(folder_.database()),
      context_{.project = project,
               .folder = folder_,
               .store = store_,
               .revision = {},
               .memory_mb = options.memory_mb,
               .seed = options.seed,
               .self = options.self,
               .now = wall_clock,
               .tell = {}},
      started_(Clock::now()) {
  context_.tell = [this](const std::string& kind, const std::string& text) {
    const Seconds now = context_.now();
    progress_.note(fmt::format("{} {}: {}", utc_time(now), kind, printable(text)));
    try {
      store_.add_event({now, kind, text});
    } catch (const NoSpaceError&) {
      // The person has been told.
    }
  };
  for (const std::string& target : options_.targets) {
    for (const std::string& sanitizer : options_.sanitizers) store_.add_job({target, sanitizer});
  }
  for (unsigned i = 0; i < options_.jobs; i++) places_.push_back(std::make_unique<Place>());
}

Continuous::~Continuous() = default;

double Continuous::weight(const JobKey& key) const {
  auto of = [this](const std::string& name) {
    auto found = options_.weights.find(name);
    return found == options_.weights.end() ? 1.0 : found->second;
  };
  return of(key.target) * of(key.sanitizer);
}

bool Continuous::all_idle() const {
  return std::none_of(places_.begin(), places_.end(),
                      [](const auto& place) { return place->task != nullptr; });
}

// ---- before anything is started --------------------------------------------------------------

// What a process that was killed left behind.
void Continuous::recover() {
  for (const Slice& slice : store_.open_slices()) recover_slice(context_, slice);
  // Moved, and not yet on record.
  for (const std::string& name : files_in(folder_.incoming())) {
    const std::optional<JobKey> key = job_of_incoming(name);
    if (!key) continue;
    store_.add_pending({.id = 0,
                        .key = *key,
                        .commit = store_.note("built"),
                        .seen = context_.now(),
                        .file = name,
                        .verdict = ""});
  }
  std::error_code ignored;
  fs::remove_all(folder_.work(), ignored);
  make_output_folder(folder_.work());
  for (fs::recursive_directory_iterator entry(folder_.root, ignored), end; entry != end;
       entry.increment(ignored)) {
    if (is_unfinished_write(entry->path())) fs::remove(entry->path(), ignored);
  }
}

void Continuous::tidy_corpus() {
  for (const std::string& target : options_.targets) {
    SharedCorpus corpus = context_.corpus(target);
    for (const SetAsideFile& file : corpus.tidy()) {
      context_.tell("trouble",
                    fmt::format("corpus of {}: '{}' is no input ({}), moved to {}", target,
                                file.name, file.why, Project::shown(folder_.aside() / target)));
    }
  }
}

// ---- sources and builds ----------------------------------------------------------------------

// True: the binaries are those of the sources as they are now.
bool Continuous::build_all() {
  const Revision revision = revision_of(project_.root());
  CommitRecord commit{context_.now(), revision.text(), revision.title, true};
  std::string failure;
  try {
    for (const std::string& sanitizer : options_.sanitizers) {
      build(project_, sanitizer, options_.targets, progress_);
    }
  } catch (const EnvironmentError& error) {
    if (interrupted()) throw;
    failure = error.what();
    commit.built = false;
  }
  const std::string known = store_.note("built");
  if (known != commit.id || !commit.built) store_.add_commit(commit);
  if (!commit.built) {
    broken_stamp_ = revision.stamp;
    paused_ = fmt::format("{} does not build: {}", commit.id, failure);
    lock_.say(paused_);
    context_.tell("broken-build", paused_ + "; waiting for one that does");
    return false;
  }
  broken_stamp_.clear();
  paused_.clear();
  lock_.say("");
  if (known != commit.id) context_.tell("build", fmt::format("{} {}", commit.id, revision.title));
  context_.revision = revision;
  built_stamp_ = revision.stamp;
  store_.set_note("built", commit.id);
  // At each start as well: the last process may have been stopped before it had looked at all.
  to_retest_ = store_.bugs();
  std::erase_if(to_retest_,
                [](const Bug& bug) { return bug.status == Bug::Status::kUnreproducible; });
  return true;
}

void Continuous::after_build() {
  backoff_.clear();
  tried_.clear();
  for (const std::string& target : options_.targets) {
    SharedCorpus corpus = context_.corpus(target);
    corpus.take(folder_.blocked() / target);
    auto add = [&](const fs::path& file) {
      try {
        const std::vector<uint8_t> bytes = assemble(file, target, read_file(file));
        corpus.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, folder_.work());
      } catch (const UsageError& error) {
        context_.tell("trouble", fmt::format("a seed is left out: {}", error.what()));
      }
    };
    for (const fs::path& seed : seed_files(project_, target)) add(seed);
  }
}

// Asks everything to come to its end when the sources have changed, and builds them then.
void Continuous::look_at_sources() {
  if (Clock::now() < next_look_) return;
  next_look_ = later();
  const std::string stamp = revision_of(project_.root()).stamp;
  const bool same = stamp == built_stamp_ || stamp == broken_stamp_;
  // Somebody may be in the middle of a change: it must have stayed so since the last look.
  if (!same && stamp == changed_stamp_) rebuild_ = true;
  changed_stamp_ = stamp;
  if (rebuild_) stop_processes();
}

// ---- tasks -----------------------------------------------------------------------------------

bool Continuous::worked_on(const std::string& object) const {
  return std::any_of(places_.begin(), places_.end(), [&](const auto& place) {
    return place->task != nullptr && place->task->object() == object;
  });
}

std::unique_ptr<Task> Continuous::next_task(Place& place) {
  if (!to_retest_.empty()) {
    Bug bug = std::move(to_retest_.back());
    to_retest_.pop_back();
    return retest(context_, bug);
  }
  // Two at a time could be the same bug twice.
  if (!worked_on("filing")) {
    for (const Pending& pending : store_.pending()) {
      std::error_code ignored;
      if (!fs::exists(folder_.incoming() / pending.file, ignored)) {
        store_.drop_pending(pending.id);
      } else if (tried_.insert(pending.id).second) {
        return file_finding(context_, pending);
      }
    }
  }
  if (std::unique_ptr<Task> task = next_pruning()) return task;
  return next_fuzzing(place);
}

std::unique_ptr<Task> Continuous::next_pruning() {
  for (const std::string& target : options_.targets) {
    if (worked_on("prune " + target)) continue;
    const size_t inputs = context_.corpus(target).names().size();
    auto [last, first_time] = pruned_to_.emplace(target, inputs);
    const auto limit = static_cast<size_t>(static_cast<double>(last->second) * kPruneGrowth);
    const bool grown = inputs > std::max(limit, last->second + kPruneLeast);
    if (!grown && !(over_disk_ && inputs > last->second)) continue;
    return prune(context_, {target, options_.sanitizers.front()},
                 [this, target](size_t left) { pruned_to_[target] = left; });
  }
  return nullptr;
}

std::unique_ptr<Task> Continuous::next_fuzzing(Place& place) {
  if (options_.slices && slices_ >= *options_.slices) return nullptr;
  double seconds = options_.slice_seconds;
  if (options_.seconds) {
    seconds = std::min(seconds, std::floor(*options_.seconds - since_start()));
    if (seconds < 1) return nullptr;
  }
  std::vector<JobRecord> jobs = store_.jobs();
  std::erase_if(jobs, [this](const JobRecord& job) { return !ours(job.key); });
  std::vector<Candidate> candidates;
  for (const JobRecord& job : jobs) {
    Candidate candidate{job.turn, seconds / weight(job.key), !held_back(job)};
    // What is under way counts already: two processes do not run to the same job.
    for (const auto& other : places_) {
      if (other->job == job.key) candidate.turn += other->turn;
    }
    candidates.push_back(candidate);
  }
  const std::optional<size_t> next = next_job(candidates);
  if (!next) return nullptr;
  const JobKey key = jobs[*next].key;
  std::unique_ptr<Task> task =
      fuzz_slice(context_, {.key = key, .weight = weight(key), .seconds = seconds});
  place.job = key;
  place.turn = seconds / weight(key);
  slices_++;
  return task;
}

bool Continuous::ours(const JobKey& key) const {
  auto in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  return in(options_.targets, key.target) && in(options_.sanitizers, key.sanitizer);
}

// A job that fails is tried less and less often, until there is another build.
bool Continuous::held_back(const JobRecord& job) {
  if (job.trouble.empty()) {
    backoff_.erase(job.key);
    return false;
  }
  Backoff& backoff = backoff_[job.key];
  if (backoff.of != job.last) {
    backoff.of = job.last;
    const auto wait = kFirstBackoff * (1 << std::min(backoff.failures++, 10u));
    backoff.until = Clock::now() + std::min<std::chrono::seconds>(wait, kLongestBackoff);
  }
  return Clock::now() < backoff.until;
}

void Continuous::fill_places() {
  if (Clock::now() < next_start_) return;
  for (auto& place : places_) {
    if (place->task != nullptr) continue;
    place->job.reset();
    auto start = [&] { place->task = next_task(*place); };
    if (guarded("starting the next task", start) != Result::kDone) next_start_ = later();
    if (place->task == nullptr) return;
    go_on(*place);
  }
}

// Starts the next process of a place's task, if there is one to come.
void Continuous::go_on(Place& place) {
  place.running = false;
  if (stopping_ || rebuild_ || !paused_.empty()) return;
  guarded(place.task->what(), [&] {
    std::optional<Command> command = place.task->next();
    if (!command) return;
    try {
      place.process = supervisor_.start(
          *command, [&place](std::string_view line) { place.task->line(line); },
          [this, &place](const Exit& exit) {
            place.task->ended(exit);
            go_on(place);
          });
      place.running = true;
    } catch (const SpawnError& error) {
      place.task->failed(error.what());
    }
  });
}

void Continuous::finish_places() {
  for (auto& place : places_) {
    if (place->task == nullptr || place->running) continue;
    // Without room it stays, and is tried again.
    if (guarded(place->task->what(), [&] { place->task->finish(); }) != Result::kNoSpace) {
      place->task.reset();
      place->job.reset();
    }
  }
}

void Continuous::stop_processes() {
  for (auto& place : places_) {
    if (place->running) supervisor_.stop(place->process, kGrace, place->task->stop_signal());
  }
}

// Runs `body`; what goes wrong is told and ends neither the job nor the records.
template <typename Body>
Continuous::Result Continuous::guarded(const std::string& what, Body body) {
  auto no_space = [&](const std::string& why) {
    pause(fmt::format("the disk is full ({}); it goes on when there is room at '{}'", why,
                      printable(Project::shown(folder_.root))));
    return Result::kNoSpace;
  };
  try {
    body();
    return Result::kDone;
  } catch (const NoSpaceError& error) {
    return no_space(error.what());
  } catch (const fs::filesystem_error& error) {
    if (error.code() == std::errc::no_space_on_device) return no_space(error.code().message());
    context_.tell("trouble", fmt::format("{}: {}", what, error.what()));
  } catch (const std::runtime_error& error) {
    context_.tell("trouble", fmt::format("{}: {}", what, error.what()));
  }
  return Result::kFailed;
}

// ---- the disk --------------------------------------------------------------------------------

void Continuous::pause(const std::string& why) {
  if (paused_.empty()) {
    paused_ = why;
    lock_.say(why);
    context_.tell("trouble", why);
  }
  stop_processes();
}

void Continuous::look_at_disk() {
  if (Clock::now() < next_disk_) return;
  next_disk_ = later();
  const uint64_t free = free_bytes(folder_.root);
  if (free < kReserveBytes) {
    pause(fmt::format("the disk is almost full ({} free); it goes on when there is room at '{}'",
                      fmt::format("{:.1f} MB", static_cast<double>(free) / kMegabyte),
                      printable(Project::shown(folder_.root))));
    return;
  }
  // Not of a build that is broken: that waits for other sources.
  if (!paused_.empty() && broken_stamp_.empty()) {
    if (!has_room(folder_.work())) return;
    paused_.clear();
    lock_.say("");
    tried_.clear();
    context_.tell("start", "there is room on the disk again");
  }
  disk_bytes_ = bytes_below(folder_.root);
  const bool over = disk_bytes_ > options_.disk_mb * kMegabyte;
  if (over && !over_disk_) {
    context_.tell("trouble", fmt::format("the store holds {} MB, more than --max-disk allows ({}): "
                                         "pruning",
                                         disk_bytes_ / kMegabyte, options_.disk_mb));
  }
  over_disk_ = over;
  guarded("forgetting old records", [&] { store_.forget_old(kMostSlices, kMostEvents); });
}

// ---- what a person sees ----------------------------------------------------------------------

double Continuous::since_start() const {
  return std::chrono::duration<double>(Clock::now() - started_).count();
}

LiveStatus Continuous::live(bool running) const {
  LiveStatus live;
  live.running = running;
  live.pid = running ? static_cast<int>(::getpid()) : 0;
  live.commit = context_.revision.id;
  live.title = context_.revision.title;
  live.dirty = context_.revision.dirty;
  live.message = paused_;
  for (const auto& place : places_) {
    if (place->task != nullptr) live.doing.push_back(place->task->what());
    if (place->job) live.fuzzing.push_back(*place->job);
  }
  for (const std::string& target : options_.targets) {
    live.inputs[target] = context_.corpus(target).names().size();
    for (const std::string& sanitizer : options_.sanitizers) {
      live.weights[{target, sanitizer}] = weight({target, sanitizer});
    }
  }
  live.disk_bytes = disk_bytes_;
  live.disk_limit = options_.disk_mb * kMegabyte;
  std::error_code ignored;
  live.disk_free = fs::space(folder_.root, ignored).available;
  return live;
}

void Continuous::write_status(bool running) {
  next_status_ = Clock::now() + kStatusEvery;
  const nlohmann::json status =
      status_json(store_, folder_, project_.command(), live(running), context_.now());
  status_line_ = status_line(status);
  try {
    write_durably(folder_.status(),
                  status.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    write_durably(folder_.page(), status_page(status));
  } catch (const NoSpaceError&) {
    // The last one stays; what is wrong is told elsewhere.
  }
}

void Continuous::draw() {
  if (!progress_.live()) return;
  std::vector<std::string> lines = {status_line_};
  for (const auto& place : places_) {
    lines.push_back("  " + (place->task == nullptr ? "idle" : place->task->what()));
  }
  progress_.block(lines);
}

// ---- the loop --------------------------------------------------------------------------------

// Fuzzing is over, and what it found is filed.
bool Continuous::nothing_left() {
  const bool time_is_up = options_.seconds && since_start() + 1 > *options_.seconds;
  const bool slices_are_done = options_.slices && slices_ >= *options_.slices;
  if (!time_is_up && !slices_are_done) return false;
  return all_idle() && (!paused_.empty() || (store_.pending().empty() && to_retest_.empty()));
}

void Continuous::prepare() {
  make_output_folder(folder_.work());
  recover();
  tidy_corpus();
  if (!build_all()) throw EnvironmentError(paused_);
  after_build();
}

int Continuous::run() {
  if (store_.note("started").empty()) store_.set_note("started", std::to_string(context_.now()));
  context_.tell("start", fmt::format("{} targets under {}, {} at a time, store {}",
                                     options_.targets.size(), join(options_.sanitizers, ", "),
                                     options_.jobs, Project::shown(folder_.root)));
  prepare();
  started_ = Clock::now();  // building is not fuzzing
  while (true) {
    if (interrupted() && !stopping_) {
      stopping_ = true;
      stop_processes();
    }
    finish_places();
    if (stopping_ && supervisor_.running() == 0) break;
    if (!stopping_) {
      look_at_disk();
      look_at_sources();
      if (rebuild_ && all_idle()) {
        rebuild_ = false;
        guarded("building", [this] {
          if (build_all()) after_build();
        });
      }
      if (!rebuild_ && paused_.empty()) fill_places();
      if (nothing_left()) break;
    }
    if (Clock::now() >= next_status_) write_status(true);
    draw();
    supervisor_.step(std::chrono::milliseconds(200));
  }
  progress_.clear();
  context_.tell("stop", interrupted() ? "asked to stop" : "done");
  write_status(false);
  const std::vector<Bug> bugs = store_.bugs();
  const bool open = std::any_of(bugs.begin(), bugs.end(),
                                [](const Bug& bug) { return bug.status != Bug::Status::kFixed; });
  return open ? kFound : kNothingFound;
}

}  // namespace tool
