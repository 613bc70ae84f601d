// mutants DIR: small faults in the driver core, as patches: what a bench ought to find.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/mutant_check.h"
#include "fuzz/tool/mutants.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kMutantsVerb;

namespace {

using nlohmann::json;
using Kind = MutantVerdict::Kind;

struct Request {
  fs::path output;  // empty: nothing is written
  std::vector<std::string> operators;
  std::vector<std::string> files;
  size_t limit = std::numeric_limits<size_t>::max();
  uint64_t seed = 1;
  unsigned jobs = 1;
  bool check = true;
  bool json = false;
};

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const MutantOperator& one : mutant_operators()) names.emplace_back(one.name);
  return names;
}

std::string footer() {
  std::string text =
      "  ./fencebench mutants out/mutants\n"
      "  ./fencebench mutants out/mutants --limit 200 --seed 7\n"
      "  ./fencebench mutants --list --operators drop-put,drop-get --files dma/fence\n"
      "\nOperators:\n";
  for (const MutantOperator& one : mutant_operators())
    text += fmt::format("  {:<15} {}\n", one.name, one.summary);
  return text;
}

Request read_request(const std::vector<std::string>& arguments) {
  Request request;
  std::optional<std::string> output;
  std::optional<std::string> limit;
  std::optional<std::string> seed;
  std::optional<std::string> jobs;
  std::vector<std::string> operators;
  std::vector<std::string> files;
  bool list = false;
  bool no_check = false;
  auto app = command_line(
      kMutantsVerb,
      "Makes small lifetime and locking faults of the driver core, each as DIR/NAME.patch, with a "
      "canary where it was changed. All compile; none is the same code as the original or as "
      "another. The same sources give the same patches under the same names.",
      footer());
  app->add_option("DIR", output, "The folder to make; new or empty");
  add_list(*app, "--operators", operators, "These operators only (default: all)");
  add_list(*app, "--files", files, "Sources whose path contains one of these (default: all)");
  app->add_option("--limit", limit, "At most so many, spread over operators and files")
      ->type_name("N");
  app->add_option("--seed", seed, "Which ones, with --limit (default 1)")->type_name("S");
  app->add_flag("--list", list, "Print them and write nothing");
  app->add_flag("--no-check", no_check, "Do not compile them: some will not, or change nothing");
  app->add_option("--jobs", jobs, "Compilers at a time (default: number of cores)")->type_name("N");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  request.check = !no_check;
  request.operators = list_items(operators);
  for (const std::string& name : request.operators)
    require_known("operator", name, operator_names());
  request.files = list_items(files);
  if (limit) request.limit = number("--limit", *limit, 1, 1'000'000);
  if (seed) request.seed = number("--seed", *seed, 0, std::numeric_limits<uint64_t>::max());
  request.jobs = static_cast<unsigned>(optional_number("--jobs", jobs, 1, 4096).value_or(cores()));
  if (list == output.has_value()) {
    throw UsageError(list ? "--list writes nothing: leave DIR away, or --list"
                          : "mutants needs the folder to make, or --list");
  }
  if (!output) return request;
  if (output->empty()) throw UsageError("mutants needs the folder to make, or --list");
  request.output = fs::absolute(*output).lexically_normal();
  if (!request.output.has_filename()) request.output = request.output.parent_path();
  std::error_code ignored;
  if (fs::exists(request.output, ignored) &&
      !(fs::is_directory(request.output, ignored) && fs::is_empty(request.output, ignored))) {
    throw UsageError(
        fmt::format("'{}' exists; it must be new or empty, for nothing is ever deleted",
                    printable(output->substr(0, 400))));
  }
  return request;
}

std::vector<CoreMutant> wanted_mutants(const Project& project, const Request& request) {
  std::vector<CoreMutant> all = all_mutants(project.root());
  if (all.empty()) {
    throw EnvironmentError(
        fmt::format("no source of the core in '{}'", printable(project.root().string())));
  }
  auto contained = [&](const CoreMutant& mutant) {
    const auto& files = request.files;
    return files.empty() || std::any_of(files.begin(), files.end(), [&](const std::string& part) {
             return mutant.file.find(part) != std::string::npos;
           });
  };
  if (std::none_of(all.begin(), all.end(), contained)) {
    throw UsageError(fmt::format("no source of the core has '{}' in its path{}",
                                 printable(join(request.files, ",")),
                                 suggestion(request.files.front(), mutated_files(project.root()))));
  }
  const auto& names = request.operators;
  std::erase_if(all, [&](const CoreMutant& mutant) {
    return !contained(mutant) || (!names.empty() && std::find(names.begin(), names.end(),
                                                              mutant.by->name) == names.end());
  });
  return all;
}

struct Result {
  std::vector<CoreMutant> candidates;
  std::vector<size_t> chosen;  // in the order of the sources
  std::map<size_t, MutantVerdict> verdicts;

  size_t count(Kind kind) const {
    return static_cast<size_t>(
        std::count_if(verdicts.begin(), verdicts.end(),
                      [kind](const auto& one) { return one.second.kind == kind; }));
  }
};

Result choose(const Project& project, const Request& request) {
  Result result;
  result.candidates = wanted_mutants(project, request);
  std::vector<size_t> order(result.candidates.size());
  for (size_t i = 0; i < order.size(); i++) order[i] = i;
  const bool all = request.limit >= order.size();
  if (!all) order = spread(result.candidates, request.seed);
  if (request.check) {
    Progress progress;
    MutantCheck check(project, request.jobs, progress);
    result.verdicts = check.run(result.candidates, order, request.limit);
    for (const auto& [number, verdict] : result.verdicts)
      if (verdict.kind == Kind::kGood) result.chosen.push_back(number);
  } else {
    order.resize(std::min(order.size(), request.limit));
    result.chosen = std::move(order);
  }
  std::sort(result.chosen.begin(), result.chosen.end());
  return result;
}

void write_patches(const Request& request, const Result& result) {
  make_output_folder(request.output);
  for (size_t number : result.chosen) {
    const CoreMutant& mutant = result.candidates[number];
    write_file(request.output / (mutant.name + ".patch"), mutant.patch());
  }
}

void print_result(const Request& request, const Result& result) {
  if (request.output.empty()) {
    for (size_t number : result.chosen) {
      const CoreMutant& mutant = result.candidates[number];
      fmt::print("{}\n  {}:{} {}: {}\n", mutant.name, mutant.file, mutant.line, mutant.function,
                 printable(mutant.what));
    }
    fmt::print("\n");
  }
  Table table({"operator", "mutants>", "files>", "class"});
  for (const MutantOperator& one : mutant_operators()) {
    std::set<std::string> files;
    size_t count = 0;
    for (size_t number : result.chosen) {
      if (result.candidates[number].by != &one) continue;
      count++;
      files.insert(result.candidates[number].file);
    }
    if (count == 0) continue;
    table.row({std::string(one.name), std::to_string(count), std::to_string(files.size()),
               std::string(one.defect_class)});
  }
  if (!table.empty()) fmt::print("{}\n", table.text());
  fmt::print("{} mutants of {} candidates", with_commas(result.chosen.size()),
             with_commas(result.candidates.size()));
  if (request.check) {
    fmt::print(
        "; not taken: {} do not compile, {} equivalent to the original, {} to another mutant",
        with_commas(result.count(Kind::kDoesNotCompile)),
        with_commas(result.count(Kind::kEquivalent)), with_commas(result.count(Kind::kDouble)));
  }
  fmt::print("\n");
  if (!request.output.empty())
    fmt::print("written to {}\n", printable(Project::shown(request.output)));
}

const char* word(Kind kind) {
  switch (kind) {
    case Kind::kGood:
      return "mutant";
    case Kind::kDoesNotCompile:
      return "does not compile";
    case Kind::kEquivalent:
      return "equivalent";
    case Kind::kDouble:
      return "double";
  }
  return "";
}

json json_result(const Request& request, const Result& result, int code) {
  json mutants = json::array();
  for (size_t number : result.chosen) {
    const CoreMutant& mutant = result.candidates[number];
    json entry = {
        {"name", mutant.name},  {"operator", mutant.by->name}, {"class", mutant.by->defect_class},
        {"file", mutant.file},  {"line", mutant.line},         {"function", mutant.function},
        {"change", mutant.what}};
    if (!request.output.empty())
      entry["patch"] = (request.output / (mutant.name + ".patch")).string();
    mutants.push_back(entry);
  }
  json left_out = json::array();
  for (const auto& [number, verdict] : result.verdicts) {
    if (verdict.kind == Kind::kGood) continue;
    left_out.push_back({{"name", result.candidates[number].name},
                        {"why", word(verdict.kind)},
                        {"detail", printable(verdict.why)}});
  }
  return {{"verb", "mutants"},
          {"candidates", result.candidates.size()},
          {"checked", request.check},
          {"seed", request.seed},
          {"mutants", mutants},
          {"left_out", left_out},
          {"exit", code}};
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(arguments);
  const Result result = choose(project, request);
  if (!request.output.empty()) write_patches(request, result);
  if (request.json) {
    fmt::print("{}\n", json_text(json_result(request, result, kNothingFound)));
  } else {
    print_result(request, result);
  }
  return kNothingFound;
}

}  // namespace

const Verb kMutantsVerb = {"mutants", "make small faults of the core, to measure the bench", run};

}  // namespace tool
