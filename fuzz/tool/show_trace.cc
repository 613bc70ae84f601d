#include "fuzz/tool/show_trace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzz/program/print.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/trace_diff.h"
#include "fuzz/tool/trace_html.h"
#include "fuzz/tool/trace_run.h"
#include "fuzz/tool/trace_text.h"

namespace tool {
namespace {

using nlohmann::json;

void print(const json& result) { fmt::print("{}\n", json_text(result)); }

TextStyle style_of_stdout() {
  constexpr size_t kUnknownWidth = 160;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  return {.width = terminal ? terminal_size(STDOUT_FILENO).columns : kUnknownWidth,
          .colour = wants_colour(STDOUT_FILENO),
          .unicode = speaks_utf8()};
}

std::string schedule_text(const Input& input, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (!input.program) return "the input's own";
  std::vector<std::string> entries;
  for (const program::Preemption& preemption : input.program->schedule) {
    char text[64];
    program::format_preemption(preemption, text, sizeof text);
    entries.emplace_back(text);
  }
  return entries.empty() ? "no preemptions" : join(entries, " ");
}

struct Told {
  TracedRun run;
  Story story;
  StoryHeading heading;
};

Told tell(const Project& project, const RunRequest& how, const TraceRequest& request,
          Progress& progress) {
  Told told;
  told.run = run_traced(project, how.input, how.sanitizers.front(), request.schedule, progress);
  const TraceLog& log = told.run.log;
  told.story = tell_story(log, {.all = request.all, .verdict = told.run.verdict()});
  const std::vector<Trace>& traces = told.run.outcome.traces;
  std::vector<std::string> facts = {
      "schedule " + schedule_text(how.input, request.schedule),
      fmt::format("trace    {}, {} steps, {} switches, {} preemptions",
                  traces.empty()
                      ? "unknown"
                      : fmt::format("{} points={}", traces.back().hash, traces.back().points),
                  log.events.size(), told.story.switches, told.story.preemptions)};
  if (how.input.comment.seed) facts.push_back(fmt::format("seed     {}", *how.input.comment.seed));
  if (log.full) facts.emplace_back("note     the run is too long: not all of it is shown");
  told.heading = {told.run.title, printable(told.run.verdict()), facts};
  return told;
}

std::string verdict_line(const Told& told) {
  return fmt::format("verdict  {}\n",
                     told.heading.verdict.empty() ? "clean" : told.heading.verdict);
}

void print_text(const Told& told, const TraceRequest& request) {
  const TextStyle style = style_of_stdout();
  fmt::print("{}\n{}", told.heading.title, verdict_line(told));
  for (const std::string& fact : told.heading.facts) {
    // A long schedule takes several lines.
    std::string_view rest = fact;
    while (!rest.empty()) {
      const std::string piece = fit(rest, style.width);
      fmt::print("{}\n", piece);
      rest.remove_prefix(piece.size());
    }
  }
  fmt::print("\n{}", story_text(told.story, style));
  const std::string remains = remains_text(told.story, request.all);
  if (!remains.empty()) fmt::print("\n{}", remains);
  fmt::print("\n{}", verdict_line(told));
}

// Beside the input, unless -o names another place.
fs::path page_path(const TraceRequest& request) {
  return request.out ? fs::path(*request.out)
                     : fs::path(request.files.front()).replace_extension(".html");
}

void write_page(const Told& told, const TraceRequest& request) {
  const std::string page = story_page(told.run.log, told.story, told.heading);
  if (request.out && *request.out == "-") {
    fmt::print("{}", page);
    return;
  }
  const fs::path path = page_path(request);
  write_file(path, page);
  if (request.json) {
    print({{"verb", "show"},
           {"file", request.files.front()},
           {"out", path.string()},
           {"verdict", told.heading.verdict},
           {"rows", told.story.rows.size()},
           {"bytes", page.size()}});
    return;
  }
  fmt::print("{}{}: {} rows, {} bytes; open it in a browser\n", verdict_line(told),
             printable(path.string()), with_commas(told.story.rows.size()),
             with_commas(page.size()));
}

int show_one(const Project& project, const TraceRequest& request) {
  Progress progress;
  const RunRequest how = settle_request(project, request.files.front(), request.flags);
  if (how.sanitizers.size() > 1) throw UsageError("--trace and --html take one --sanitizer");
  const Told told = tell(project, how, request, progress);
  progress.clear();
  if (request.html) {
    write_page(told, request);
  } else if (request.json) {
    json result = to_json(told.run.log, told.story, told.heading);
    result["verb"] = "show";
    result["file"] = request.files.front();
    print(result);
  } else {
    print_text(told, request);
  }
  return told.run.outcome.clean() ? kNothingFound : kFound;
}

// The two runs to compare: two files, or one on the plain core and on that with its defect.
std::pair<RunRequest, RunRequest> both(const Project& project, const TraceRequest& request) {
  RunRequest a = settle_request(project, request.files.front(), request.flags);
  RunRequest b = settle_request(project, request.files.back(), request.flags);
  if (request.files.size() > 1) return {std::move(a), std::move(b)};
  if (b.input.comment.defect.empty()) {
    throw UsageError(
        "--diff wants two files, or one and --defect NAME: the core without the defect is held "
        "against the one with it");
  }
  a.input.comment.defect.clear();
  return {std::move(a), std::move(b)};
}

json side_json(const Told& told) {
  return {{"run", told.heading.title}, {"verdict", told.heading.verdict}};
}

int show_difference(const Project& project, const TraceRequest& request) {
  Progress progress;
  const auto [how_a, how_b] = both(project, request);
  if (how_a.sanitizers.size() > 1) throw UsageError("--diff takes one --sanitizer");
  const Told a = tell(project, how_a, request, progress);
  const Told b = tell(project, how_b, request, progress);
  progress.clear();
  const Parting parting = find_parting(a.run.log, b.run.log);
  if (request.json) {
    print({{"verb", "show"},
           {"a", side_json(a)},
           {"b", side_json(b)},
           {"parted", parting.parted},
           {"step_a", parting.step_a},
           {"step_b", parting.step_b},
           {"points", parting.points}});
  } else {
    fmt::print("{}",
               diff_text({a.run.title, a.run.log, a.run.verdict()},
                         {b.run.title, b.run.log, b.run.verdict()}, parting, style_of_stdout()));
  }
  return parting.parted ? kFound : kNothingFound;
}

}  // namespace

int show_trace(const TraceRequest& request) {
  const Project project = Project::find();
  return request.diff ? show_difference(project, request) : show_one(project, request);
}

}  // namespace tool
