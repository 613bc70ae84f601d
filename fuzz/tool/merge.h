// Making a corpus small: of the inputs that reach a feature, the smallest is kept.
//
// A feature is what libFuzzer counts as one: an edge executed so many times, and what a target
// counts beside that. An input is kept if it has a feature that no smaller input has; of two that
// are equally large the one whose bytes come first counts as smaller. So the result is a function
// of the set of inputs: neither their order nor their names matter, and merging it again changes
// nothing. That rests on an input's features being its own, whatever was executed before it; the
// targets' runs leave nothing behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/terminal.h"

namespace tool {

using Features = std::vector<uint32_t>;

// The inputs to merge: each content once, the smallest first, equally large ones by their bytes.
struct MergeInputs {
  std::vector<std::string> contents;
  uint64_t files = 0;    // that were read
  uint64_t doubles = 0;  // had the content of another one
  uint64_t empty = 0;    // had none: every engine executes the empty input anyway
  uint64_t bytes = 0;    // of all files
};

// Reads files, and folders with all that is below them; what is text (.fence, .steps, .calls) as
// the bytes that `target` reads. UsageError if one cannot be read or understood, or if there is no
// input at all.
MergeInputs read_inputs(const std::vector<std::string>& paths, const std::string& target);

// Which inputs to keep, ascending. features[i] belongs to the i-th of the inputs, the smallest
// first.
std::vector<size_t> select_inputs(const std::vector<Features>& features);

// What libFuzzer's merge process has written to its control file so far.
struct ControlFile {
  std::map<size_t, Features> features;  // by the number of the input
  std::optional<size_t> cut_short;      // the last one was started and did not come to its end
  size_t next = 0;                      // the first one that was not started
};
ControlFile parse_control_file(std::string_view text);

// An input that ended its process.
struct SetAside {
  size_t input = 0;
  std::string verdict;
  std::string report;
};

struct Measured {
  std::vector<Features> features;  // of each input; empty for one that is set aside
  std::vector<SetAside> set_aside;
  std::string at_exit;  // what a process ended in when its inputs were all through; empty: well
};

// Executes the inputs on a target, by libFuzzer's own merge process, and asks for the features of
// each. A process that an input ends is started again after it.
class Measurement {
 public:
  // The binary must be there.
  Measurement(const Project& project, const std::string& target, const std::string& sanitizer,
              unsigned jobs, Progress& progress);

  // EnvironmentError if the binary cannot be executed or does not do as libFuzzer does.
  Measured run(const std::vector<std::string>& inputs);

 private:
  struct Part;

  void start(Part& part);
  void on_exit(Part& part, const Exit& exit);
  void collect(const Part& part, Measured& measured) const;

  const Project& project_;
  std::string target_;
  std::string sanitizer_;
  unsigned jobs_;
  Progress& progress_;
  ScratchFolder scratch_;
  size_t largest_ = 1;
  Supervisor supervisor_;  // last: children die before what their callbacks use
};

}  // namespace tool
