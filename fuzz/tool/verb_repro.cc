// repro FILE: executes an input again, any number of times in any builds, and says whether the
// same happens each time.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kReproVerb;

namespace {

using nlohmann::json;

struct Request {
  Input input;
  std::vector<std::string> sanitizers;
  uint64_t times = 1;
  unsigned jobs = 1;
  bool no_aslr = false;
  bool json = false;
};

// What several executions that do not differ came to.
struct Answer {
  std::string result;  // verdict, "clean", or how the child ended
  std::string place;   // the unsymbolized summary, to tell apart what `result` does not
  Trace trace;
  auto operator<=>(const Answer& other) const {
    return std::tie(result, place, trace.hash, trace.points) <=>
           std::tie(other.result, other.place, other.trace.hash, other.trace.points);
  }
  bool operator==(const Answer& other) const = default;
};

struct BuildResult {
  std::string sanitizer;
  std::optional<Outcome> first;  // with names in its stacks: the one to show
  std::map<Answer, uint64_t> answers;
  uint64_t executions = 0;
  uint64_t found = 0;
  double seconds = 0;

  // The answer of most executions.
  const Answer& usual() const {
    return std::max_element(answers.begin(), answers.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }
  uint64_t agreed() const { return answers.empty() ? 0 : answers.at(usual()); }
};

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::string file;
  std::string target;
  std::string defect;
  std::string checks;
  std::string times;
  std::string jobs;
  std::vector<std::string> sanitizer_lists;
  auto app = command_line(
      kReproVerb,
      "Executes an input as it was executed when it was found (its '# fencebench:' line says how; "
      "flags override that), and tells whether verdict and trace are the same each time.",
      "  ./fencebench repro out/findings/userq_fuzzer/reference-leak-1a2b3c4d.fence\n"
      "  ./fencebench repro FILE --times 1000 --sanitizer asan,tsan,msan,release");
  app->add_option("FILE", file, "A .fence file, or the bytes libFuzzer left (with --target)")
      ->required();
  app->add_option("--target", target, "The target that the input is for")->type_name("NAME");
  add_list(*app, "--sanitizer", sanitizer_lists,
           "asan, tsan, msan, release: which builds execute it (default: as found, else asan)");
  app->add_option("--defect", defect, "Execute it on the core with this bug; 'none': without any")
      ->type_name("NAME");
  app->add_option("--checks", checks, "all, or none: our own checkers off")->type_name("WHICH");
  app->add_option("--times", times, "How often in each build (default 1)")->type_name("N");
  app->add_option("--jobs", jobs, "Executions at a time (default: number of cores)")
      ->type_name("N");
  app->add_flag("--no-aslr", request.no_aslr, "Without address-space randomization");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.times = optional_number("--times", times, 1, 1'000'000).value_or(1);
  request.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  request.input = load_input(file);
  FindingComment& how = request.input.comment;
  if (!target.empty()) how.target = target;
  if (!checks.empty()) how.checks = checks;
  if (how.checks.empty()) how.checks = "all";
  if (!defect.empty()) how.defect = defect == "none" ? "" : defect;
  request.sanitizers = list_items(sanitizer_lists);
  if (request.sanitizers.empty()) {
    request.sanitizers = {how.sanitizer.empty() ? "asan" : how.sanitizer};
  }
  if (how.target.empty()) {
    throw UsageError(
        fmt::format("'{}' does not say which target it is for; add --target, one of {}",
                    printable(file), join(project.targets(), ", ")));
  }
  require_known("target", how.target, project.targets());
  require_known("value of --checks", how.checks, {"all", "none"});
  if (!how.defect.empty()) require_known("defect", how.defect, project.defects());
  for (const std::string& name : request.sanitizers) require_known("sanitizer", name, sanitizers());
  if (request.input.is_text && !target_info(how.target).program) {
    throw UsageError(fmt::format("{} takes no programs; '{}' is one", how.target, printable(file)));
  }
  return request;
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
  // libFuzzer may execute an input twice in one process: then both must be the same.
  for (const Trace& trace : outcome.traces) {
    if (trace != answer.trace) answer.result += " (two traces in one process)";
  }
  return answer;
}

class Replayer {
 public:
  Replayer(const Project& project, const Request& request, Progress& progress)
      : project_(project),
        request_(request),
        progress_(progress),
        scratch_(fs::temp_directory_path()),
        file_(scratch_.path() / "input") {
    const std::vector<uint8_t>& bytes = request.input.bytes;
    write_file(file_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  BuildResult run(const std::string& sanitizer) {
    BuildResult result;
    result.sanitizer = sanitizer;
    Command named = command(sanitizer, true);
    Command unnamed = command(sanitizer, false);
    auto start = std::chrono::steady_clock::now();
    // The first one alone, with names: it is the one to show.
    execute(named, [&](const Outcome& outcome) { result.first = outcome; });
    finish(result);
    // More of them without: symbolizing costs more than executing. They are held against each other
    // only, for a stack without names reads differently.
    uint64_t left = request_.times;
    if (left == 1 && result.first) {
      count(result, *result.first);
      left = 0;
    }
    while (left > 0 && !interrupted()) {
      while (left > 0 && supervisor_.running() < request_.jobs) {
        left--;
        execute(unnamed, [&](const Outcome& outcome) { count(result, outcome); });
      }
      supervisor_.step(std::chrono::milliseconds(200));
      progress_.block({fmt::format("{} {}: {} of {} executions, {} found something",
                                   request_.input.comment.target, sanitizer, result.executions,
                                   request_.times, result.found)});
    }
    finish(result);
    progress_.clear();
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (result.answers.empty()) throw EnvironmentError("interrupted before anything was executed");
    return result;
  }

 private:
  Command command(const std::string& sanitizer, bool symbolize) const {
    const FindingComment& how = request_.input.comment;
    Command made = replay_command(
        project_, project_.binary(sanitizer, how.target, how.defect), file_,
        {.sanitizer = sanitizer, .checks = how.checks, .trace = true, .symbolize = symbolize});
    made.cwd = scratch_.path();
    made.no_aslr = request_.no_aslr;
    return made;
  }

  template <typename Done>
  void execute(const Command& made, Done done) {
    auto log = std::make_shared<LibFuzzerLog>();
    try {
      supervisor_.start(
          made, [log](std::string_view line) { log->line(line); },
          [this, log, done](const Exit& exit) {
            if (!exit.stopped) done(outcome_of(*log, exit, project_));
          });
    } catch (const SpawnError& error) {
      throw EnvironmentError(error.what());
    }
  }

  void finish(const BuildResult& result) {
    bool stopping = false;
    while (supervisor_.running() > 0) {
      if (interrupted() && !stopping) {
        stopping = true;
        supervisor_.stop_all(std::chrono::seconds(2));
      }
      supervisor_.step(std::chrono::milliseconds(200));
      progress_.block({fmt::format("{} {}: {} of {} executions", request_.input.comment.target,
                                   result.sanitizer, result.executions, request_.times)});
    }
  }

  static void count(BuildResult& result, const Outcome& outcome) {
    result.answers[answer_of(outcome)]++;
    result.executions++;
    if (!outcome.clean()) result.found++;
  }

  const Project& project_;
  const Request& request_;
  Progress& progress_;
  ScratchFolder scratch_;
  fs::path file_;
  Supervisor supervisor_;
};

// The verdict with its place: from the execution with names, if it is the same kind.
std::string named_result(const BuildResult& build) {
  const Answer& usual = build.usual();
  if (build.first && answer_of(*build.first).result == usual.result) return build.first->text();
  return usual.result;
}

struct Judgement {
  bool found = false;           // at least one execution
  bool deterministic = true;    // in each build all the same
  bool same_everywhere = true;  // the trace, across builds
};

Judgement judge_builds(const std::vector<BuildResult>& builds) {
  Judgement judgement;
  for (const BuildResult& build : builds) {
    if (build.found > 0) judgement.found = true;
    if (build.answers.size() > 1) judgement.deterministic = false;
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

std::string against_record(const std::string& recorded, const std::string& now) {
  if (recorded.empty()) return "";
  return recorded == now ? "as recorded" : "recorded: " + printable(recorded);
}

void print_answers(const BuildResult& build) {
  fmt::print("\nNOT DETERMINISTIC: {} different results of {} executions under {}:\n",
             build.answers.size(), build.executions, build.sanitizer);
  for (const auto& [answer, times] : build.answers) {
    fmt::print("  {:>6} x  {}  trace {} points={}  {}\n", times, printable(answer.result),
               answer.trace.hash.empty() ? "none" : printable(answer.trace.hash),
               answer.trace.points, printable(answer.place));
  }
}

void print_result(const Project& project, const Request& request,
                  const std::vector<BuildResult>& builds, const Judgement& judgement) {
  const FindingComment& how = request.input.comment;
  for (const BuildResult& build : builds) {
    // One report is enough; the builds differ in what the sanitizers add.
    if (build.found == 0 || !build.first) continue;
    const Outcome& shown = *build.first;
    const std::vector<std::string>& lines = shown.verdict ? shown.report : shown.tail;
    for (const std::string& line : lines) fmt::print("{}\n", printable(line));
    if (lines.empty() || !lines.back().empty()) fmt::print("\n");
    break;
  }
  fmt::print("{}: {}{}, checks={}{}\n", Project::shown(fs::absolute(request.input.path)),
             how.target, how.defect.empty() ? "" : " with " + how.defect, how.checks,
             request.no_aslr ? ", without address-space randomization" : "");
  const BuildResult& first = builds.front();
  const Trace& trace = first.usual().trace;
  auto with_note = [](const std::string& note) { return note.empty() ? "" : "  (" + note + ")"; };
  fmt::print("verdict  {}{}\n", named_result(first),
             with_note(against_record(how.verdict, named_result(first))));
  fmt::print("trace    {}{}\n",
             trace.hash.empty() ? "none" : fmt::format("{} points={}", trace.hash, trace.points),
             with_note(against_record(how.trace, trace.hash)));
  fmt::print("agreed   {} of {}\n", with_commas(first.agreed()), with_commas(first.executions));
  if (builds.size() > 1) {
    Table table({"build", "trace", "points>", "agreed>", "seconds>", "verdict"});
    for (const BuildResult& build : builds) {
      const Answer& usual = build.usual();
      table.row(
          {build.sanitizer, usual.trace.hash.empty() ? "none" : printable(usual.trace.hash),
           with_commas(usual.trace.points),
           fmt::format("{} of {}", with_commas(build.agreed()), with_commas(build.executions)),
           fmt::format("{:.1f}", build.seconds), named_result(build)});
    }
    fmt::print("\n{}", table.text());
  }
  for (const BuildResult& build : builds) {
    if (build.answers.size() > 1) print_answers(build);
    if (build.executions < request.times) {
      fmt::print("\nstopped: {} of {} executions under {}\n", build.executions, request.times,
                 build.sanitizer);
    }
  }
  if (!judgement.same_everywhere) {
    fmt::print("\nNOT DETERMINISTIC: the same input has different traces in different builds\n");
  }
  if (!judgement.found) {
    fmt::print("\nclean: it does not reproduce{}\n",
               how.defect.empty() && !project.defects().empty()
                   ? ", on the core without a defect (--defect NAME puts one in)"
                   : "");
  }
}

json json_result(const Request& request, const std::vector<BuildResult>& builds,
                 const Judgement& judgement, int code) {
  json list = json::array();
  for (const BuildResult& build : builds) {
    json answers = json::array();
    for (const auto& [answer, times] : build.answers) {
      answers.push_back({{"result", printable(answer.result)},
                         {"summary", printable(answer.place)},
                         {"trace", printable(answer.trace.hash)},
                         {"points", answer.trace.points},
                         {"times", times}});
    }
    json entry = {{"sanitizer", build.sanitizer},
                  {"executions", build.executions},
                  {"found", build.found},
                  {"agreed", build.agreed()},
                  {"result", named_result(build)},
                  {"trace", printable(build.usual().trace.hash)},
                  {"points", build.usual().trace.points},
                  {"seconds", build.seconds},
                  {"answers", answers}};
    if (build.first && build.found > 0) {
      std::vector<std::string> report;
      for (const std::string& line : build.first->report) report.push_back(printable(line));
      entry["report"] = report;
    }
    list.push_back(entry);
  }
  return {{"verb", "repro"},
          {"file", request.input.path.string()},
          {"recorded", to_json(request.input.comment)},
          {"aslr", !request.no_aslr},
          {"builds", list},
          {"found", judgement.found},
          {"deterministic", judgement.deterministic},
          {"same_trace_in_all_builds", judgement.same_everywhere},
          {"exit", code}};
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  Request request = read_request(project, arguments);
  const FindingComment& how = request.input.comment;
  Progress progress;
  for (const std::string& sanitizer : request.sanitizers) {
    build(project, sanitizer, {Project::build_target(how.target, how.defect)}, progress);
  }
  Replayer replayer(project, request, progress);
  std::vector<BuildResult> builds;
  for (const std::string& sanitizer : request.sanitizers) {
    if (interrupted()) break;
    builds.push_back(replayer.run(sanitizer));
  }
  if (builds.empty()) throw EnvironmentError("interrupted before anything was executed");
  Judgement judgement = judge_builds(builds);
  bool same = judgement.deterministic && judgement.same_everywhere;
  int code = judgement.found || !same ? kFound : kNothingFound;
  if (request.json) {
    json result = json_result(request, builds, judgement, code);
    fmt::print("{}\n", result.dump(2, ' ', false, json::error_handler_t::replace));
  } else {
    print_result(project, request, builds, judgement);
  }
  return code;
}

}  // namespace

const Verb kReproVerb = {"repro", "execute an input again and tell whether the same happens", run};

}  // namespace tool
