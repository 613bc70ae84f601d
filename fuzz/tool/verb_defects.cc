// defects: the catalogue. As a table, or one of them with its story, its patch and its program.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/left_out.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kDefectsVerb;

namespace {

using nlohmann::json;

struct Request {
  std::vector<std::string> names;
  std::vector<std::string> classes;
  bool left_out = false;
  bool json = false;
};

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::vector<std::string> class_lists;
  auto app = command_line(
      kDefectsVerb,
      "The catalogue of upstream's bugs that can be put back into the core: what each is, who is "
      "expected to see it, and whether a test holds that. With a name: its story, its patch and "
      "the smallest program that shows it.",
      "  ./fencebench defects\n"
      "  ./fencebench defects leak-signaled-at-create\n"
      "  ./fencebench defects --class data-race,lost-wakeup");
  app->add_option("NAME", request.names, "Tell all about these");
  add_list(*app, "--class", class_lists, "Only these classes: leak, data-race, ...");
  app->add_flag("--left-out", request.left_out, "The bugs that are not here, and why");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);
  for (const std::string& name : request.names) require_known("defect", name, project.defects());
  request.classes = list_items(class_lists);
  for (const std::string& name : request.classes) require_known("class", name, defect_classes());
  return request;
}

// What the tests of every build hold (cmake/Corpus.cmake).
bool is_held(const Defect& defect) {
  return !defect.reproducer.empty() && !defect.expected.verdict.empty();
}

// Sanitizers by their short names, without the kind: it is the class again.
std::string detectors_of(const Defect& defect) {
  std::vector<std::string> names;
  for (const std::string& detector : defect.detectors) {
    std::string name = detector;
    for (const auto& [prefix, short_name] :
         {std::pair("AddressSanitizer", "ASan"), std::pair("LeakSanitizer", "LSan"),
          std::pair("ThreadSanitizer", "TSan"), std::pair("MemorySanitizer", "MSan"),
          std::pair("UndefinedBehaviorSanitizer", "UBSan")}) {
      if (detector.starts_with(prefix)) name = short_name;
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return join(names, ", ");
}

void print_table(const std::vector<Defect>& catalogue, const std::vector<LeftOut>& left_out) {
  Table table({"defect", "row", "class", "versions", "detectors", "test"});
  std::map<std::string, size_t> classes;
  size_t held = 0;
  for (const Defect& defect : catalogue) {
    classes[defect.defect_class]++;
    held += is_held(defect);
    table.row({printable(defect.name), printable(defect.catalogue), printable(defect.defect_class),
               printable(defect.versions), printable(detectors_of(defect)),
               is_held(defect) ? "yes" : "no"});
  }
  fmt::print("{}\n{} defects, {} of them held by tests", table.text(), catalogue.size(), held);
  std::string separator = ": ";
  for (const auto& [name, count] : classes) {
    fmt::print("{}{} {}", separator, count, printable(name));
    separator = ", ";
  }
  fmt::print("\n{} bugs of the list are not here; --left-out says why\n", left_out.size());
}

void print_left_out(const std::vector<LeftOut>& left_out) {
  for (const LeftOut& bug : left_out)
    fmt::print("{:>5}  {}\n       {}\n", printable(bug.row), printable(bug.name),
               printable(bug.why));
}

// A text with several lines, without what would reach the terminal as anything else.
void print_text(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (const std::string& line : lines) fmt::print("    {}\n", printable(line));
}

void print_story(const Project& project, const Defect& defect) {
  fmt::print("{}\n\n", printable(defect.name));
  auto field = [](const char* name, const std::string& value) {
    if (!value.empty()) fmt::print("  {:<10} {}\n", name, printable(value));
  };
  field("class", defect.defect_class);
  field("upstream", defect.upstream);
  for (const UpstreamLink& link : upstream_links(defect.upstream)) field("", link.url);
  field("versions", defect.versions);
  field("row", defect.catalogue);
  field("detectors", join(defect.detectors, ", "));
  field("trigger", defect.trigger);
  field("fuzzing", defect.fuzzing);
  fmt::print("\n  {}:\n", printable(Project::shown(defect.patch)));
  print_text(defect.diff);
  if (defect.reproducer.empty()) {
    fmt::print("\n  no reproducer\n");
    return;
  }
  const std::string file = Project::shown(defect.reproducer);
  fmt::print("\n  {}:\n", printable(file));
  print_text(defect.program);
  const std::string command = project.command();
  fmt::print("\n  {0} repro {1}\n  {0} show --trace {1}\n  {0} fuzz --defect {2} --no-seeds\n",
             command, printable(shell_quote(file)), defect.name);
}

json to_json(const Defect& defect) {
  json links = json::array();
  for (const UpstreamLink& link : upstream_links(defect.upstream)) links.push_back(link.url);
  return {{"name", defect.name},
          {"row", defect.catalogue},
          {"upstream", defect.upstream},
          {"links", links},
          {"versions", defect.versions},
          {"class", defect.defect_class},
          {"detectors", defect.detectors},
          {"trigger", defect.trigger},
          {"fuzzing", defect.fuzzing},
          {"patch", defect.patch.string()},
          {"reproducer", defect.reproducer.string()},
          {"target", defect.expected.target},
          {"verdict", defect.expected.verdict},
          {"held", is_held(defect)}};
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(project, arguments);
  std::vector<Defect> catalogue = read_catalogue(project.root());
  const std::vector<LeftOut> left_out = read_left_out(project.root());
  std::erase_if(catalogue, [&](const Defect& defect) {
    auto wanted = [](const std::vector<std::string>& list, const std::string& value) {
      return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
    };
    return !wanted(request.names, defect.name) || !wanted(request.classes, defect.defect_class);
  });
  if (request.json) {
    json defects = json::array();
    for (const Defect& defect : catalogue) defects.push_back(to_json(defect));
    json others = json::array();
    for (const LeftOut& bug : left_out)
      others.push_back({{"row", bug.row}, {"name", bug.name}, {"why", bug.why}});
    fmt::print("{}\n",
               json_text({{"verb", "defects"}, {"defects", defects}, {"left_out", others}}));
  } else if (request.left_out) {
    print_left_out(left_out);
  } else if (request.names.empty()) {
    print_table(catalogue, left_out);
  } else {
    for (size_t i = 0; i < catalogue.size(); i++) {
      if (i > 0) fmt::print("\n\n");
      print_story(project, catalogue[i]);
    }
  }
  return kNothingFound;
}

}  // namespace

const Verb kDefectsVerb = {"defects", "the catalogue of upstream's bugs that can be put back", run};

}  // namespace tool
