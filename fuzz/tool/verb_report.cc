// report: what hunts came to, as one page.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/report_page.h"
#include "fuzz/tool/report_runs.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kReportVerb;

namespace {

using nlohmann::json;

struct Request {
  std::vector<fs::path> hunts;
  std::optional<std::string> coverage;
  fs::path output = "out/report.html";
  bool runs = true;
  bool json = false;
};

Request read_request(const std::vector<std::string>& arguments) {
  Request request;
  std::vector<std::string> hunts;
  std::string output = request.output.string();
  bool no_traces = false;
  auto app = command_line(
      kReportVerb,
      "Writes one page, which loads nothing, of what hunts came to: who sees what and how fast, "
      "survival curves, the ways of hunting compared, and each defect with its program, its patch "
      "and its run. Without results it is the catalogue.",
      "  ./fencebench report --hunt out/hunt.jsonl\n"
      "  ./fencebench coverage --json > out/coverage.json\n"
      "  ./fencebench report --hunt out/a.jsonl out/b.jsonl --coverage out/coverage.json");
  app->add_option("--hunt", hunts, "Results of hunts")->type_name("FILE...");
  app->add_option("--coverage", request.coverage, "What './fencebench coverage --json' printed")
      ->type_name("FILE");
  app->add_option("-o,--output", output, "Where the page goes (default: out/report.html)")
      ->type_name("FILE");
  app->add_flag("--no-traces", no_traces,
                "Do not execute the reproducers: the page then does not tell what happens in them");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);
  request.hunts.assign(hunts.begin(), hunts.end());
  request.output = output;
  request.runs = !no_traces;
  return request;
}

json read_coverage(const fs::path& path) {
  json coverage = json::parse(read_named_file(path), nullptr, false);
  if (!coverage.is_object() || !coverage.contains("total"))
    throw UsageError(fmt::format("{} is not what './fencebench coverage --json' prints",
                                 printable(path.string())));
  return coverage;
}

int run(const std::vector<std::string>& arguments) {
  const Request request = read_request(arguments);
  const Project project = Project::find();
  ReportData data;
  data.results = read_hunts(request.hunts);
  if (request.coverage) data.coverage = read_coverage(*request.coverage);
  data.catalogue = read_catalogue(project.root());
  data.generated = utc_now();
  data.commit = revision_of(project.root()).text();
  if (!request.output.parent_path().empty()) make_output_folder(request.output.parent_path());
  Progress progress;
  for (const std::string& warning : data.results.warnings) progress.note(printable(warning));
  if (request.runs) data.runs = run_reproducers(project, data.catalogue, progress);
  progress.clear();
  const std::string page = report_page(data);
  write_file(request.output, page);

  size_t without = 0;
  for (const auto& [name, story] : data.runs) without += story.text.empty();
  if (request.json) {
    fmt::print("{}\n", json_text({{"verb", "report"},
                                  {"output", request.output.string()},
                                  {"bytes", page.size()},
                                  {"defects", data.catalogue.size()},
                                  {"trials", data.results.trials.size()},
                                  {"replays", data.results.replays.size()},
                                  {"warnings", data.results.warnings},
                                  {"without_trace", without},
                                  {"exit", kNothingFound}}));
    return kNothingFound;
  }
  fmt::print("{} defects, {} trials, {} replays\n", data.catalogue.size(),
             with_commas(data.results.trials.size()), with_commas(data.results.replays.size()));
  for (const auto& [name, story] : data.runs) {
    if (story.text.empty()) fmt::print("no trace of {}: {}\n", name, printable(story.trouble));
  }
  fmt::print("report  {} ({} bytes; open it in a browser)\n",
             printable(Project::shown(request.output)), with_commas(page.size()));
  return kNothingFound;
}

}  // namespace

const Verb kReportVerb = {"report", "what hunts came to, as one page for a browser", run};

}  // namespace tool
