// The results of hunts: lines of JSON, one record each, in the order in which they came about. A
// file is only ever appended to, so what a kill leaves is whole but for its last line.
//
//   {"kind":"hunt", "commit":"...", "date":"...", "cores":2, "bound_seconds":60,
//   "bound_executions":0,
//    "jobs":2}                          a run of `hunt` begins
//   {"kind":"trial", "defect":"NAME", "target":"userq_fuzzer", "build":"asan", ...}
//   {"kind":"replay", "defect":"NAME", "target":"userq_fuzzer", "build":"asan", "checks":"all",
//   ...}
//
// Fields that are not known are kept with their record, records of other kinds are passed over.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/files.h"

namespace tool {

struct HuntRun {
  std::string commit;
  std::string date;  // UTC, "2026-11-20T16:05:00Z"
  uint64_t cores = 0;
  double bound_seconds = 0;  // of each trial; 0: none
  uint64_t bound_executions = 0;
  uint64_t jobs = 0;
  nlohmann::json more{};  // all other fields, or null
};

// One attempt at finding a defect.
struct Trial {
  std::string defect{};  // empty: the correct core
  std::string target{};
  std::string build{};          // the sanitizer
  std::string configuration{};  // "fencebench", "bytes", "random", "pct", "afl", ...
  std::string corpus{};         // what it starts from: "empty" or "seeds"
  uint64_t trial = 0;           // its number
  uint64_t seed = 0;
  double bound_seconds = 0;
  uint64_t bound_executions = 0;
  uint64_t executions = 0;  // until it was detected, or in all
  double seconds = 0;       // likewise
  uint64_t reached = 0;     // how often the faulty code ran
  uint64_t triggered = 0;   // and how often under the condition that makes it fail
  bool detected = false;
  std::string verdict{};
  std::string signature{};
  std::string finding{};  // the input, relative to the results
  std::string error{};    // what went wrong with the trial itself
  nlohmann::json more{};
};

// A defect's reproducer, executed.
struct Replay {
  std::string defect{};
  std::string target{};
  std::string build{};
  std::string checks{};   // "all", or "none": the sanitizer alone
  std::string verdict{};  // empty: clean
  uint64_t reached = 0;
  uint64_t triggered = 0;
  nlohmann::json more{};
};

nlohmann::json to_json(const HuntRun& run);
nlohmann::json to_json(const Trial& trial);
nlohmann::json to_json(const Replay& replay);

// A record as its line, with the line end.
std::string record_line(const nlohmann::json& record);

struct HuntResults {
  std::vector<HuntRun> runs;
  std::vector<Trial> trials;
  std::vector<Replay> replays;
  std::vector<std::string> warnings;  // what was passed over, and why
  // Of the text, up to the end of the last line that is whole: what comes after is torn.
  size_t whole_bytes = 0;
};

// `name` is the file's, for warnings.
HuntResults parse_hunt(std::string_view text, std::string_view name);

// All files together. UsageError if one cannot be read or holds no record at all.
HuntResults read_hunts(const std::vector<fs::path>& files);

// Appends records to a file of results, each with one write. A torn last line is cut off first:
// the next record would otherwise be lost with it.
class HuntLog {
 public:
  // EnvironmentError if the file cannot be written, here and in append().
  explicit HuntLog(const fs::path& path);
  ~HuntLog();
  HuntLog(const HuntLog&) = delete;
  HuntLog& operator=(const HuntLog&) = delete;

  // What the file held, for going on with it.
  const HuntResults& before() const { return before_; }
  void append(const nlohmann::json& record);

 private:
  fs::path path_;
  int file_ = -1;
  HuntResults before_;
};

}  // namespace tool
