#include <fmt/format.h>

#include "fuzz/tool/continuous_task.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::chrono::minutes kDeadline{30};

class Prune : public Task {
 public:
  Prune(ContinuousContext& context, const JobKey& judge, std::function<void(size_t)> done)
      : context_(context),
        judge_(judge),
        done_(std::move(done)),
        corpus_(context.corpus(judge.target)),
        candidates_(corpus_.names()),
        work_(context.make_work("prune-" + judge.target)) {}

  std::string what() const override { return "pruning the corpus of " + judge_.target; }
  std::string object() const override { return "prune " + judge_.target; }

  std::optional<Command> next() override {
    if (started_) return {};
    started_ = true;
    Command command;
    command.argv = {context_.self,
                    "merge",
                    "--target",
                    judge_.target,
                    "--sanitizer",
                    judge_.sanitizer,
                    "--jobs",
                    "1",
                    "--output",
                    kept().string(),
                    corpus_.folder().string()};
    command.env = context_.child_environment(work_);
    command.stdout_file = work_ / "merge.txt";
    command.deadline = kDeadline;
    return command;
  }

  void line(std::string_view line) override { last_words_ = line; }

  // 1: some inputs ended in a finding and were set aside.
  void ended(const Exit& exit) override {
    merged_ = !exit.stopped && exit.signal == 0 && exit.code <= 1;
    if (!merged_ && !exit.stopped) {
      failed(fmt::format("{}: {}", exit.describe(), printable(last_words_)));
    }
  }

  void failed(const std::string& why) override {
    context_.tell("trouble", fmt::format("{}: {}", what(), why));
  }

  void finish() override {
    if (merged_) keep_what_counts();
    done_(corpus_.names().size());
    std::error_code ignored;
    fs::remove_all(work_, ignored);
  }

 private:
  fs::path kept() const { return work_ / "kept"; }
  fs::path findings() const { return work_ / "kept-findings"; }

  void keep_what_counts() {
    for (const std::string& name : files_in(findings())) {
      if (!named_by_content(name, read_file(findings() / name))) continue;  // a report
      make_output_folder(context_.folder.incoming());
      const std::string waiting = incoming_name(judge_, name);
      fs::rename(findings() / name, context_.folder.incoming() / waiting);
      context_.store.add_pending({.id = 0,
                                  .key = judge_,
                                  .commit = context_.revision.text(),
                                  .seen = context_.now(),
                                  .file = waiting,
                                  .verdict = ""});
    }
    const std::vector<std::string> keep = files_in(kept());
    // A merge that keeps nothing has executed nothing.
    const uint64_t gone = keep.empty() ? 0 : corpus_.keep_only(candidates_, keep);
    context_.tell("prune", fmt::format("{}: {} of {} inputs reach all that was reached",
                                       judge_.target, with_commas(candidates_.size() - gone),
                                       with_commas(candidates_.size())));
  }

  ContinuousContext& context_;
  JobKey judge_;
  std::function<void(size_t)> done_;
  SharedCorpus corpus_;
  std::vector<std::string> candidates_;
  fs::path work_;
  std::string last_words_;
  bool started_ = false;
  bool merged_ = false;
};

}  // namespace

std::unique_ptr<Task> prune(ContinuousContext& context, const JobKey& judge,
                            std::function<void(size_t left)> done) {
  return std::make_unique<Prune>(context, judge, std::move(done));
}

}  // namespace tool
