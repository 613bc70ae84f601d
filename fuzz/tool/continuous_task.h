// What a continuous job does at a time in one of its places: a process after the other, then
// keeping what came of them. The runner (continuous.h) knows of nothing else; each kind is a file
// continuous_NAME.cc.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/shared_corpus.h"
#include "fuzz/tool/store.h"
#include "fuzz/tool/store_folder.h"

namespace tool {

// What all tasks work on. It outlives them.
struct ContinuousContext {
  const Project& project;
  StoreFolder folder;
  Store& store;
  Revision revision;       // that the binaries were built from
  unsigned memory_mb = 0;  // of one fuzzing process
  uint64_t seed = 1;       // slice N fuzzes with seed + N
  std::string self;        // the command, for tasks that run another verb of it
  // Seconds since 1970.
  std::function<Seconds()> now;
  // Tells the person at the terminal, and the records.
  std::function<void(const std::string& kind, const std::string& text)> tell;

  SharedCorpus corpus(const std::string& target) const;
  // For verbs of this command that a task runs: they take the binaries as they are, and leave
  // nothing behind outside of `work`, also when they are killed.
  std::map<std::string, std::optional<std::string>> child_environment(const fs::path& work) const;
  // A folder of its own below `work`, made and empty; `name` says whose.
  fs::path make_work(const std::string& name) const;
  static fs::path make_folder(const fs::path& path);
};

// How an input that waits to be filed is called: it says whose it is.
std::string incoming_name(const JobKey& key, const std::string& sha1);
std::optional<JobKey> job_of_incoming(const std::string& name);

class Task {
 public:
  virtual ~Task() = default;

  // For the status: "fuzzing userq_fuzzer under asan".
  virtual std::string what() const = 0;
  // What it works on; the runner gives no two tasks the same. Empty: never mind.
  virtual std::string object() const { return ""; }

  // The next process, or nothing if there is none to come. Not called again after that.
  virtual std::optional<Command> next() = 0;
  virtual void line(std::string_view) {}
  virtual void ended(const Exit&) {}
  // A process could not be started.
  virtual void failed(const std::string& why) = 0;
  // What asks a process of this task to come to its end.
  virtual int stop_signal() const { return SIGINT; }

  // When no process runs any more: after the last one, or, if something came in between, before.
  // NoSpaceError: what is done is done, and it is called again when there
  // is room. A task that is dropped instead, or killed, is made up for at the next start.
  virtual void finish() = 0;
};

using Clock = std::chrono::steady_clock;

// Fuzzes for so many seconds, from the shared corpus and into it. After a finding it starts again
// for the rest of its time.
struct SliceOptions {
  JobKey key;
  double weight = 1;
  double seconds = 60;
};
std::unique_ptr<Task> fuzz_slice(ContinuousContext& context, const SliceOptions& options);
// What a slice that was cut short by a kill left behind: taken over, the slice ended.
void recover_slice(ContinuousContext& context, const Slice& slice);

// Executes an input that is waiting once more; if its bug is new: minimizes it and files it.
std::unique_ptr<Task> file_finding(ContinuousContext& context, const Pending& pending);

// Whether a bug that is filed is still there: asked once for each build.
std::unique_ptr<Task> retest(ContinuousContext& context, const Bug& bug);

// Makes the corpus of a target small. `done`: called with how many inputs are left.
std::unique_ptr<Task> prune(ContinuousContext& context, const JobKey& judge,
                            std::function<void(size_t left)> done);

}  // namespace tool
