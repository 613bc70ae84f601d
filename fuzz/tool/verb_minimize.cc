// minimize FILE: the simplest input that still ends in the same verdict.

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/highlight.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/minimize_input.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kMinimizeVerb;

namespace {

using nlohmann::json;
using text_form::Form;

struct Request : RunRequest {
  MinimizeRequest minimize;
  fs::path output;
  bool json = false;
};

// NAME.fence -> NAME.min.fence
fs::path default_output(const fs::path& input, Form form) {
  fs::path path = input;
  if (text_form::of_file(input.string()) != Form::kBytes) path.replace_extension();
  path += ".min";
  path += text_form::extension(form);
  return path;
}

void check_output(const fs::path& input, const fs::path& output, Form form) {
  const std::string shown = printable(output.string());
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) {
    throw UsageError(
        fmt::format("'{}' would be overwritten; name another file with --output", shown));
  }
  if (!output.string().ends_with(text_form::extension(form)) &&
      text_form::of_file(output.string()) != Form::kBytes) {
    throw UsageError(fmt::format("'{}' would hold something else than its name says; end it in {}",
                                 shown, text_form::extension(form)));
  }
  const fs::path folder = output.parent_path();
  if (fs::is_directory(output, ignored) || !output.has_filename()) {
    throw UsageError(fmt::format("'{}' is a folder; name a file with --output", shown));
  }
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw UsageError(fmt::format("cannot write '{}': there is no such folder", shown));
  }
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::string file;
  std::optional<std::string> output;
  std::optional<std::string> budget;
  RunFlags flags;
  auto app = command_line(
      kMinimizeVerb,
      "Makes an input smaller, in operations, threads, faults, arguments, device and preemptions, "
      "until no single step is left that keeps its verdict at the same place.",
      "  ./fencebench minimize out/findings/userq_fuzzer/reference-leak-1a2b3c4d.fence\n"
      "  ./fencebench minimize crash-0123 --target userq_fuzzer --output small.fence");
  app->add_option("FILE", file,
                  "A .fence, .steps or .calls file, or the bytes libFuzzer left (with --target)")
      ->required();
  add_run_flags(*app, flags);
  app->add_option("-o,--output", output,
                  "Where the result goes (default: beside FILE, NAME.min.fence)");
  app->add_option("--budget", budget, "At most so many executions (default 100000)")
      ->type_name("N");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.minimize.budget =
      optional_number("--budget", budget, 1, 1'000'000'000).value_or(request.minimize.budget);
  static_cast<RunRequest&>(request) = settle_request(project, file, flags);
  if (request.sanitizers.size() > 1) {
    throw UsageError(fmt::format("one build judges; choose one of --sanitizer {}",
                                 join(request.sanitizers, ",")));
  }
  request.minimize.sanitizer = request.sanitizers.front();
  // Executed in another way than it was recorded, it may end in something else.
  if (!flags.target && !flags.defect && !flags.checks && flags.sanitizers.empty()) {
    request.minimize.expected = request.input.comment.verdict;
  }
  const Form form = target_info(request.input.comment.target).form;
  request.output = output ? fs::path(*output) : default_output(request.input.path, form);
  check_output(request.input.path, request.output, form);
  return request;
}

void write_result(const fs::path& output, const MinimizedInput& minimized) {
  const bool text = text_form::of_file(output.string()) != Form::kBytes;
  write_file(output, text ? file_content(minimized)
                          : std::string(minimized.bytes.begin(), minimized.bytes.end()));
  if (!text) write_file(sidecar_of(output), to_json(minimized.comment).dump(2) + "\n");
}

// What to try with an input that does not end in its verdict.
std::string advice(const Project& project, const Request& request, const NotReproduced& failure) {
  const FindingComment& how = request.input.comment;
  if (!failure.first.empty()) {
    return fmt::format(
        "it does not end in the same each time; '{} repro {} --times 100' tells how often",
        project.command(), shell_quote(Project::shown(fs::absolute(request.input.path))));
  }
  std::vector<std::string> tries;
  if (how.defect.empty() && !project.defects().empty()) {
    tries.emplace_back("--defect NAME puts a bug into the core");
  }
  if (how.checks == "none") tries.emplace_back("--checks all");
  tries.emplace_back(request.minimize.sanitizer == "asan" ? "--sanitizer tsan"
                                                          : "--sanitizer asan");
  return "try " + join(tries, ", or ");
}

json size_json(const InputSize& size) {
  return {{"operations", size.operations},
          {"threads", size.threads},
          {"preemptions", size.preemptions},
          {"faults", size.faults},
          {"bytes", size.bytes}};
}

int report_failure(const Project& project, const Request& request, const NotReproduced& failure) {
  const std::string happened = failure.outcome.text();
  const std::string wanted = !failure.first.empty() ? failure.first : request.minimize.expected;
  const std::string hint = advice(project, request, failure);
  if (request.json) {
    json result = {{"verb", "minimize"},
                   {"file", request.input.path.string()},
                   {"reproduced", false},
                   {"result", printable(happened)},
                   {"recorded", printable(wanted)},
                   {"hint", hint},
                   {"exit", static_cast<int>(kFound)}};
    fmt::print("{}\n", json_text(result));
    return kFound;
  }
  fmt::print("{}: there is nothing to keep: it ends in '{}'{}\n{}\n",
             printable(Project::shown(fs::absolute(request.input.path))), printable(happened),
             wanted.empty() ? "" : fmt::format(", not in '{}'", printable(wanted)), hint);
  return kFound;
}

int report_result(const Project& project, const Request& request, const MinimizedInput& minimized) {
  const std::string output = Project::shown(fs::absolute(request.output));
  const bool has_text = target_info(minimized.comment.target).form != Form::kBytes;
  const std::string text = has_text ? file_content(minimized) : "";
  if (request.json) {
    json result = {{"verb", "minimize"},
                   {"file", request.input.path.string()},
                   {"output", request.output.string()},
                   {"reproduced", true},
                   {"run", to_json(minimized.comment)},
                   {"before", size_json(minimized.before)},
                   {"after", size_json(minimized.after)},
                   {"executions", minimized.executions},
                   {"seconds", minimized.seconds},
                   {"changed", minimized.changed()},
                   {"minimal", minimized.minimal},
                   {"text", text},
                   {"exit", static_cast<int>(kNothingFound)}};
    fmt::print("{}\n", json_text(result));
    return kNothingFound;
  }
  const bool colour = minimized.comment.target == kMainTarget && wants_colour(STDOUT_FILENO);
  fmt::print("{}\n", colour ? highlight(text) : text);
  Table table({"", "before>", "after>"});
  auto row = [&](const char* what, size_t InputSize::* count) {
    table.row({what, with_commas(minimized.before.*count), with_commas(minimized.after.*count)});
  };
  row("operations", &InputSize::operations);
  row("threads", &InputSize::threads);
  row("preemptions", &InputSize::preemptions);
  row("faults", &InputSize::faults);
  row("bytes", &InputSize::bytes);
  fmt::print("{}\n{} executions in {}, {}\n", table.text(), with_commas(minimized.executions),
             human_seconds(minimized.seconds),
             !minimized.minimal    ? "not minimal yet: stopped before the end"
             : minimized.changed() ? "nothing more can go"
                                   : "it was minimal already");
  fmt::print("file       {}\nreproduce  {} repro {}\n", printable(output), project.command(),
             shell_quote(output));
  return kNothingFound;
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(project, arguments);
  const FindingComment& how = request.input.comment;
  Progress progress;
  build(project, request.minimize.sanitizer, {Project::build_target(how.target, how.defect)},
        progress);
  auto result = minimize_input(project, request.input, request.minimize, progress);
  if (const auto* failure = std::get_if<NotReproduced>(&result)) {
    return report_failure(project, request, *failure);
  }
  const auto& minimized = std::get<MinimizedInput>(result);
  write_result(request.output, minimized);
  return report_result(project, request, minimized);
}

}  // namespace

const Verb kMinimizeVerb = {"minimize", "make an input smaller that ends in the same", run};

}  // namespace tool
