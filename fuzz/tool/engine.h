// What a campaign needs to know of a fuzzing engine: how a job of it starts, how far it is, and
// which inputs it says fail.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"

namespace tool {

enum class Engine { kLibFuzzer, kAfl };

std::string_view engine_name(Engine engine);   // as on the command line: "libfuzzer", "afl"
std::string_view engine_title(Engine engine);  // for people: "libFuzzer", "AFL++"

// The build whose binaries the engine drives: "asan", "afl-asan".
std::string engine_preset(Engine engine, std::string_view sanitizer);

// One start of a job.
struct EngineStart {
  Project project;
  std::string target;
  std::string sanitizer;
  std::string defect;
  std::string checks;
  std::string target_options = {};    // of FENCEBENCH_OPTIONS, besides the usual ones
  std::filesystem::path canary = {};  // where a defect's counts go (canary_file.h); empty: nowhere
  std::filesystem::path folder;       // of its own, made and empty
  std::filesystem::path corpus;       // is read, and takes in what is new, whole inputs only
  // Where new inputs are written first, on the file system of `corpus`; of its own, made. Empty:
  // below `folder`. What is there after a kill may go to `corpus`.
  std::filesystem::path inputs = {};
  std::vector<std::filesystem::path> seeds;  // folders that are read as well
  std::optional<uint64_t> seconds;
  std::optional<uint64_t> runs;
  std::optional<uint64_t> seed;
  unsigned memory_mb = kMemoryLimitMb;  // what a process may take, where that can be limited
  bool until_finding = true;            // false: goes on after one, if the engine can
};

struct EngineStatus {
  uint64_t executions = 0;
  uint64_t edges = 0;  // 0: not known yet
  uint64_t features = 0;
  uint64_t corpus = 0;
  uint64_t rss_mb = 0;
  uint64_t leak_check_off_at = 0;   // executions; 0: it stayed on
  uint64_t cut_off = 0;             // inputs that could not be written whole: not in the corpus
  std::optional<double> stability;  // percent of the edges that are the same in each execution
  std::optional<uint64_t> seed;
  bool loaded = false;     // the corpus is loaded, fuzzing has begun
  bool reporting = false;  // of a finding
  bool finished = false;   // it came to its end
};

// What an engine calls a finding.
struct Suspect {
  std::filesystem::path input;      // empty: it happened without one
  std::string kind;                 // in a word, if there is no report: crash, leak, timeout, oom
  std::vector<std::string> report;  // of the target
  bool reported = false;            // false: nobody has seen yet what the target says
  uint64_t executions = 0;          // of this start, until then
  std::optional<double> seconds;    // likewise; nothing: until its end
};

class EngineRun {
 public:
  virtual ~EngineRun() = default;

  // Makes what is needed in the start's folder.
  virtual Command command() = 0;

  virtual void line(std::string_view text) = 0;  // of its output
  virtual void poll() {}                         // every now and then
  virtual void stopping() {}                     // it is about to be asked to stop, by
  virtual int stop_signal() const = 0;
  virtual void ended(const Exit& exit) = 0;

  virtual EngineStatus status() const = 0;
  virtual std::vector<Suspect> suspects() const = 0;        // once it has ended
  virtual const std::deque<std::string>& tail() const = 0;  // the last lines it printed
  virtual Command replay(const std::filesystem::path& input) const = 0;  // once, with its trace
};

// EnvironmentError if the engine is not on this machine.
void require_engine(Engine engine);

// What the build makes for the engine besides the target: presets with their targets.
struct EngineExtra {
  std::string preset;
  std::string target;
};
std::vector<EngineExtra> engine_extras(Engine engine, std::string_view target);

std::unique_ptr<EngineRun> start_engine(Engine engine, const EngineStart& start);

}  // namespace tool
