// merge DIR...: one small corpus of several: the smallest input for each feature.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/merge.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kMergeVerb;

namespace {

struct Request {
  std::vector<std::string> paths;
  std::string target;
  std::string sanitizer = "asan";
  fs::path output;
  unsigned jobs = 1;
  bool json = false;

  // Inputs that end in a finding go there, each with its report.
  fs::path findings() const { return output.string() + "-findings"; }
};

void require_new_or_empty(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return;
  if (fs::is_directory(folder, ignored) && fs::is_empty(folder, ignored)) return;
  throw UsageError(
      fmt::format("'{}' exists; --output and --output with '-findings' after it must "
                  "be new or empty, for nothing is ever deleted",
                  printable(folder.string())));
}

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::optional<std::string> jobs;
  std::string output;
  auto app = command_line(
      kMergeVerb,
      "Makes one small corpus of several: of the inputs that reach a feature (an edge executed so "
      "many times), the smallest is kept, as bytes named by their SHA-1. The result depends on the "
      "set of inputs only, not on their order or names; merging it again changes nothing. Inputs "
      "that end in a finding are set aside in OUTPUT-findings.",
      "  ./fencebench merge --target userq_fuzzer --output small out/corpus/userq_fuzzer/asan\n"
      "  ./fencebench merge --target userq_fuzzer --output small corpus/userq_fuzzer "
      "out/corpus/userq_fuzzer");
  app->add_option("DIR", request.paths,
                  "Folders of inputs, with all that is below them, or single files: bytes, .fence, "
                  ".steps, .calls")
      ->required();
  app->add_option("--target", request.target, "The target that the inputs are for")
      ->type_name("NAME")
      ->required();
  app->add_option("--output", output, "The folder to make")->type_name("OUTPUT")->required();
  app->add_option("--sanitizer", request.sanitizer,
                  "asan, tsan, msan or release: the build whose features count (default asan)")
      ->type_name("NAME");
  app->add_option("--jobs", jobs, "Processes at a time (default: number of cores)")->type_name("N");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  require_known("target", request.target, project.targets());
  require_known("sanitizer", request.sanitizer, sanitizers());
  request.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  if (output.empty()) throw UsageError("--output needs the name of a folder");
  request.output = fs::absolute(output).lexically_normal();
  if (!request.output.has_filename()) request.output = request.output.parent_path();
  require_new_or_empty(request.output);
  require_new_or_empty(request.findings());
  return request;
}

struct Result {
  MergeInputs inputs;
  Measured measured;
  std::vector<size_t> kept;
  uint64_t kept_bytes = 0;
  size_t features = 0;

  size_t dropped() const {
    return inputs.contents.size() - kept.size() - measured.set_aside.size();
  }
  int exit_code() const {
    return measured.set_aside.empty() && measured.at_exit.empty() ? kNothingFound : kFound;
  }
};

void write_result(const Request& request, const Result& result) {
  make_output_folder(request.output);
  for (size_t i : result.kept) {
    const std::string& content = result.inputs.contents[i];
    write_file(request.output / sha1(content), content);
  }
  if (result.measured.set_aside.empty()) return;
  make_output_folder(request.findings());
  for (const SetAside& aside : result.measured.set_aside) {
    const std::string& content = result.inputs.contents[aside.input];
    fs::path file = request.findings() / sha1(content);
    write_file(file, content);
    std::string report;
    for (const std::string& line : split(aside.report, '\n')) report += printable(line) + "\n";
    write_file(file.string() + ".txt", aside.verdict + "\n\n" + report);
  }
}

void print_result(const Project& project, const Request& request, const Result& result) {
  const MergeInputs& inputs = result.inputs;
  fmt::print("{} {}: {} files, {} bytes\n", request.target, request.sanitizer,
             with_commas(inputs.files), with_commas(inputs.bytes));
  fmt::print("kept       {} inputs, {} bytes, with all {} features: {}\n",
             with_commas(result.kept.size()), with_commas(result.kept_bytes),
             with_commas(result.features), printable(Project::shown(request.output)));
  fmt::print("dropped    {} without a feature of their own, {} doubles, {} empty\n",
             with_commas(result.dropped()), with_commas(inputs.doubles), with_commas(inputs.empty));
  if (!result.measured.set_aside.empty()) {
    fmt::print("set aside  {} that ended in a finding:\n",
               with_commas(result.measured.set_aside.size()));
    for (const SetAside& aside : result.measured.set_aside) {
      fs::path file = request.findings() / sha1(inputs.contents[aside.input]);
      fmt::print("  {}\n    {} repro {} --target {} --sanitizer {}\n", printable(aside.verdict),
                 project.command(), shell_quote(Project::shown(file)), request.target,
                 request.sanitizer);
    }
  }
  if (!result.measured.at_exit.empty()) {
    fmt::print("at exit, after all inputs: {}\n", printable(result.measured.at_exit));
  }
}

nlohmann::json json_result(const Request& request, const Result& result) {
  nlohmann::json set_aside = nlohmann::json::array();
  for (const SetAside& aside : result.measured.set_aside) {
    fs::path file = request.findings() / sha1(result.inputs.contents[aside.input]);
    set_aside.push_back({{"file", file.string()}, {"verdict", printable(aside.verdict)}});
  }
  return {{"verb", "merge"},
          {"target", request.target},
          {"sanitizer", request.sanitizer},
          {"files", result.inputs.files},
          {"bytes", result.inputs.bytes},
          {"doubles", result.inputs.doubles},
          {"empty", result.inputs.empty},
          {"output", request.output.string()},
          {"kept", result.kept.size()},
          {"kept_bytes", result.kept_bytes},
          {"features", result.features},
          {"dropped", result.dropped()},
          {"set_aside", set_aside},
          {"at_exit", printable(result.measured.at_exit)},
          {"exit", result.exit_code()}};
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  Request request = read_request(project, arguments);
  Result result;
  result.inputs = read_inputs(request.paths, request.target);

  Progress progress;
  build(project, request.sanitizer, {request.target}, progress);
  Measurement measurement(project, request.target, request.sanitizer, request.jobs, progress);
  result.measured = measurement.run(result.inputs.contents);
  result.kept = select_inputs(result.measured.features);
  std::set<uint32_t> features;
  for (size_t i : result.kept) {
    result.kept_bytes += result.inputs.contents[i].size();
    features.insert(result.measured.features[i].begin(), result.measured.features[i].end());
  }
  result.features = features.size();
  write_result(request, result);
  if (request.json) {
    nlohmann::json printed = json_result(request, result);
    fmt::print("{}\n", json_text(printed));
  } else {
    print_result(project, request, result);
  }
  return result.exit_code();
}

}  // namespace

const Verb kMergeVerb = {"merge", "make a corpus small: the smallest input for each feature", run};

}  // namespace tool
