// regress FILE...: a finding that was fixed becomes a test.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/minimize_input.h"
#include "fuzz/tool/presence.h"
#include "fuzz/tool/regression.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/run_request.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kRegressVerb;

namespace {

using nlohmann::json;
using text_form::Form;

struct Request {
  std::vector<std::string> files;
  RunFlags flags;
  std::string title;
  std::string name;
  bool json = false;
};

struct Result {
  std::string file;
  fs::path written;      // empty: refused
  std::string refused;   // why
  bool finding = false;  // it is refused because it is there
  std::vector<std::string> notes;
};

Request read_request(const std::vector<std::string>& arguments) {
  Request request;
  std::optional<std::string> title;
  std::optional<std::string> name;
  auto app = command_line(
      kRegressVerb,
      "Makes a test of a finding that was fixed: writes it to corpus/regressions, where the tests "
      "execute it in all builds from then on. It must not end in a finding any more on the "
      "present core. Minimize it while it still does: FILE's NAME.min.fence is taken if it lies "
      "beside it.",
      "  ./fencebench minimize out/findings/userq_fuzzer/deadlock-1a2b3c4d.fence   # before the "
      "fix\n"
      "  ./fencebench regress out/findings/userq_fuzzer/deadlock-1a2b3c4d.fence "
      "--title 'The reset waits for itself'");
  app->add_option("FILE", request.files, ".fence, .steps or .calls files of findings")->required();
  add_run_flags(*app, request.flags);
  app->add_option("--title", title, "What was wrong, in one line")->type_name("TEXT");
  app->add_option("--name", name, "Name of the file, without its ending (default: of the title)")
      ->type_name("NAME");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.title = title.value_or("");
  request.name = name.value_or("");
  if (request.title.find_first_of("\r\n") != std::string::npos) {
    throw UsageError("--title takes one line");
  }
  if (name && slug(*name, 100) != *name) {
    throw UsageError(fmt::format("'{}' is no name for a file of the corpus; '{}' would be one",
                                 printable(*name), slug(*name, 100)));
  }
  if (request.files.size() > 1 && (title || name)) {
    throw UsageError("--title and --name are for one FILE");
  }
  return request;
}

// What `minimize` made of it, if it lies beside it.
fs::path minimized_file(const fs::path& file) {
  fs::path beside = file;
  beside.replace_extension();
  beside += ".min" + file.extension().string();
  std::error_code ignored;
  return fs::exists(beside, ignored) ? beside : file;
}

std::string shown_path(const fs::path& path) {
  return printable(Project::shown(fs::absolute(path)));
}

// With the defect that it was found on it can be made smaller even though the core is clean.
void minimize_on_its_defect(const Project& project, RunRequest& run, std::string& text,
                            Result& result, Progress& progress) {
  const FindingComment how = run.input.comment;
  if (how.defect.empty()) {
    result.notes.emplace_back(
        "not minimized: it does not end in its verdict any more, so there is nothing to keep");
    return;
  }
  const std::string sanitizer = how.sanitizer.empty() ? "asan" : how.sanitizer;
  build(project, sanitizer, {Project::build_target(how.target, how.defect)}, progress);
  auto minimized = minimize_input(project, run.input,
                                  {.sanitizer = sanitizer, .expected = how.verdict}, progress);
  if (const auto* smaller = std::get_if<MinimizedInput>(&minimized)) {
    text = file_content(*smaller);
    run.input.bytes = smaller->bytes;
    result.notes.push_back("minimized on its defect: " + to_text(smaller->after));
  } else {
    result.notes.push_back("not minimized: with " + how.defect +
                           " it does not end in its verdict either");
  }
}

Result regress(const Project& project, const Request& request, const std::string& named,
               Progress& progress) {
  Result result{.file = named, .written = {}, .refused = "", .notes = {}};
  auto refuse = [&](const std::string& why) {
    result.refused = why;
    return result;
  };
  const fs::path file = minimized_file(named);
  if (file != fs::path(named)) result.notes.push_back("taken: " + shown_path(file));
  RunRequest run = settle_request(project, file.string(), request.flags);
  FindingComment& how = run.input.comment;
  if (!run.input.is_text) {
    return refuse(
        "it is bytes, and the corpus is text: './fencebench show' prints it as text, if "
        "its target has one");
  }
  if (how.verdict.empty()) return refuse("it says no verdict: an input, no finding");
  if (auto double_of = stored_already(project, run.input)) {
    return refuse("the tests execute the same already: " + shown_path(*double_of));
  }

  // On the core as it is, whatever it was found on.
  Input plain = run.input;
  plain.comment.defect.clear();
  for (const std::string& sanitizer : run.sanitizers) {
    build(project, sanitizer, {how.target}, progress);
    const BuildResult executed = Replayer(project, plain, {}, progress).run(sanitizer);
    if (!executed.first || executed.first->clean()) continue;
    result.finding = true;
    return refuse(
        fmt::format("{} on the present core: {} ends in '{}'; a regression is a finding "
                    "that was fixed",
                    presence_of(plain.comment, *executed.first) == Presence::kThere
                        ? "it is still there"
                        : "it ends in another finding",
                    sanitizer, printable(executed.first->text())));
  }

  std::string text = read_named_file(file);
  if (!is_minimized(text)) {
    minimize_on_its_defect(project, run, text, result, progress);
    if (auto double_of = stored_already(project, run.input)) {
      return refuse("minimized it is what the tests execute already: " + shown_path(*double_of));
    }
  }
  const std::string from =
      fmt::format("From {}{}; no longer there at {}.", fs::path(named).filename().string(),
                  how.defect.empty() ? "" : " on " + how.defect, [&] {
                    const std::string revision = revision_of(project.root()).text();
                    return revision.empty() ? "an unknown commit" : revision;
                  }());
  const std::string name =
      request.name.empty() ? regression_name(how, request.title, run.input.bytes) : request.name;
  const fs::path folder = project.root() / "corpus" / "regressions";
  fs::create_directories(folder);
  const fs::path path = folder / (name + text_form::extension(target_info(how.target).form));
  if (fs::exists(path)) return refuse("there is another " + shown_path(path) + "; give --name");
  write_file(path, regression_text(how, request.title, from, text));
  result.written = path;
  return result;
}

json result_json(const Result& result) {
  json entry = {{"file", result.file}, {"notes", json::array()}};
  for (const std::string& note : result.notes) entry["notes"].push_back(printable(note));
  if (result.written.empty()) {
    entry["refused"] = printable(result.refused);
    entry["found"] = result.finding;
  } else {
    entry["written"] = result.written.string();
  }
  return entry;
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(arguments);
  Progress progress;
  std::vector<Result> results;
  int code = kNothingFound;
  for (const std::string& file : request.files) {
    results.push_back(regress(project, request, file, progress));
    const Result& result = results.back();
    if (result.finding) {
      code = kFound;
    } else if (result.written.empty() && code == kNothingFound) {
      code = kWrongUsage;
    }
  }
  if (request.json) {
    json list = json::array();
    for (const Result& result : results) list.push_back(result_json(result));
    fmt::print("{}\n", json_text({{"verb", "regress"}, {"files", list}, {"exit", code}}));
    return code;
  }
  for (const Result& result : results) {
    if (result.written.empty()) {
      fmt::print("{}: refused: {}\n", shown_path(result.file), printable(result.refused));
    } else {
      fmt::print("{}: written to {}\n", shown_path(result.file), shown_path(result.written));
    }
    for (const std::string& note : result.notes) fmt::print("  {}\n", printable(note));
  }
  return code;
}

}  // namespace

const Verb kRegressVerb = {"regress", "make a test of a finding that was fixed", run};

}  // namespace tool
