#include <fmt/format.h>

#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/signature.h"

namespace tool {
namespace {

class Retest : public Task {
 public:
  Retest(ContinuousContext& context, const Bug& bug)
      : context_(context), bug_(bug), work_(context.make_work("retest-" + bug.signature)) {}

  std::string what() const override {
    return "looking whether " + bug_.signature + " is still there";
  }
  std::string object() const override { return "retest " + bug_.signature; }

  std::optional<Command> next() override {
    if (started_) return {};
    started_ = true;
    const Input input = load_input(context_.folder.root / bug_.file);
    write_file(work_ / "input",
               {reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
    Command command = replay_command(
        context_.project, context_.project.binary(bug_.key.sanitizer, bug_.key.target, ""),
        work_ / "input",
        {.sanitizer = bug_.key.sanitizer,
         .checks = "all",
         .trace = false,
         .symbolize = true,
         .memory_mb = context_.memory_mb});
    command.cwd = work_;
    return command;
  }

  void line(std::string_view line) override { log_.line(line); }

  void ended(const Exit& exit) override {
    known_ = !exit.stopped;
    const Outcome outcome = outcome_of(log_, exit, context_.project);
    // Another verdict is another bug, which fuzzing will find by itself.
    there_ = outcome.verdict &&
             signature_of(*outcome.verdict, outcome.report, bug_.key.target).id == bug_.signature;
  }

  void failed(const std::string& why) override {
    context_.tell("trouble", fmt::format("{}: {}", what(), why));
  }

  void finish() override {
    const std::string commit = context_.revision.text();
    if (known_ && there_) {
      context_.store.bug_is_there(bug_.signature, commit, context_.now());
      if (bug_.status == Bug::Status::kFixed) {
        context_.tell("reopened", fmt::format("{}: {} is there again at {}", bug_.signature,
                                              bug_.verdict, commit));
      }
    } else if (known_ && bug_.status == Bug::Status::kOpen) {
      context_.store.bug_is_fixed(bug_.signature, commit);
      context_.tell("fixed", fmt::format("{}: {} is no longer there at {}", bug_.signature,
                                         bug_.verdict, commit));
    }
    std::error_code ignored;
    fs::remove_all(work_, ignored);
  }

 private:
  ContinuousContext& context_;
  Bug bug_;
  fs::path work_;
  LibFuzzerLog log_;
  bool started_ = false;
  bool known_ = false;
  bool there_ = false;
};

}  // namespace

std::unique_ptr<Task> retest(ContinuousContext& context, const Bug& bug) {
  return std::make_unique<Retest>(context, bug);
}

}  // namespace tool
