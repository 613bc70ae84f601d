// The catalogue of defects: core/defects/NAME.patch, each with a header that says what it is, and
// the program that shows it, corpus/defects/NAME.fence, .steps or .calls.
//
// A header is lines `field: value` up to the first blank line; a line that begins with two blanks
// goes on with the value before it. The diff follows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/finding.h"

namespace tool {

struct Defect {
  std::string name;          // of the file, and of the field
  std::string catalogue;     // its rows in the list of upstream's bugs; may be empty
  std::string upstream;      // the commits that introduced or fixed it, or why there are none
  std::string versions;      // of Linux, that have it
  std::string defect_class;  // "leak", "use-after-free", ...
  std::vector<std::string> detectors;  // verdicts to expect, ours first
  std::string trigger;                 // what happens, in one or two sentences
  std::string fuzzing;  // why fuzzing from nothing takes longer than a minute; empty: it does not
  fs::path patch;
  std::string diff;         // the patch without its header
  fs::path reproducer;      // empty: there is none
  std::string program;      // the reproducer's text
  FindingComment expected;  // what the reproducer says of its run
};

// All below `root`, a checkout, sorted by name. EnvironmentError, with file and line, if a header
// is not as it should be.
std::vector<Defect> read_catalogue(const fs::path& root);

// One patch, named `shown` in errors. What belongs to the reproducer stays empty.
Defect parse_defect(std::string_view text, const fs::path& shown);

// Null if there is none of that name.
const Defect* find_defect(const std::vector<Defect>& catalogue, std::string_view name);

// Whether `name` is one of the classes that defects are sorted into.
bool is_defect_class(std::string_view name);
const std::vector<std::string>& defect_classes();

// What Defect::upstream names that the web has a page of.
struct UpstreamLink {
  std::string text;  // as it stands there: "dd88d42d9ca0", "CVE-2025-68203"
  size_t at;         // where in the text
  std::string url;
};
std::vector<UpstreamLink> upstream_links(std::string_view upstream);

}  // namespace tool
