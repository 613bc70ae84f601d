// repro FILE: executes an input again, any number of times in any builds, and says whether the
// same happens each time.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/repro_screen.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/since.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kReproVerb;

namespace {

using nlohmann::json;

constexpr size_t kScreen = 24;  // lines of a report

struct Request : RunRequest {
  ReplayOptions replay;
  std::string flags;  // how to execute it, as they were given, for the next command
  std::string since;  // empty: only whether it is there now
  bool whole_report = false;
  bool json = false;
};

std::string flags_text(const RunFlags& flags) {
  std::string text;
  auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) text += fmt::format(" {} {}", name, shell_quote(*value));
  };
  add("--target", flags.target);
  add("--defect", flags.defect);
  add("--patch", flags.patch);
  add("--checks", flags.checks);
  return text;
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::string file;
  RunFlags flags;
  std::optional<std::string> times;
  std::optional<std::string> jobs;
  auto app = command_line(
      kReproVerb,
      "Executes an input as it was executed when it was found (its '# fencebench:' line says how; "
      "flags override that), and tells whether verdict and trace are the same each time, whether "
      "the finding is still there, and with which commit it began.",
      "  ./fencebench repro out/findings/userq_fuzzer/reference-leak-1a2b3c4d.fence\n"
      "  ./fencebench repro FILE --times 1000 --sanitizer asan,tsan,msan,release\n"
      "  ./fencebench repro FILE --since HEAD~20");
  app->add_option("FILE", file,
                  "A .fence, .steps or .calls file, or the bytes libFuzzer left (with --target)")
      ->required();
  add_run_flags(*app, flags);
  app->add_option("--times", times, "How often in each build (default 1)")->type_name("N");
  app->add_option("--jobs", jobs, "Executions at a time (default: number of cores)")
      ->type_name("N");
  app->add_flag("--no-aslr", request.replay.no_aslr, "Without address-space randomization");
  std::optional<std::string> since;
  app->add_option("--since", since,
                  "Find the commit where it began, between this good one and HEAD: builds some of "
                  "them in a folder of their own")
      ->type_name("REV");
  app->add_flag("--report", request.whole_report, "Print the whole report, not a screen of it");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.replay.times = optional_number("--times", times, 1, 1'000'000).value_or(1);
  request.replay.jobs =
      static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  static_cast<RunRequest&>(request) = settle_request(project, file, flags);
  request.flags = flags_text(flags);
  request.since = since.value_or("");
  if (since && request.sanitizers.size() > 1) {
    throw UsageError(fmt::format("--since takes one build; choose one of --sanitizer {}",
                                 join(request.sanitizers, ",")));
  }
  return request;
}

// Of the first build: it is the one that the finding is recorded for.
ReproScreen screen_of(const Project& project, const Request& request,
                      const std::vector<BuildResult>& builds) {
  ReproScreen screen;
  screen.recorded = request.input.comment;
  const BuildResult* shown = &builds.front();
  for (const BuildResult& build : builds) {
    if (build.found > 0 && shown->found == 0) shown = &build;
  }
  if (shown->first) {
    screen.presence = presence_of(screen.recorded, *shown->first);
    screen.now = signature_of(*shown->first, screen.recorded.target);
  }
  screen.revision = revision_of(project.root()).text();
  const std::string file = shell_quote(Project::shown(fs::absolute(request.input.path)));
  const std::string flags =
      fmt::format(" {}{}{}", file, request.flags,
                  shown->sanitizer == screen.recorded.sanitizer ||
                          (screen.recorded.sanitizer.empty() && shown->sanitizer == "asan")
                      ? ""
                      : " --sanitizer " + shown->sanitizer);
  screen.replay = project.command() + " repro" + flags;
  screen.minimize = project.command() + " minimize" + flags;
  return screen;
}

std::string against_record(const std::string& recorded, const std::string& now) {
  if (recorded.empty()) return "";
  return recorded == now ? "as recorded" : "recorded: " + printable(recorded);
}

void print_answers(const BuildResult& build) {
  fmt::print("\nNOT DETERMINISTIC: {} different results of {} executions under {}:\n",
             build.answers.size(), build.executions, build.sanitizer);
  for (const auto& [answer, times] : build.answers) {
    fmt::print("  {:>6} x  {}  trace {} points={}  {}{}\n", times, printable(answer.result),
               answer.trace.hash.empty() ? "none" : printable(answer.trace.hash),
               answer.trace.points, printable(answer.place),
               answer.two_traces ? "; executed twice in one process it had another trace" : "");
  }
}

void print_result(const Project& project, const Request& request,
                  const std::vector<BuildResult>& builds, const Judgement& judgement,
                  const ReproScreen& screen) {
  const FindingComment& how = request.input.comment;
  for (const BuildResult& build : builds) {
    // One report is enough; the builds differ in what the sanitizers add.
    if (build.found == 0 || !build.first) continue;
    const Outcome& shown = *build.first;
    const std::vector<std::string>& whole = shown.verdict ? shown.report : shown.tail;
    const std::vector<std::string> lines =
        shortened(whole, request.whole_report ? whole.size() : kScreen);
    for (const std::string& line : lines) fmt::print("{}\n", printable(line));
    if (lines.empty() || !lines.back().empty()) fmt::print("\n");
    break;
  }
  fmt::print("{}: {}{}, checks={}{}\n", printable(Project::shown(fs::absolute(request.input.path))),
             how.target, how.defect.empty() ? "" : " with " + how.defect, how.checks,
             request.replay.no_aslr ? ", without address-space randomization" : "");
  const BuildResult& first = builds.front();
  const Trace& trace = first.usual().trace;
  auto with_note = [](const std::string& note) { return note.empty() ? "" : "  (" + note + ")"; };
  fmt::print("verdict  {}{}\n", printable(first.named_result()),
             with_note(against_record(how.verdict, first.named_result())));
  fmt::print("trace    {}{}\n",
             trace.hash.empty() ? "none"
                                : fmt::format("{} points={}", printable(trace.hash), trace.points),
             with_note(against_record(how.trace, trace.hash)));
  fmt::print("agreed   {} of {}\n", with_commas(first.agreed()), with_commas(first.executions));
  for (const std::string& line : screen_lines(screen)) fmt::print("{}\n", line);
  if (builds.size() > 1) {
    Table table({"build", "trace", "points>", "agreed>", "seconds>", "verdict"});
    for (const BuildResult& build : builds) {
      const Answer& usual = build.usual();
      table.row(
          {build.sanitizer, usual.trace.hash.empty() ? "none" : printable(usual.trace.hash),
           with_commas(usual.trace.points),
           fmt::format("{} of {}", with_commas(build.agreed()), with_commas(build.executions)),
           fmt::format("{:.1f}", build.seconds), printable(build.named_result())});
    }
    fmt::print("\n{}", table.text());
  }
  for (const BuildResult& build : builds) {
    if (!judge_builds({build}).deterministic) print_answers(build);
    if (build.executions < request.replay.times) {
      fmt::print("\nstopped: {} of {} executions under {}\n", build.executions,
                 request.replay.times, build.sanitizer);
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
                 const Judgement& judgement, const ReproScreen& screen, int code) {
  json list = json::array();
  for (const BuildResult& build : builds) {
    json answers = json::array();
    for (const auto& [answer, times] : build.answers) {
      answers.push_back({{"result", printable(answer.result)},
                         {"summary", printable(answer.place)},
                         {"trace", printable(answer.trace.hash)},
                         {"points", answer.trace.points},
                         {"two_traces_in_one_process", answer.two_traces},
                         {"times", times}});
    }
    json entry = {{"sanitizer", build.sanitizer},
                  {"executions", build.executions},
                  {"found", build.found},
                  {"agreed", build.agreed()},
                  {"result", build.named_result()},
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
          {"aslr", !request.replay.no_aslr},
          {"builds", list},
          {"found", judgement.found},
          {"signature", screen.now.id.empty() ? json() : json(screen.now.id)},
          {"signature_text", screen.now.id.empty() ? json() : json(screen.now.text())},
          {"frames", screen.now.frames},
          {"still_there", screen.presence == Presence::kThere},
          {"here", presence_text(screen)},
          {"commit", screen.revision},
          {"replay", printable(screen.replay)},
          {"minimize", printable(screen.minimize)},
          {"deterministic", judgement.deterministic},
          {"same_trace_in_all_builds", judgement.same_everywhere},
          {"exit", code}};
}

int since(const Project& project, const Request& request) {
  Progress progress;
  const Origin origin =
      find_origin(project, request.input, request.sanitizers.front(), request.since, progress);
  using End = Bisection::End;
  const End end = origin.bisection.end;
  const int code = end == End::kFound || end == End::kNotGood ? kFound
                   : end == End::kNotBad                      ? kNothingFound
                                                              : kEnvironmentAtFault;
  if (request.json) {
    json result = {{"verb", "repro"},
                   {"file", request.input.path.string()},
                   {"recorded", to_json(request.input.comment)},
                   {"since", to_json(origin)},
                   {"exit", code}};
    fmt::print("{}\n", json_text(result));
    return code;
  }
  fmt::print("{}log        {}\n", to_text(origin), printable(Project::shown(origin.log)));
  return code;
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  Request request = read_request(project, arguments);
  if (!request.since.empty()) return since(project, request);
  const FindingComment& how = request.input.comment;
  Progress progress;
  for (const std::string& sanitizer : request.sanitizers) {
    build(project, sanitizer, {Project::build_target(how.target, how.defect)}, progress);
  }
  Replayer replayer(project, request.input, request.replay, progress);
  std::vector<BuildResult> builds;
  for (const std::string& sanitizer : request.sanitizers) {
    if (interrupted()) break;
    builds.push_back(replayer.run(sanitizer));
  }
  if (builds.empty()) throw EnvironmentError("interrupted before anything was executed");
  Judgement judgement = judge_builds(builds);
  bool same = judgement.deterministic && judgement.same_everywhere;
  int code = judgement.found || !same ? kFound : kNothingFound;
  const ReproScreen screen = screen_of(project, request, builds);
  if (request.json) {
    fmt::print("{}\n", json_text(json_result(request, builds, judgement, screen, code)));
  } else {
    print_result(project, request, builds, judgement, screen);
  }
  return code;
}

}  // namespace

const Verb kReproVerb = {"repro", "execute an input again and tell whether the same happens", run};

}  // namespace tool
