#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/minimize_input.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

using text_form::Form;

// A finding is worth some minutes, and not the whole day.
constexpr const char* kMinimizeBudget = "20000";
constexpr std::chrono::seconds kMinimizeDeadline{300};
// Each candidate hangs, or takes all memory: more time would not make it much smaller.
constexpr std::chrono::seconds kMinimizeSlowDeadline{60};

class FileFinding : public Task {
 public:
  FileFinding(ContinuousContext& context, const Pending& pending)
      : context_(context),
        pending_(pending),
        form_(target_info(pending.key.target).form),
        work_(context.make_work("filing")),
        bytes_(read_file(incoming())) {
    raw_ = bytes_;
    if (form_ == Form::kBytes) return;
    // What is filed is what is executed: the input goes through its text, if it has one.
    text_ = text_form::disassemble(pending.key.target, {bytes_.begin(), bytes_.end()});
    const std::vector<uint8_t> assembled =
        assemble(std::string("finding") + text_form::extension(form_), pending.key.target, text_);
    bytes_.assign(assembled.begin(), assembled.end());
  }

  std::string what() const override {
    return fmt::format("{} a finding of {} under {}",
                       stage_ == Stage::kConfirm ? "executing once more" : "minimizing",
                       pending_.key.target, pending_.key.sanitizer);
  }
  std::string object() const override { return "filing"; }

  std::optional<Command> next() override {
    switch (stage_) {
      case Stage::kStart:
        stage_ = Stage::kConfirm;
        return execute(bytes_);
      case Stage::kConfirm:
        if (outcome_.clean() && bytes_ != raw_) {
          // The text leaves something out that matters: then it is filed as bytes.
          bytes_ = raw_;
          form_ = Form::kBytes;
          return execute(bytes_);
        }
        settle();
        if (outcome_.verdict && !known_) {
          stage_ = Stage::kMinimize;
          return minimize();
        }
        break;
      case Stage::kMinimize:
        if (minimized_) {
          stage_ = Stage::kVerify;
          const Input smaller = load_input(in_work("smaller"));
          return execute({smaller.bytes.begin(), smaller.bytes.end()});
        }
        break;
      case Stage::kVerify:
        settle_smaller();
        break;
    }
    ready_ = true;
    return {};
  }

  void line(std::string_view line) override {
    if (stage_ != Stage::kMinimize) log_.line(line);
  }

  void ended(const Exit& exit) override {
    if (exit.stopped) {
      stopped_ = true;
      return;
    }
    if (stage_ == Stage::kConfirm) {
      outcome_ = outcome_of(log_, exit, context_.project);
    } else if (stage_ == Stage::kMinimize) {
      minimized_ = exit.clean() && fs::exists(in_work("smaller"));
    } else {
      smaller_outcome_ = outcome_of(log_, exit, context_.project);
    }
  }

  void failed(const std::string& why) override {
    context_.tell("trouble", fmt::format("{}: {}", what(), why));
  }

  void finish() override {
    if (ready_ && settled_ && !stopped_) file();
    std::error_code ignored;
    fs::remove_all(work_, ignored);
  }

 private:
  enum class Stage { kStart, kConfirm, kMinimize, kVerify };

  fs::path incoming() const { return context_.folder.incoming() / pending_.file; }
  fs::path in_work(const char* name) const {
    return work_ / (name + std::string(text_form::extension(form_)));
  }

  Command execute(const std::string& bytes) {
    log_ = LibFuzzerLog();
    write_file(work_ / "input", bytes);
    Command command = replay_command(
        context_.project, context_.project.binary(pending_.key.sanitizer, pending_.key.target, ""),
        work_ / "input",
        {.sanitizer = pending_.key.sanitizer,
         .checks = "all",
         .trace = true,
         .symbolize = true,
         .memory_mb = context_.memory_mb});
    command.cwd = work_;
    return command;
  }

  // Which bug it is, and how its first input is kept.
  void settle() {
    settled_ = true;
    const bool reproduced = outcome_.verdict.has_value();
    Verdict verdict =
        outcome_.verdict.value_or(verdict_from_text(pending_.verdict)
                                      .value_or(Verdict{.detector = "fencebench",
                                                        .kind = "no-report",
                                                        .place = "in " + pending_.key.target,
                                                        .summary = ""}));
    bug_.signature = signature_of(verdict, outcome_.report, pending_.key.target).id;
    bug_.verdict = verdict.text();
    bug_.status = reproduced ? Bug::Status::kOpen : Bug::Status::kUnreproducible;
    bug_.key = pending_.key;
    bug_.first_seen = bug_.last_seen = pending_.seen;
    bug_.first_commit = bug_.last_commit = pending_.commit;
    bug_.details = report_details(outcome_.report);
    comment_ = {.target = pending_.key.target,
                .sanitizer = pending_.key.sanitizer,
                .defect = "",
                .checks = "all",
                .seed = {},
                .trace = outcome_.traces.empty() ? "" : outcome_.traces.back().hash,
                .verdict = verdict.text()};
    comment_.commit = pending_.commit;
    comment_.found = utc_time(pending_.seen);
    comment_.signature = bug_.signature;
    known_ = context_.store.is_open(bug_.signature);
    if (!known_) write_finding(in_work("first"));
  }

  // The smaller input is what is filed, so the bug is what that ends in: the verdict is the same,
  // but not always all that a signature is made of (the other side of a race, say).
  void settle_smaller() {
    if (!smaller_outcome_.verdict) {
      minimized_ = false;
      return;
    }
    const std::string before = bug_.signature;
    bug_.signature =
        signature_of(*smaller_outcome_.verdict, smaller_outcome_.report, pending_.key.target).id;
    if (bug_.signature == before) return;
    outcome_ = smaller_outcome_;
    bug_.verdict = outcome_.verdict->text();
    bug_.details = report_details(outcome_.report);
    const fs::path path =
        form_ == Form::kBytes ? sidecar_of(in_work("smaller")) : in_work("smaller");
    std::string text = read_file(path);
    const size_t at = text.find(before);
    if (at != std::string::npos) text.replace(at, before.size(), bug_.signature);
    write_durably(path, text);
    known_ = context_.store.is_open(bug_.signature);
  }

  void write_finding(const fs::path& path) {
    if (form_ == Form::kBytes) {
      write_durably(path, bytes_);
      write_durably(sidecar_of(path), to_json(comment_).dump(2) + "\n");
      return;
    }
    std::vector<std::string> notes = {bug_.verdict};
    if (bug_.status == Bug::Status::kUnreproducible) {
      notes.push_back(fmt::format("Not seen again when executed once more: {}.", outcome_.text()));
    }
    write_durably(path, finding_text(comment_, notes, text_));
  }

  Command minimize() {
    Command command;
    command.argv = {context_.self,
                    "minimize",
                    in_work("first").string(),
                    "--output",
                    in_work("smaller").string(),
                    "--budget",
                    kMinimizeBudget,
                    "--json"};
    command.env = context_.child_environment(work_);
    command.stdout_file = work_ / "minimized.json";
    const bool slow = outcome_.verdict->detector == "libFuzzer";
    command.deadline = slow ? kMinimizeSlowDeadline : kMinimizeDeadline;
    return command;
  }

  // Into the folder of the bug; the records come last, so that a bug on record has its files.
  void file() {
    if (known_) {
      context_.store.file_bug(bug_, pending_);
      fs::remove(incoming());
      return;
    }
    const fs::path folder = context_.folder.findings() / bug_.signature;
    make_output_folder(folder);
    auto in_folder = [&](const char* name) {
      return folder / (name + std::string(text_form::extension(form_)));
    };
    const fs::path reproducer = minimized_ ? in_work("smaller") : in_work("first");
    for (const auto& [from, to] : {std::pair{in_work("first"), in_folder("first")},
                                   std::pair{reproducer, in_folder("reproducer")}}) {
      write_durably(to, read_file(from));
      if (form_ == Form::kBytes) write_durably(sidecar_of(to), read_file(sidecar_of(from)));
    }
    std::string report;
    const std::vector<std::string>& lines =
        outcome_.report.empty() ? outcome_.tail : outcome_.report;
    for (const std::string& line : lines) report += printable(line) + "\n";
    write_durably(folder / "report.txt", report);

    const Input input = load_input(in_folder("reproducer"));
    bug_.file = in_folder("reproducer").lexically_relative(context_.folder.root).string();
    bug_.bytes = input.bytes.size();
    bug_.size = to_text(size_of_input(pending_.key.target, input.bytes));
    const bool back = context_.store.bug(bug_.signature).has_value();
    if (context_.store.file_bug(bug_, pending_)) {
      context_.tell(
          back ? "reopened" : "finding",
          fmt::format("{}: {} ({}, {}{})", bug_.signature, bug_.verdict, pending_.key.target,
                      pending_.key.sanitizer,
                      bug_.status == Bug::Status::kOpen ? fmt::format(", {}", bug_.size)
                                                        : ", not seen when executed once more"));
    }
    fs::remove(incoming());
  }

  ContinuousContext& context_;
  Pending pending_;
  Form form_;
  fs::path work_;
  std::string bytes_;  // that are executed
  std::string raw_;    // as they were found
  std::string text_;
  Stage stage_ = Stage::kStart;
  LibFuzzerLog log_;
  Outcome outcome_;
  Outcome smaller_outcome_;
  FindingComment comment_;
  Bug bug_;
  bool known_ = false;
  bool minimized_ = false;
  bool settled_ = false;  // it is known which bug it is
  bool ready_ = false;    // no process is to come
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Task> file_finding(ContinuousContext& context, const Pending& pending) {
  return std::make_unique<FileFinding>(context, pending);
}

}  // namespace tool
