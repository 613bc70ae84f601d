// Makes an input smaller for as long as executing it ends in the same verdict at the same place.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "fuzz/tool/input.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct InputSize {
  size_t operations = 0;  // of inputs that have no text: bytes
  size_t threads = 0;     // lanes with operations
  size_t preemptions = 0;
  size_t faults = 0;
  size_t bytes = 0;

  bool operator==(const InputSize&) const = default;
};
InputSize size_of_input(const std::string& target, const std::vector<uint8_t>& bytes);
// "5 operations, 1 thread, 0 preemptions, 0 faults"
std::string to_text(const InputSize& size);

struct MinimizeRequest {
  std::string sanitizer;      // which build judges; it must be there
  std::string expected;       // the verdict that is recorded; empty: whatever the input ends in
  uint64_t budget = 100'000;  // executions
};

struct MinimizedInput {
  std::vector<uint8_t> original;  // as the target reads it
  std::vector<uint8_t> bytes;
  FindingComment comment;  // how it is executed, what it ends in, its trace
  InputSize before;
  InputSize after;
  uint64_t executions = 0;
  double seconds = 0;
  bool minimal = false;  // false: the budget or Ctrl-C ended the search

  bool changed() const { return bytes != original; }
};

// The input did not end in what is to be kept.
struct NotReproduced {
  Outcome outcome;
  // Two executions differed: `outcome` is the second one, this the verdict of the first.
  std::string first;
};

// `input.comment` says how to execute it. EnvironmentError if the target cannot be executed.
std::variant<MinimizedInput, NotReproduced> minimize_input(const Project& project,
                                                           const Input& input,
                                                           const MinimizeRequest& request,
                                                           Progress& progress);

// The result as a file: text that says how to execute it, or, for inputs without text, its bytes.
std::string file_content(const MinimizedInput& minimized);

}  // namespace tool
