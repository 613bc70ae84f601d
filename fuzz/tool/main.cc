// fencebench: the one command of the project. Finds the verb and turns errors into exit codes.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

#define FENCEBENCH_VERB(verb) extern const Verb verb;
#include "fuzz/tool/verbs.def"
#undef FENCEBENCH_VERB

namespace {

const std::vector<const Verb*>& verbs() {
  static const std::vector<const Verb*> kVerbs = {
#define FENCEBENCH_VERB(verb) &verb,
#include "fuzz/tool/verbs.def"
#undef FENCEBENCH_VERB
  };
  return kVerbs;
}

std::string overview() {
  std::string text =
      "fencebench: fuzzing and sanitizers for the lifetimes of GPU fences\n"
      "\n"
      "  ./fencebench VERB [arguments]      ./fencebench VERB --help\n"
      "\n";
  for (const Verb* verb : verbs()) text += fmt::format("  {:<9} {}\n", verb->name, verb->summary);
  text +=
      "\n"
      "First steps: './fencebench fuzz' fuzzes every target under every sanitizer for a minute;\n"
      "'./fencebench test' runs the tests. Exit codes: 0 nothing found, 1 something found,\n"
      "2 wrong usage, 3 the machine is at fault ('./fencebench doctor' says how to mend it).\n";
  return text;
}

const Verb& find_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb* verb : verbs()) names.emplace_back(verb->name);
  require_known("verb", name, names);
  for (const Verb* verb : verbs()) {
    if (verb->name == name) return *verb;
  }
  throw std::logic_error("a known verb is not in the table");
}

int dispatch(std::vector<std::string> arguments) {
  if (arguments.empty()) {
    std::fputs(overview().c_str(), stderr);
    return kWrongUsage;
  }
  std::string first = arguments.front();
  arguments.erase(arguments.begin());
  if (first == "--help" || first == "-h" || (first == "help" && arguments.empty())) {
    std::fputs(overview().c_str(), stdout);
    return kNothingFound;
  }
  if (first == "help") return find_verb(arguments.front()).run({"--help"});
  if (first.starts_with('-')) {
    throw UsageError(
        fmt::format("'{}' comes before any verb; a verb comes first, as in "
                    "'fencebench fuzz --time 60'",
                    printable(first)));
  }
  return find_verb(first).run(arguments);
}

int guarded(const std::vector<std::string>& arguments) {
  auto fail = [&](const std::string& text, int code) {
    // Names of files, arguments and outputs of programs are in it.
    std::vector<std::string> lines = split(text, '\n');
    for (std::string& line : lines) line = printable(line);
    const std::string message = join(lines, "\n");
    fmt::print(stderr, "{}\n", message);
    bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
    if (json) {
      nlohmann::json result = {{"error", message}, {"exit", code}};
      fmt::print("{}\n", json_text(result));
    }
    return code;
  };
  try {
    return dispatch(arguments);
  } catch (const HelpPrinted&) {
    return kNothingFound;
  } catch (const ProgramError& error) {
    // FILE:LINE:COL stands first, where editors look for it.
    return fail(fmt::format("{}\n{}", error.what(), error.excerpt), kWrongUsage);
  } catch (const UsageError& error) {
    return fail(fmt::format("fencebench: {}", error.what()), kWrongUsage);
  } catch (const EnvironmentError& error) {
    return fail(fmt::format("fencebench: {}", error.what()), kEnvironmentAtFault);
  } catch (const std::exception& error) {
    return fail(fmt::format("fencebench: {}", printable(error.what())), kEnvironmentAtFault);
  }
}

}  // namespace
}  // namespace tool

int main(int argc, char** argv) {
  tool::watch_signals();
  // Results are small and come at the end; a large buffer lets them be judged in one place, below.
  static char buffer[1 << 20];
  std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  int code = tool::guarded(std::vector<std::string>(argv + 1, argv + argc));
  errno = 0;
  bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  // A reader that has seen enough ('| head') is no error.
  if (!written && errno != EPIPE && code != tool::kWrongUsage) {
    std::fputs("fencebench: cannot write the result to stdout\n", stderr);
    return tool::kEnvironmentAtFault;
  }
  return code;
}
