#include "fuzz/tool/minimize_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "fuzz/program/codec.h"
#include "fuzz/program/minimize.h"
#include "fuzz/targets/minimize_records.h"
#include "fuzz/targets/steps.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/fork_runner.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {

using text_form::Form;
using Bytes = std::vector<uint8_t>;

namespace {

using Clock = std::chrono::steady_clock;

bool is_program(const std::string& target) { return target_info(target).form == Form::kProgram; }

// What the target makes of the bytes, as bytes.
Bytes canonical(const std::string& target, const Bytes& bytes) {
  if (is_program(target)) return program::encode(program::decode(bytes.data(), bytes.size()));
  return records::encode(target, records::decode(target, bytes));
}

std::string counted(size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class Minimizer {
 public:
  Minimizer(const Project& project, const FindingComment& how, const Verdict& verdict,
            const MinimizeRequest& request, uint64_t executions, bool fork, Progress& progress)
      : target_(how.target),
        verdict_(verdict),
        budget_(request.budget),
        progress_(progress),
        runner_(project, how,
                {.sanitizer = request.sanitizer,
                 .leak_check = !fork || verdict.detector == "LeakSanitizer",
                 .fork = fork}),
        executions_(executions) {}

  bool forks() const { return runner_.forks(); }
  uint64_t executions() const { return executions_; }
  // Of the last input that did what is to be kept, and of the last one of all.
  const Outcome& outcome() const { return outcome_; }
  const Outcome& last() const { return last_; }

  bool holds(const Bytes& bytes) {
    execute(bytes);
    if (last_.verdict != verdict_) return false;
    outcome_ = last_;
    best_ = size_of_input(target_, bytes);
    show();
    return true;
  }

  reduce::Result<Bytes> run(const Bytes& bytes) {
    const reduce::Limits limits{.questions = budget_,
                                .stop = [this] {  // One more is for the result.
                                  return executions_ + 1 >= budget_ || interrupted();
                                }};
    if (!is_program(target_)) {
      return records::minimize(
          target_, bytes, [this](const Bytes& candidate) { return holds(candidate); },
          [this](const Bytes& candidate) { return points(candidate); }, limits);
    }
    auto result = program::minimize(
        program::decode(bytes.data(), bytes.size()),
        [this](const program::Program& candidate) { return holds(program::encode(candidate)); },
        [this](const program::Program& candidate) { return points(program::encode(candidate)); },
        limits);
    return {program::encode(result.input), result.questions, result.minimal};
  }

 private:
  void execute(const Bytes& bytes) {
    executions_++;
    ForkRunner::Execution execution = runner_.execute(bytes);
    points_[bytes] = std::move(execution.points);
    last_ = std::move(execution.outcome);
    if (executions_ % 16 == 0) show();
  }

  reduce::Points points(const Bytes& bytes) {
    if (!points_.contains(bytes)) {
      if (interrupted()) return {};
      execute(bytes);
    }
    return points_.at(bytes);
  }

  void show() {
    progress_.block(
        {fmt::format("minimizing: {} so far, {} executions", to_text(best_), executions_)});
  }

  std::string target_;
  Verdict verdict_;
  uint64_t budget_;
  Progress& progress_;
  ForkRunner runner_;
  uint64_t executions_;
  Outcome outcome_;
  Outcome last_;
  InputSize best_;
  std::map<Bytes, reduce::Points> points_;
};

}  // namespace

InputSize size_of_input(const std::string& target, const Bytes& bytes) {
  InputSize size;
  size.bytes = bytes.size();
  if (!is_program(target)) {
    const records::Records records = records::decode(target, bytes);
    const bool steps = target_info(target).form == Form::kSteps;
    for (const records::Record& op : records.ops) {
      const bool fault = steps && op.kind == static_cast<uint8_t>(steps::Common::kFailAlloc);
      (fault ? size.faults : size.operations)++;
    }
    size.preemptions = records.schedule.size();
    size.threads = records.ops.empty() ? 0 : 1;
    return size;
  }
  const program::Program program = program::decode(bytes.data(), bytes.size());
  size.operations = program.ops.size();
  size.preemptions = program.schedule.size();
  std::set<unsigned> lanes;
  for (const program::Op& op : program.ops) {
    lanes.insert(op.lane);
    const program::Faults& faults = op.faults;
    size.faults += (faults.fail_alloc > 0) + (faults.fail_copy > 0) + faults.signal_pending;
  }
  size.threads = lanes.size();
  return size;
}

std::string to_text(const InputSize& size) {
  return join({counted(size.operations, "operation"), counted(size.threads, "thread"),
               counted(size.preemptions, "preemption"), counted(size.faults, "fault")},
              ", ");
}

std::variant<MinimizedInput, NotReproduced> minimize_input(const Project& project,
                                                           const Input& input,
                                                           const MinimizeRequest& request,
                                                           Progress& progress) {
  const Clock::time_point start = Clock::now();
  Input candidate = input;
  candidate.bytes = canonical(input.comment.target, input.bytes);
  auto replay = [&] {
    return *Replayer(project, candidate, {}, progress).run(request.sanitizer).first;
  };

  const Outcome first = replay();
  if (!first.verdict || (!request.expected.empty() && first.text() != request.expected)) {
    return NotReproduced{first, ""};
  }
  MinimizedInput result;
  result.original = candidate.bytes;
  result.before = size_of_input(input.comment.target, candidate.bytes);
  result.executions = 1;
  Outcome last;
  // By forking if that ends in the same, which what libFuzzer itself says does not; else, or if the
  // result does something else when it is executed as findings are, in a process each.
  for (bool fork : {first.verdict->detector != "libFuzzer", false}) {
    Minimizer minimizer(project, input.comment, *first.verdict, request, result.executions, fork,
                        progress);
    const bool same = minimizer.holds(result.original);
    result.executions = minimizer.executions();
    if (!same && fork && minimizer.forks()) continue;
    if (!same) return NotReproduced{minimizer.last(), first.text()};
    reduce::Result<Bytes> minimized = minimizer.run(result.original);
    result.bytes = candidate.bytes = std::move(minimized.input);
    result.minimal = minimized.minimal;
    result.executions = minimizer.executions();
    last = minimizer.outcome();
    progress.clear();
    if (interrupted()) break;
    last = replay();
    result.executions++;
    if (last.verdict == first.verdict || !minimizer.forks()) break;
  }
  progress.clear();
  if (last.verdict != first.verdict) return NotReproduced{last, first.text()};
  result.comment = input.comment;
  result.comment.sanitizer = request.sanitizer;
  result.comment.verdict = first.text();
  result.comment.trace = last.traces.empty() ? "" : last.traces.back().hash;
  result.after = size_of_input(input.comment.target, result.bytes);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

std::string file_content(const MinimizedInput& minimized) {
  const std::string& target = minimized.comment.target;
  if (target_info(target).form == Form::kBytes) {
    return {minimized.bytes.begin(), minimized.bytes.end()};
  }
  std::string text = format_comment(minimized.comment) + "\n";
  text += fmt::format("# {}\n", printable(minimized.comment.verdict));
  if (minimized.changed()) {
    text += fmt::format("# Minimized from {}.\n", to_text(minimized.before));
  }
  return text + text_form::disassemble(target, minimized.bytes);
}

}  // namespace tool
