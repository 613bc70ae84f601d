#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "fuzz/tool/base64.h"
#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/engine.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr uint64_t kMostLogBytes = 1 << 20;
constexpr unsigned kMostStarts = 1000;
// libFuzzer prints the input of a finding, if it is short, after this.
constexpr std::string_view kBase64 = "Base64: ";

// Of crash-SHA1 and the like, an input that ended in a finding: what its content must hash to.
// Empty: another file.
std::string content_of_artifact(const std::string& name) {
  for (std::string_view kind : {"crash-", "leak-", "timeout-", "oom-"}) {
    if (name.starts_with(kind)) return name.substr(kind.size());
  }
  return "";
}

fs::path work_of(const StoreFolder& folder, int64_t slice) {
  return folder.work() / fmt::format("slice-{}", slice);
}

// Moves the input of a finding to where those wait that are not filed yet. Returns its name there;
// empty if its file is half written and `copy`, what the process printed of it, does not help.
std::string take_artifact(const ContinuousContext& context, const JobKey& key, const fs::path& file,
                          const std::string& content, const std::string& copy) {
  make_output_folder(context.folder.incoming());
  const std::string name = incoming_name(key, content);
  const fs::path to = context.folder.incoming() / name;
  std::error_code ignored;
  if (fs::exists(to, ignored)) return name;  // the same input ended several processes
  if (!file.empty() && fs::exists(file, ignored) && named_by_content(content, read_file(file))) {
    fs::rename(file, to);
    return name;
  }
  if (!named_by_content(content, copy)) return "";
  write_durably(to, copy);
  return name;
}

class FuzzSlice : public Task {
 public:
  FuzzSlice(ContinuousContext& context, const SliceOptions& options)
      : context_(context), options_(options), corpus_(context.corpus(options.key.target)) {
    slice_.key = options.key;
    slice_.commit = context.revision.text();
    slice_.started = context.now();
    slice_.id = context.store.begin_slice(slice_.key, slice_.commit, slice_.started);
    work_ = context.make_work(fmt::format("slice-{}", slice_.id));
    make_output_folder(context.folder.logs());
    log_file_ = std::fopen(
        (context.folder.logs() / (options.key.target + "-" + options.key.sanitizer + ".log"))
            .c_str(),
        "we");
  }
  ~FuzzSlice() override {
    if (log_file_ != nullptr) std::fclose(log_file_);
  }

  std::string what() const override {
    return fmt::format("fuzzing {} under {}", slice_.key.target, slice_.key.sanitizer);
  }

  std::optional<Command> next() override {
    const double left = options_.seconds - end_.seconds;
    if (over_ || starts_ >= kMostStarts || left < 1) return {};
    starts_++;
    printed_input_.clear();
    const EngineStart start = {.project = context_.project,
                               .target = slice_.key.target,
                               .sanitizer = slice_.key.sanitizer,
                               .defect = "",
                               .checks = "all",
                               .folder = context_.make_folder(work_ / std::to_string(starts_)),
                               .corpus = corpus_.folder(),
                               .seeds = {},
                               .seconds = std::lround(left),
                               .runs = {},
                               .seed = seed(),
                               .memory_mb = context_.memory_mb};
    engine_ = start_engine(Engine::kLibFuzzer, start);
    return engine_->command();
  }

  void line(std::string_view line) override {
    engine_->line(line);
    if (line.starts_with(kBase64)) printed_input_ = from_base64(line.substr(kBase64.size()));
    if (log_file_ == nullptr || logged_ >= kMostLogBytes) return;
    logged_ += line.size() + 1;
    std::fwrite(line.data(), 1, line.size(), log_file_);
    std::fputc('\n', log_file_);
  }

  void ended(const Exit& exit) override {
    if (log_file_ != nullptr) std::fflush(log_file_);
    engine_->ended(exit);
    const EngineStatus status = engine_->status();
    cut_off_ += status.cut_off;
    end_.seconds += exit.seconds;
    end_.executions += status.executions;
    end_.edges = std::max(end_.edges, status.edges);
    end_.features = std::max(end_.features, status.features);
    if (exit.stopped) over_ = true;

    const std::vector<Suspect> suspects = engine_->suspects();
    for (const Suspect& suspect : suspects) note(suspect, status);
    if (!suspects.empty() && !suspects.back().input.empty()) return;
    over_ = true;
    if (exit.stopped || (exit.clean() && status.finished)) return;
    end_.trouble = fmt::format(
        "{}: {} {}", what(), exit.describe(),
        status.loaded ? fmt::format("after {} executions", with_commas(status.executions))
                      : "before it had loaded its corpus");
    if (!suspects.empty()) {
      end_.trouble += ", " + found_.back().verdict;
    } else if (!engine_->tail().empty()) {
      end_.trouble += fmt::format("; its last words: {}", printable(engine_->tail().back()));
    }
  }

  void failed(const std::string& why) override {
    over_ = true;
    end_.trouble = why;
  }

  int stop_signal() const override { return engine_ != nullptr ? engine_->stop_signal() : SIGINT; }

  void finish() override {
    std::vector<Pending> pending;
    std::vector<std::string> again;
    std::set<std::string> taken;
    for (const Found& found : found_) {
      if (!found.signature.empty()) {
        if (context_.store.is_open(found.signature)) {
          again.push_back(found.signature);
          continue;
        }
        // One input for each new bug is enough: which one does not matter, it is minimized.
        if (taken.contains(found.signature)) continue;
      }
      const std::string name =
          take_artifact(context_, slice_.key, found.file, found.content, found.printed);
      if (name.empty()) {
        context_.tell("trouble", fmt::format("{}: the input of a finding was cut off while it was "
                                             "written, and is lost: {}",
                                             what(), found.verdict));
        continue;
      }
      if (!found.signature.empty()) taken.insert(found.signature);
      pending.push_back({.id = 0,
                         .key = slice_.key,
                         .commit = slice_.commit,
                         .seen = context_.now(),
                         .file = name,
                         .verdict = found.verdict});
    }
    end_.ended = context_.now();
    end_.weight = options_.weight;
    end_.corpus = corpus_.names().size();
    context_.store.end_slice(slice_, end_, pending, again);
    if (cut_off_ > 0) {
      context_.tell("trouble", fmt::format("{}: {} inputs were cut off while they were written, "
                                           "and are not taken over",
                                           what(), cut_off_));
    }
    if (blocked_ > 0) {
      context_.tell("trouble", fmt::format("{}: {} inputs of the corpus end in a finding; they "
                                           "wait for the next build",
                                           what(), blocked_));
    }
    if (!end_.trouble.empty()) context_.tell("trouble", end_.trouble);
    std::error_code ignored;
    fs::remove_all(work_, ignored);
  }

 private:
  // What a process ended in. If that had no input, it ends in it whatever it is given: the empty
  // input stands for that.
  void note(const Suspect& suspect, const EngineStatus& status) {
    Found one;
    one.file = suspect.input;
    one.content =
        suspect.input.empty() ? sha1("") : content_of_artifact(suspect.input.filename().string());
    if (!suspect.input.empty()) one.printed = printed_input_;
    if (const auto verdict = judge(suspect.report, context_.project.root())) {
      one.verdict = verdict->text();
      one.signature = signature_of(*verdict, suspect.report, slice_.key.target).id;
    }
    // An input of the corpus would end each further process in the same way.
    if (!status.loaded && !suspect.input.empty()) {
      corpus_.move_out(one.content, context_.folder.blocked() / slice_.key.target);
      blocked_++;
    }
    found_.push_back(one);
  }

  struct Found {
    fs::path file;
    std::string content;  // its SHA-1
    std::string printed;  // the input as the process printed it, if it did
    std::string verdict;
    std::string signature;
  };

  // Of libFuzzer's: an int, and 0 means any.
  uint64_t seed() const {
    return 1 + (context_.seed + static_cast<uint64_t>(slice_.id) * kMostStarts + starts_) %
                   2'000'000'000;
  }

  ContinuousContext& context_;
  SliceOptions options_;
  SharedCorpus corpus_;
  Slice slice_;
  SliceEnd end_;
  fs::path work_;
  std::FILE* log_file_ = nullptr;
  uint64_t logged_ = 0;
  std::unique_ptr<EngineRun> engine_;  // of the process that runs now
  std::string printed_input_;
  std::vector<Found> found_;
  uint64_t blocked_ = 0;
  uint64_t cut_off_ = 0;
  unsigned starts_ = 0;
  bool over_ = false;
};

}  // namespace

std::string incoming_name(const JobKey& key, const std::string& sha1) {
  return key.target + "." + key.sanitizer + "." + sha1;
}

std::optional<JobKey> job_of_incoming(const std::string& name) {
  const std::vector<std::string> parts = split(name, '.');
  if (parts.size() != 3) return {};
  return JobKey{parts[0], parts[1]};
}

std::unique_ptr<Task> fuzz_slice(ContinuousContext& context, const SliceOptions& options) {
  return std::make_unique<FuzzSlice>(context, options);
}

void recover_slice(ContinuousContext& context, const Slice& slice) {
  const fs::path work = work_of(context.folder, slice.id);
  SharedCorpus corpus = context.corpus(slice.key.target);
  uint64_t added = 0;
  uint64_t broken = 0;
  std::vector<fs::path> artifacts;
  for (const fs::path& start : folders_in(work)) {
    const Taken taken = corpus.take(start / "inputs");
    added += taken.added;
    broken += taken.broken;
    for (const std::string& name : files_in(start / "artifacts")) {
      artifacts.push_back(start / "artifacts" / name);
    }
  }
  std::vector<Pending> pending;
  for (const fs::path& file : artifacts) {
    const std::string content = content_of_artifact(file.filename().string());
    if (content.empty()) continue;
    const std::string name = take_artifact(context, slice.key, file, content, "");
    if (name.empty()) {
      broken++;
      continue;
    }
    pending.push_back({.id = 0,
                       .key = slice.key,
                       .commit = slice.commit,
                       .seen = context.now(),
                       .file = name,
                       .verdict = ""});
  }
  SliceEnd end;
  end.ended = context.now();
  end.corpus = corpus.names().size();
  context.store.end_slice(slice, end, pending, {});
  context.tell("trouble",
               fmt::format("fuzzing {} under {} was killed: {} new inputs and {} findings of it "
                           "taken over, {} half written ones left out",
                           slice.key.target, slice.key.sanitizer, added, pending.size(), broken));
  std::error_code ignored;
  fs::remove_all(work, ignored);
}

}  // namespace tool
