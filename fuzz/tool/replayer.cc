#include "fuzz/tool/replayer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <tuple>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/libfuzzer_log.h"

namespace tool {

bool Answer::operator<(const Answer& other) const {
  return std::tie(result, place, trace.hash, trace.points, two_traces) <
         std::tie(other.result, other.place, other.trace.hash, other.trace.points,
                  other.two_traces);
}

Answer answer_of(const Outcome& outcome) {
  Answer answer;
  // Without names the place differs from the one with names; the kind of finding does not.
  if (outcome.verdict && outcome.verdict->detector == "fencebench") {
    answer.result = outcome.verdict->text();
  } else if (outcome.verdict) {
    answer.result = outcome.verdict->detector + ": " + outcome.verdict->kind;
    answer.place = outcome.verdict->summary;
  } else {
    answer.result = outcome.text();
  }
  if (!outcome.traces.empty()) answer.trace = outcome.traces.back();
  for (const Trace& trace : outcome.traces) {
    if (trace != answer.trace) answer.two_traces = true;
  }
  return answer;
}

void BuildResult::count(const Outcome& outcome) {
  answers[answer_of(outcome)]++;
  executions++;
  if (!outcome.clean()) found++;
}

const Answer& BuildResult::usual() const {
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(answers.begin(), answers.end(), less)->first;
}

std::string BuildResult::named_result() const {
  const Answer& most = usual();
  if (first && answer_of(*first).result == most.result) return first->text();
  return most.result;
}

Replayer::Replayer(const Project& project, const Input& input, const ReplayOptions& options,
                   Progress& progress)
    : project_(project),
      input_(input),
      options_(options),
      progress_(progress),
      scratch_(fs::temp_directory_path()),
      file_(scratch_.path() / "input") {
  write_file(file_, {reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
}

Command Replayer::command(const std::string& sanitizer, bool symbolize) const {
  const FindingComment& how = input_.comment;
  Command made = replay_command(
      project_, project_.binary(sanitizer, how.target, how.defect), file_,
      {.sanitizer = sanitizer, .checks = how.checks, .trace = true, .symbolize = symbolize});
  made.cwd = scratch_.path();
  made.no_aslr = options_.no_aslr;
  return made;
}

template <typename Done>
void Replayer::execute(const Command& command, Done done) {
  auto log = std::make_shared<LibFuzzerLog>();
  try {
    supervisor_.start(
        command, [log](std::string_view line) { log->line(line); },
        [this, log, done](const Exit& exit) {
          if (!exit.stopped) done(outcome_of(*log, exit, project_));
        });
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
}

void Replayer::show(const BuildResult& result) {
  progress_.block(
      {fmt::format("{} {}: {} of {} executions, {} found something", input_.comment.target,
                   result.sanitizer, result.executions, options_.times, result.found)});
}

void Replayer::finish(const BuildResult& result) {
  supervisor_.finish(std::chrono::seconds(2), [&] { show(result); });
}

BuildResult Replayer::run(const std::string& sanitizer) {
  BuildResult result;
  result.sanitizer = sanitizer;
  auto start = std::chrono::steady_clock::now();
  // The first one alone, with names: it is the one to show.
  execute(command(sanitizer, true), [&](const Outcome& outcome) { result.first = outcome; });
  finish(result);
  uint64_t left = options_.times;
  if (left == 1 && result.first) {
    result.count(*result.first);
    left = 0;
  }
  // More of them without names: symbolizing costs more than executing. They are held against each
  // other only, for a stack without names reads differently.
  Command unnamed = command(sanitizer, false);
  while (left > 0 && !interrupted()) {
    while (left > 0 && supervisor_.running() < options_.jobs) {
      left--;
      execute(unnamed, [&](const Outcome& outcome) { result.count(outcome); });
    }
    supervisor_.step(std::chrono::milliseconds(200));
    show(result);
  }
  finish(result);
  progress_.clear();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (result.answers.empty()) throw EnvironmentError("interrupted before anything was executed");
  return result;
}

Judgement judge_builds(const std::vector<BuildResult>& builds) {
  Judgement judgement;
  for (const BuildResult& build : builds) {
    if (build.found > 0) judgement.found = true;
    if (build.answers.size() > 1) judgement.deterministic = false;
    for (const auto& [answer, times] : build.answers) {
      if (answer.two_traces) judgement.deterministic = false;
    }
    // Where one sanitizer ends the execution early the trace is a shorter one: only executions that
    // came to the same are held against each other.
    for (const BuildResult& other : builds) {
      if (other.usual().result == build.usual().result &&
          other.usual().trace != build.usual().trace) {
        judgement.same_everywhere = false;
      }
    }
  }
  return judgement;
}

}  // namespace tool
