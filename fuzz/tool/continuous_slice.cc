#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "fuzz/tool/base64.h"
#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr uint64_t kMostLogBytes = 1 << 20;
constexpr unsigned kMostStarts = 1000;
// libFuzzer prints the input of a finding, if it is short, after this.
constexpr std::string_view kBase64 = "Base64: ";

// START-crash-SHA1 and the like: an input that ended in a finding, and what its content must hash
// to. Empty: another file.
std::string content_of_artifact(const std::string& file) {
  const std::string name = file.substr(file.find('-') + 1);
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
  if (fs::exists(file, ignored) && named_by_content(content, read_file(file))) {
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
    fs::create_directories(inputs());
    fs::create_directories(artifacts());
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
    const double left = options_.seconds - spent_;
    if (over_ || starts_ >= kMostStarts || left < 1) return {};
    starts_++;
    log_ = LibFuzzerLog();
    printed_input_.clear();
    Command command;
    command.argv = {
        context_.project.binary(slice_.key.sanitizer, slice_.key.target, "").string(),
        "-print_final_stats=1",
        fmt::format("-artifact_prefix={}/{}-", artifacts().string(), starts_),
        fmt::format("-timeout={}", kTimeoutSeconds),
        fmt::format("-rss_limit_mb={}", context_.memory_mb),
        fmt::format("-max_total_time={}", std::lround(left)),
        fmt::format("-seed={}", seed()),
        inputs().string(),
        corpus_.folder().string(),
    };
    command.cwd = work_;
    command.env = target_environment(
        context_.project,
        {.sanitizer = slice_.key.sanitizer, .checks = "all", .trace = false, .symbolize = true});
    // libFuzzer looks at its clock between executions only.
    command.deadline =
        std::chrono::seconds(std::lround(options_.seconds) + 2 * kTimeoutSeconds + 60);
    return command;
  }

  void line(std::string_view line) override {
    log_.line(line);
    if (line.starts_with(kBase64)) printed_input_ = from_base64(line.substr(kBase64.size()));
    if (log_file_ == nullptr || logged_ >= kMostLogBytes) return;
    logged_ += line.size() + 1;
    std::fwrite(line.data(), 1, line.size(), log_file_);
    std::fputc('\n', log_file_);
  }

  void ended(const Exit& exit) override {
    if (log_file_ != nullptr) std::fflush(log_file_);
    spent_ += exit.seconds;
    end_.seconds += exit.seconds;
    end_.executions += log_.executions();
    end_.edges = std::max(end_.edges, log_.edges());
    end_.features = std::max(end_.features, log_.features());
    if (exit.stopped) over_ = true;

    const std::optional<Verdict> verdict = judge(log_.report(), context_.project.root());
    bool found = false;
    for (const std::string& file : files_in(artifacts())) {
      const std::string content = content_of_artifact(file);
      if (content.empty() || !file.starts_with(fmt::format("{}-", starts_))) continue;
      found = true;
      Found& one = found_[file];
      one.content = content;
      one.printed = printed_input_;
      // An input of the corpus would end each further process in the same way.
      if (!log_.loaded()) {
        corpus_.move_out(content, context_.folder.blocked() / slice_.key.target);
        blocked_++;
      }
      if (!verdict) continue;
      one.verdict = verdict->text();
      one.signature = signature_of(*verdict, log_.report(), slice_.key.target).id;
    }
    if (found) return;
    if (exit.stopped || (exit.clean() && log_.finished())) {
      over_ = true;
      return;
    }
    over_ = true;
    end_.trouble = fmt::format(
        "{}: {} {}", what(), exit.describe(),
        log_.loaded() ? fmt::format("after {} executions", with_commas(log_.executions()))
                      : "before it had loaded its corpus");
    if (verdict) {
      end_.trouble += fmt::format(", {}", verdict->text());
    } else if (!log_.tail().empty()) {
      end_.trouble += fmt::format("; its last words: {}", printable(log_.tail().back()));
    }
  }

  void failed(const std::string& why) override {
    over_ = true;
    end_.trouble = why;
  }

  // libFuzzer ends at SIGUSR1 after the current execution. At SIGINT it ends within the handler,
  // where what it does is a finding to ThreadSanitizer.
  int stop_signal() const override { return SIGUSR1; }

  void finish() override {
    const uint64_t broken = corpus_.take(inputs()).broken;
    std::vector<Pending> pending;
    std::vector<std::string> again;
    std::set<std::string> taken;
    for (const auto& [file, found] : found_) {
      if (!found.signature.empty()) {
        const std::optional<Bug> known = context_.store.bug(found.signature);
        if (known && known->status == Bug::Status::kOpen) {
          again.push_back(found.signature);
          continue;
        }
        // One input for each new bug is enough: which one does not matter, it is minimized.
        if (taken.contains(found.signature)) continue;
      }
      const std::string name =
          take_artifact(context_, slice_.key, artifacts() / file, found.content, found.printed);
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
    if (broken > 0) {
      context_.tell("trouble", fmt::format("{}: {} inputs were cut off while they were written, "
                                           "and are not taken over",
                                           what(), broken));
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
  struct Found {
    std::string content;  // its SHA-1
    std::string printed;  // the input as the process printed it, if it did
    std::string verdict;
    std::string signature;
  };

  fs::path inputs() const { return work_ / "inputs"; }
  fs::path artifacts() const { return work_ / "artifacts"; }
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
  LibFuzzerLog log_;  // of the process that runs now
  std::string printed_input_;
  std::map<std::string, Found> found_;  // by the name of the artifact
  uint64_t blocked_ = 0;
  double spent_ = 0;
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
  const Taken taken = corpus.take(work / "inputs");
  std::vector<Pending> pending;
  uint64_t broken = taken.broken;
  for (const std::string& file : files_in(work / "artifacts")) {
    const std::string content = content_of_artifact(file);
    if (content.empty()) continue;
    const std::string name =
        take_artifact(context, slice.key, work / "artifacts" / file, content, "");
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
  context.tell(
      "trouble",
      fmt::format("fuzzing {} under {} was killed: {} new inputs and {} findings of it "
                  "taken over, {} half written ones left out",
                  slice.key.target, slice.key.sanitizer, taken.added, pending.size(), broken));
  std::error_code ignored;
  fs::remove_all(work, ignored);
}

}  // namespace tool
