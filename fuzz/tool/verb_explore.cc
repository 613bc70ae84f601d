// explore FILE: walks every schedule of an input within a bound, and says which one fails or that
// none does.

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/sched/explorer.h"
#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/exploration.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kExploreVerb;

namespace {

using nlohmann::json;
using End = Exploration::End;
using text_form::Form;

struct Request : RunRequest {
  ExploreRequest explore;
  std::optional<fs::path> output;  // nothing: in out/findings, named by what is found
  bool json = false;
};

void check_output(const fs::path& input, const fs::path& output, const char* extension) {
  const std::string shown = printable(output.string());
  const fs::path folder = output.parent_path();
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) {
    throw UsageError(
        fmt::format("'{}' would be overwritten; name another file with --output", shown));
  }
  if (!output.string().ends_with(extension)) {
    throw UsageError(fmt::format("'{}' must end in {}", shown, extension));
  }
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw UsageError(fmt::format("cannot write '{}': there is no such folder", shown));
  }
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  ExploreRequest& explore = request.explore;
  std::string file;
  std::optional<std::string> preemptions;
  std::optional<std::string> limit;
  std::optional<std::string> seconds;
  std::optional<std::string> output;
  bool plain = false;
  RunFlags flags;
  auto app = command_line(
      kExploreVerb,
      "Executes an input under every schedule of at most so many preemptions, in place of its own, "
      "and either writes the first one that fails as a file to replay, or says that none does. Of "
      "schedules that differ only in the order of steps that do not depend on each other one is "
      "walked. That loses nothing unless the code has a data race, which --sanitizer tsan tells; "
      "it needs --no-prune. Leaks are found by our own checkers: with --checks none nobody looks "
      "for them, because LeakSanitizer could not tell which schedule leaked.\n\n"
      "Exit code 1: one failed. 0: none did; if --limit, --time or Ctrl-C came first, the result "
      "says 'not complete'.",
      "  ./fencebench explore corpus/userq_fuzzer/two_queues.fence --preemptions 1\n"
      "  ./fencebench explore FILE --preemptions 2 --defect leak-signaled-at-create --time 60");
  app->add_option("FILE", file,
                  "A .fence or .steps file, or the bytes libFuzzer left (with --target)")
      ->required();
  app->add_option("--preemptions", preemptions,
                  fmt::format("At most so many in each schedule: 0 to {} (default 2)",
                              sched::Explorer::kMaxPreemptions))
      ->type_name("K");
  app->add_flag("--no-prune", plain, "Walk schedules that are equivalent to others as well");
  app->add_option("--limit", limit, "Stop after so many schedules")->type_name("N");
  app->add_option("--time", seconds, "Stop after so many seconds")->type_name("SECONDS");
  add_run_flags(*app, flags);
  app->add_option("-o,--output", output,
                  "Where the failing one goes (default: out/findings, like those of fuzz)");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  explore.preemptions = static_cast<unsigned>(
      optional_number("--preemptions", preemptions, 0, sched::Explorer::kMaxPreemptions)
          .value_or(explore.preemptions));
  explore.prune = !plain;
  explore.limit = optional_number("--limit", limit, 1, UINT64_MAX);
  explore.seconds = optional_number("--time", seconds, 1, 1'000'000'000);
  static_cast<RunRequest&>(request) = settle_request(project, file, flags);
  if (request.sanitizers.size() > 1) {
    throw UsageError(fmt::format("one build at a time; choose one of --sanitizer {}",
                                 join(request.sanitizers, ",")));
  }
  explore.sanitizer = request.sanitizers.front();
  const Form form = target_info(request.input.comment.target).form;
  if (form != Form::kProgram && form != Form::kSteps) {
    throw UsageError(fmt::format("inputs of {} have no schedule; explore takes .fence and .steps",
                                 request.input.comment.target));
  }
  if (output) {
    request.output = *output;
    check_output(request.input.path, *request.output, text_form::extension(form));
  }
  return request;
}

std::string counted(uint64_t count, const char* what) {
  return fmt::format("{} {}{}", with_commas(count), what, count == 1 ? "" : "s");
}

struct Stored {
  FindingComment comment;
  FindingFiles files;  // input empty: it has no text with such a schedule
};

// Why it does not replay.
std::string warning(const Exploration& explored) {
  const std::string in_search = explored.outcome.text();
  if (!explored.alone.verdict) {
    return "not seen again when executed alone: " + explored.alone.text();
  }
  if (explored.alone.text() == in_search) return "another trace than in the search";
  return fmt::format("in the search it was '{}': it depends on what was in memory before",
                     in_search);
}

Stored store(const Project& project, const Request& request, const Exploration& explored) {
  Stored stored;
  const Outcome& found = explored.shown();
  stored.comment = request.input.comment;
  stored.comment.sanitizer = request.explore.sanitizer;
  stored.comment.seed.reset();
  stored.comment.verdict = found.text();
  stored.comment.trace = explored.alone.traces.empty() ? "" : explored.alone.traces.back().hash;
  if (explored.bytes.empty()) return stored;
  std::vector<std::string> notes = {
      stored.comment.verdict,
      fmt::format("Schedule {} of those with at most {}.", with_commas(explored.walked.schedules),
                  counted(request.explore.preemptions, "preemption"))};
  if (!explored.replays) notes.push_back(warning(explored));
  const std::string text = text_form::disassemble(stored.comment.target, explored.bytes);
  if (request.output) {
    stored.files.input = *request.output;
    write_file(*request.output, finding_text(stored.comment, notes, text));
  } else {
    stored.files = store_finding(project.root() / "out/findings" / stored.comment.target,
                                 stored.comment, text, notes, found.report);
  }
  return stored;
}

std::string why_not_complete(const Request& request, End end) {
  switch (end) {
    case End::kLimit:
      return fmt::format("the limit of {} schedules came first",
                         with_commas(*request.explore.limit));
    case End::kTime:
      return fmt::format("the {} s were over first", with_commas(*request.explore.seconds));
    case End::kInterrupted:
      return "it was stopped";
    case End::kOutOfMemory:
      return "the search used up the memory that it may have";
    case End::kComplete:
    case End::kFound:
      break;
  }
  return "";
}

void print_none(const Request& request, const Exploration& explored) {
  const SearchProgress& walked = explored.walked;
  fmt::print("no finding in {} of at most {}, {:.2f} s, {} a second\n",
             counted(walked.schedules, "schedule"),
             counted(request.explore.preemptions, "preemption"), walked.seconds,
             with_commas(static_cast<uint64_t>(walked.rate())));
  if (walked.skipped > 0 || walked.cut > 0) {
    fmt::print(
        "pruned: {} more are equivalent to one of these, {} were cut short at a state that "
        "was known\n",
        with_commas(walked.skipped), with_commas(walked.cut));
  }
  if (explored.end != End::kComplete) {
    fmt::print("NOT COMPLETE: {}; others may fail\n", why_not_complete(request, explored.end));
  }
  if (request.input.comment.checks == "none") fmt::print("note: nobody looked for leaks\n");
}

void print_found(const Project& project, const Exploration& explored, const Stored& stored) {
  const Outcome& found = explored.shown();
  fmt::print("finding      {}\n", printable(found.text()));
  for (const std::string& line : report_details(found.report))
    fmt::print("             {}\n", line);
  fmt::print("  schedule   {} (number {}, after {:.2f} s)\n", to_text(explored.schedule),
             with_commas(explored.walked.schedules), explored.walked.seconds);
  if (explored.bytes.empty()) {
    fmt::print(
        "  warning    it cannot be written down: a number is larger than inputs of {} hold\n",
        stored.comment.target);
    return;
  }
  const std::string file = shell_quote(Project::shown(fs::absolute(stored.files.input)));
  fmt::print("  file       {}\n", file);
  if (!stored.files.report.empty()) {
    fmt::print("  report     {}\n", Project::shown(stored.files.report));
  }
  if (explored.replays) {
    fmt::print("  replays    yes: the same verdict{}\n",
               stored.comment.trace.empty() || explored.outcome.traces.empty()
                   ? ""
                   : fmt::format(" and the same trace, {}", stored.comment.trace));
  } else {
    fmt::print("  warning    {}\n", printable(warning(explored)));
  }
  fmt::print("  reproduce  {} repro {}\n", project.command(), file);
  fmt::print("  minimize   {} minimize {}\n", project.command(), file);
}

const char* name_of(End end) {
  switch (end) {
    case End::kComplete:
      return "complete";
    case End::kLimit:
      return "limit";
    case End::kTime:
      return "time";
    case End::kInterrupted:
      return "interrupted";
    case End::kOutOfMemory:
      return "out-of-memory";
    case End::kFound:
      break;
  }
  return "found";
}

json json_result(const Project& project, const Request& request, const Exploration& explored,
                 const std::optional<Stored>& stored, int code) {
  const SearchProgress& walked = explored.walked;
  json result = {{"verb", "explore"},
                 {"file", request.input.path.string()},
                 {"run", to_json(request.input.comment)},
                 {"sanitizer", request.explore.sanitizer},
                 {"preemptions", request.explore.preemptions},
                 {"prune", request.explore.prune},
                 {"schedules", walked.schedules},
                 {"cut", walked.cut},
                 {"skipped", walked.skipped},
                 {"states", walked.states},
                 {"seconds", walked.seconds},
                 {"schedules_per_second", walked.rate()},
                 {"end", name_of(explored.end)},
                 {"complete", explored.end == End::kComplete},
                 {"found", stored.has_value()},
                 {"exit", code}};
  if (!stored) return result;
  json finding = to_json(stored->comment);
  finding["schedule"] = to_text(explored.schedule);
  finding["details"] = report_details(explored.shown().report);
  finding["replays"] = explored.replays;
  if (!stored->files.input.empty()) {
    finding["file"] = fs::absolute(stored->files.input).string();
    finding["command"] =
        fmt::format("{} repro {}", project.command(),
                    shell_quote(Project::shown(fs::absolute(stored->files.input))));
  }
  if (!stored->files.report.empty()) finding["report"] = stored->files.report.string();
  result["finding"] = finding;
  return result;
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(project, arguments);
  const FindingComment& how = request.input.comment;
  Progress progress;
  build(project, request.explore.sanitizer, {Project::build_target(how.target, how.defect)},
        progress);
  const Exploration explored = explore(project, request.input, request.explore, progress);
  std::optional<Stored> stored;
  if (explored.end == End::kFound) stored = store(project, request, explored);
  const int code = stored ? kFound : kNothingFound;
  if (request.json) {
    const json result = json_result(project, request, explored, stored, code);
    fmt::print("{}\n", json_text(result));
    return code;
  }
  fmt::print("{}: {} under {}{}, checks={}\n",
             printable(Project::shown(fs::absolute(request.input.path))), how.target,
             request.explore.sanitizer, how.defect.empty() ? "" : " with " + how.defect,
             how.checks);
  if (stored) {
    print_found(project, explored, *stored);
  } else {
    print_none(request, explored);
  }
  return code;
}

}  // namespace

const Verb kExploreVerb = {"explore", "walk every schedule of an input within a bound", run};

}  // namespace tool
