// A verb of the command: one file verb_NAME.cc that defines kNameVerb, and one line in verbs.def.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct Verb {
  std::string_view name;
  std::string_view summary;  // one line, for the overview
  // Takes the arguments after the verb, returns the exit code. Throws UsageError,
  // EnvironmentError, HelpPrinted.
  int (*run)(const std::vector<std::string>& arguments);
};

}  // namespace tool
