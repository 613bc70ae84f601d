// The records of continuous fuzzing, in one SQLite file: what ran how long, what was found, what is
// still to be done. Times are seconds since 1970, given by the caller. What the user has to see
// (inputs, reports) lies beside it in ordinary files; store_folder.h says where.
//
// Each function is one transaction: after a kill at any point it has happened, or it has not.
// NoSpaceError if the disk is full, and then nothing has changed; EnvironmentError for anything
// else that SQLite reports.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/files.h"

namespace SQLite {
class Database;
}

namespace tool {

using Seconds = int64_t;

// What fuzzes: one target under one sanitizer.
struct JobKey {
  std::string target;
  std::string sanitizer;
  auto operator<=>(const JobKey&) const = default;
};

struct JobRecord {
  JobKey key;
  double turn = 0;  // seconds spent, each divided by the job's weight: the lowest is next
  double seconds = 0;
  uint64_t executions = 0;
  uint64_t edges = 0;  // the most that a slice has reached
  uint64_t features = 0;
  uint64_t corpus = 0;  // inputs, when it last ended
  Seconds last = 0;     // when it last ended
  std::string trouble;  // why the last slice failed; empty if it did not
};

// One slice of fuzzing: what a job did between its start and its end.
struct Slice {
  int64_t id = 0;
  JobKey key;
  std::string commit;
  Seconds started = 0;
};

struct SliceEnd {
  Seconds ended = 0;
  double seconds = 0;
  double weight = 1;
  uint64_t executions = 0;
  uint64_t edges = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;
  std::string trouble = {};
};

// An input that ended in a finding which is not filed yet.
struct Pending {
  int64_t id = 0;
  JobKey key;
  std::string commit;
  Seconds seen = 0;
  std::string file;     // name in the folder `incoming`
  std::string verdict;  // as the fuzzing process said; empty if its report was lost
};

struct Bug {
  enum class Status { kOpen, kFixed, kUnreproducible };
  std::string signature;
  std::string verdict;
  Status status = Status::kOpen;
  JobKey key;  // how its reproducer is executed
  Seconds first_seen = 0;
  Seconds last_seen = 0;
  std::string first_commit;
  std::string last_commit;   // the last one that it was seen at
  std::string fixed_commit;  // the first one that it was not seen at any more
  uint64_t count = 0;
  std::string file;  // the reproducer, below the store
  uint64_t bytes = 0;
  std::string size;  // "5 operations, 1 thread, ..."
  std::vector<std::string> details;
  // Filled in by bugs().
  std::vector<std::string> targets;
  std::vector<std::string> sanitizers;
};
std::string_view to_string(Bug::Status status);

struct Event {
  Seconds time = 0;
  std::string kind;  // start stop build broken-build finding fixed reopened trouble prune
  std::string text;
};

struct CoveragePoint {
  Seconds time = 0;
  uint64_t edges = 0;
  uint64_t features = 0;
  uint64_t corpus = 0;
};

struct CommitRecord {
  Seconds time = 0;
  std::string id;
  std::string title;
  bool built = true;
};

class Store {
 public:
  // Opens the file, and makes it if it is not there. EnvironmentError if it is no such file, or was
  // written by a newer fencebench.
  explicit Store(const fs::path& file);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // A job that is new begins where the one that is furthest behind stands: it does not catch up.
  void add_job(const JobKey& key);
  std::vector<JobRecord> jobs();

  int64_t begin_slice(const JobKey& key, const std::string& commit, Seconds now);
  // `pending`: what it found, stored in `incoming` already. `again`: signatures of bugs that are
  // known and were seen once more.
  void end_slice(const Slice& slice, const SliceEnd& end, const std::vector<Pending>& pending,
                 const std::vector<std::string>& again);
  // Those that began and did not end: of a process that was killed.
  std::vector<Slice> open_slices();

  std::vector<Pending> pending();
  void add_pending(const Pending& pending);
  // Files a bug. One that is known is seen once more; if its status is another one than open it
  // takes what is given here, reproducer included. Returns whether it was new or came back.
  bool file_bug(const Bug& bug, const Pending& from);
  void drop_pending(int64_t id);

  std::vector<Bug> bugs();  // the first seen first
  std::optional<Bug> bug(const std::string& signature);
  bool is_open(const std::string& signature);
  void bug_is_fixed(const std::string& signature, const std::string& commit);
  void bug_is_there(const std::string& signature, const std::string& commit, Seconds now);

  void add_event(const Event& event);
  std::vector<Event> events(size_t most);  // the last ones, the oldest first

  void add_commit(const CommitRecord& commit);
  std::vector<CommitRecord> commits();

  std::vector<CoveragePoint> coverage(const JobKey& key);

  std::string note(const std::string& name);  // empty if there is none
  void set_note(const std::string& name, const std::string& value);

  // Forgets the oldest slices and events past these numbers; sums and findings stay.
  void forget_old(size_t slices, size_t events);

 private:
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace tool
