#include "fuzz/tool/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr int kVersion = 1;  // of the schema below, in SQLite's user_version
constexpr int kBusyMilliseconds = 10'000;

constexpr const char* kSchema = R"(
CREATE TABLE jobs (
  target TEXT NOT NULL, sanitizer TEXT NOT NULL,
  turn REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0, executions INTEGER NOT NULL DEFAULT 0,
  edges INTEGER NOT NULL DEFAULT 0, features INTEGER NOT NULL DEFAULT 0,
  corpus INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (target, sanitizer)) WITHOUT ROWID;
CREATE TABLE slices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL, sanitizer TEXT NOT NULL, commit_id TEXT NOT NULL,
  started INTEGER NOT NULL, ended INTEGER,
  seconds REAL, executions INTEGER, edges INTEGER, features INTEGER, corpus INTEGER,
  trouble TEXT);
CREATE INDEX slices_of_job ON slices (target, sanitizer, id);
CREATE TABLE pending (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL, sanitizer TEXT NOT NULL, commit_id TEXT NOT NULL,
  seen INTEGER NOT NULL, file TEXT NOT NULL, verdict TEXT NOT NULL,
  UNIQUE (target, sanitizer, file));
CREATE TABLE bugs (
  signature TEXT PRIMARY KEY, verdict TEXT NOT NULL, status INTEGER NOT NULL,
  target TEXT NOT NULL, sanitizer TEXT NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  first_commit TEXT NOT NULL, last_commit TEXT NOT NULL, fixed_commit TEXT NOT NULL,
  count INTEGER NOT NULL, file TEXT NOT NULL, bytes INTEGER NOT NULL, size TEXT NOT NULL,
  details TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen_by (
  signature TEXT NOT NULL, target TEXT NOT NULL, sanitizer TEXT NOT NULL,
  PRIMARY KEY (signature, target, sanitizer)) WITHOUT ROWID;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE commits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL, commit_id TEXT NOT NULL, title TEXT NOT NULL, built INTEGER NOT NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)";

// Runs `body` and turns what SQLite throws into what this command throws.
template <typename Body>
auto guarded(const std::string& file, Body body) {
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    const std::string where = printable(Project::shown(file));
    const std::string what = printable(error.what());
    if (error.getErrorCode() == SQLITE_FULL) {
      throw NoSpaceError(fmt::format("cannot write '{}': no space left on the disk", where));
    }
    if (error.getErrorCode() == SQLITE_NOTADB || error.getErrorCode() == SQLITE_CORRUPT) {
      throw EnvironmentError(
          fmt::format("'{}' is damaged or no store of fencebench: {}; move it away to begin anew, "
                      "the corpus and the findings beside it stay",
                      where, what));
    }
    throw EnvironmentError(fmt::format("'{}': {}", where, what));
  }
}

// The same, all of it or nothing.
template <typename Body>
auto in_transaction(SQLite::Database& database, Body body) {
  return guarded(database.getFilename(), [&] {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      transaction.commit();
    } else {
      auto result = body();
      transaction.commit();
      return result;
    }
  });
}

int64_t as_integer(uint64_t number) { return static_cast<int64_t>(number); }
uint64_t as_count(const SQLite::Column& column) {
  return static_cast<uint64_t>(std::max<int64_t>(column.getInt64(), 0));
}

// Binds the arguments in their order and executes it.
template <typename... Arguments>
int execute(SQLite::Database& database, const char* sql, const Arguments&... arguments) {
  SQLite::Statement statement(database, sql);
  int index = 0;
  (statement.bind(++index, arguments), ...);
  return statement.exec();
}

template <typename... Arguments>
SQLite::Statement query(SQLite::Database& database, const char* sql,
                        const Arguments&... arguments) {
  SQLite::Statement statement(database, sql);
  int index = 0;
  (statement.bind(++index, arguments), ...);
  return statement;
}

void insert_pending(SQLite::Database& database, const Pending& pending) {
  execute(database,
          "INSERT OR IGNORE INTO pending (target, sanitizer, commit_id, seen, file, verdict) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          pending.key.target, pending.key.sanitizer, pending.commit, pending.seen, pending.file,
          pending.verdict);
}

void see_again(SQLite::Database& database, const std::string& signature, const JobKey& key,
               const std::string& commit, Seconds now) {
  execute(database,
          "UPDATE bugs SET count = count + 1, last_seen = max(last_seen, ?), last_commit = ? "
          "WHERE signature = ?",
          now, commit, signature);
  execute(database, "INSERT OR IGNORE INTO seen_by VALUES (?, ?, ?)", signature, key.target,
          key.sanitizer);
}

Bug read_bug(SQLite::Statement& row) {
  Bug bug;
  bug.signature = row.getColumn(0).getString();
  bug.verdict = row.getColumn(1).getString();
  bug.status = static_cast<Bug::Status>(row.getColumn(2).getInt());
  bug.key = {row.getColumn(3).getString(), row.getColumn(4).getString()};
  bug.first_seen = row.getColumn(5).getInt64();
  bug.last_seen = row.getColumn(6).getInt64();
  bug.first_commit = row.getColumn(7).getString();
  bug.last_commit = row.getColumn(8).getString();
  bug.fixed_commit = row.getColumn(9).getString();
  bug.count = as_count(row.getColumn(10));
  bug.file = row.getColumn(11).getString();
  bug.bytes = as_count(row.getColumn(12));
  bug.size = row.getColumn(13).getString();
  const nlohmann::json details =
      nlohmann::json::parse(row.getColumn(14).getString(), nullptr, false);
  if (details.is_array()) {
    for (const nlohmann::json& line : details) {
      if (line.is_string()) bug.details.push_back(line.get<std::string>());
    }
  }
  return bug;
}

constexpr const char* kBugColumns =
    "signature, verdict, status, target, sanitizer, first_seen, last_seen, first_commit, "
    "last_commit, fixed_commit, count, file, bytes, size, details";

}  // namespace

std::string_view to_string(Bug::Status status) {
  switch (status) {
    case Bug::Status::kOpen:
      return "open";
    case Bug::Status::kFixed:
      return "fixed";
    case Bug::Status::kUnreproducible:
      return "unreproducible";
  }
  return "";
}

Store::Store(const fs::path& file) {
  guarded(file.string(), [&] {
    database_ = std::make_unique<SQLite::Database>(
        file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMilliseconds);
    // A reader (the verb `status`) never waits for the writer, nor the writer for it.
    database_->exec("PRAGMA journal_mode = WAL");
    database_->exec("PRAGMA synchronous = FULL");
  });
  const int version =
      guarded(file.string(), [&] { return database_->execAndGet("PRAGMA user_version").getInt(); });
  if (version > kVersion) {
    throw EnvironmentError(
        fmt::format("'{}' was written by a newer fencebench; use that one, or name another folder "
                    "with --store",
                    printable(Project::shown(file))));
  }
  if (version == kVersion) return;
  in_transaction(*database_, [&] {
    database_->exec(kSchema);
    database_->exec(fmt::format("PRAGMA user_version = {}", kVersion));
  });
}

Store::~Store() = default;

void Store::add_job(const JobKey& key) {
  in_transaction(*database_, [&] {
    execute(*database_,
            "INSERT OR IGNORE INTO jobs (target, sanitizer, turn) "
            "SELECT ?, ?, coalesce(min(turn), 0) FROM jobs",
            key.target, key.sanitizer);
  });
}

std::vector<JobRecord> Store::jobs() {
  return guarded(database_->getFilename(), [&] {
    std::vector<JobRecord> jobs;
    SQLite::Statement row = query(*database_,
                                  "SELECT target, sanitizer, turn, seconds, executions, edges, "
                                  "features, corpus, last, trouble FROM jobs "
                                  "ORDER BY target, sanitizer");
    while (row.executeStep()) {
      jobs.push_back({.key = {row.getColumn(0).getString(), row.getColumn(1).getString()},
                      .turn = row.getColumn(2).getDouble(),
                      .seconds = row.getColumn(3).getDouble(),
                      .executions = as_count(row.getColumn(4)),
                      .edges = as_count(row.getColumn(5)),
                      .features = as_count(row.getColumn(6)),
                      .corpus = as_count(row.getColumn(7)),
                      .last = row.getColumn(8).getInt64(),
                      .trouble = row.getColumn(9).getString()});
    }
    return jobs;
  });
}

int64_t Store::begin_slice(const JobKey& key, const std::string& commit, Seconds now) {
  return in_transaction(*database_, [&] {
    execute(*database_,
            "INSERT INTO slices (target, sanitizer, commit_id, started) VALUES (?, ?, ?, ?)",
            key.target, key.sanitizer, commit, now);
    return database_->getLastInsertRowid();
  });
}

void Store::end_slice(const Slice& slice, const SliceEnd& end, const std::vector<Pending>& pending,
                      const std::vector<std::string>& again) {
  in_transaction(*database_, [&] {
    execute(*database_,
            "UPDATE slices SET ended = ?, seconds = ?, executions = ?, edges = ?, features = ?, "
            "corpus = ?, trouble = ? WHERE id = ?",
            end.ended, end.seconds, as_integer(end.executions), as_integer(end.edges),
            as_integer(end.features), as_integer(end.corpus), end.trouble, slice.id);
    execute(*database_,
            "UPDATE jobs SET turn = turn + ?, seconds = seconds + ?, executions = executions + ?, "
            "edges = max(edges, ?), features = max(features, ?), corpus = ?, last = ?, "
            "trouble = ? WHERE target = ? AND sanitizer = ?",
            end.seconds / end.weight, end.seconds, as_integer(end.executions),
            as_integer(end.edges), as_integer(end.features), as_integer(end.corpus), end.ended,
            end.trouble, slice.key.target, slice.key.sanitizer);
    for (const Pending& one : pending) insert_pending(*database_, one);
    for (const std::string& signature : again) {
      see_again(*database_, signature, slice.key, slice.commit, end.ended);
    }
  });
}

std::vector<Slice> Store::open_slices() {
  return guarded(database_->getFilename(), [&] {
    std::vector<Slice> slices;
    SQLite::Statement row =
        query(*database_,
              "SELECT id, target, sanitizer, commit_id, started FROM slices WHERE ended IS NULL "
              "ORDER BY id");
    while (row.executeStep()) {
      slices.push_back({.id = row.getColumn(0).getInt64(),
                        .key = {row.getColumn(1).getString(), row.getColumn(2).getString()},
                        .commit = row.getColumn(3).getString(),
                        .started = row.getColumn(4).getInt64()});
    }
    return slices;
  });
}

std::vector<Pending> Store::pending() {
  return guarded(database_->getFilename(), [&] {
    std::vector<Pending> all;
    SQLite::Statement row = query(
        *database_,
        "SELECT id, target, sanitizer, commit_id, seen, file, verdict FROM pending ORDER BY id");
    while (row.executeStep()) {
      all.push_back({.id = row.getColumn(0).getInt64(),
                     .key = {row.getColumn(1).getString(), row.getColumn(2).getString()},
                     .commit = row.getColumn(3).getString(),
                     .seen = row.getColumn(4).getInt64(),
                     .file = row.getColumn(5).getString(),
                     .verdict = row.getColumn(6).getString()});
    }
    return all;
  });
}

void Store::add_pending(const Pending& pending) {
  in_transaction(*database_, [&] { insert_pending(*database_, pending); });
}

void Store::drop_pending(int64_t id) {
  in_transaction(*database_, [&] { execute(*database_, "DELETE FROM pending WHERE id = ?", id); });
}

bool Store::file_bug(const Bug& bug, const Pending& from) {
  return in_transaction(*database_, [&] {
    execute(*database_, "DELETE FROM pending WHERE id = ?", from.id);
    SQLite::Statement known =
        query(*database_, "SELECT status FROM bugs WHERE signature = ?", bug.signature);
    const bool is_known = known.executeStep();
    const auto before =
        is_known ? static_cast<Bug::Status>(known.getColumn(0).getInt()) : Bug::Status::kOpen;
    known.reset();
    if (is_known) {
      see_again(*database_, bug.signature, bug.key, bug.last_commit, bug.last_seen);
      // An input that does not reproduce says nothing new of a bug that one does.
      if (before == Bug::Status::kOpen || bug.status != Bug::Status::kOpen) return false;
    }
    execute(
        *database_,
        "INSERT INTO bugs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', 1, ?, ?, ?, ?) "
        "ON CONFLICT (signature) DO UPDATE SET verdict = excluded.verdict, "
        "status = excluded.status, target = excluded.target, sanitizer = excluded.sanitizer, "
        "fixed_commit = '', file = excluded.file, bytes = excluded.bytes, "
        "size = excluded.size, details = excluded.details",
        bug.signature, bug.verdict, static_cast<int>(bug.status), bug.key.target, bug.key.sanitizer,
        bug.first_seen, bug.last_seen, bug.first_commit, bug.last_commit, bug.file,
        as_integer(bug.bytes), bug.size,
        nlohmann::json(bug.details).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    execute(*database_, "INSERT OR IGNORE INTO seen_by VALUES (?, ?, ?)", bug.signature,
            bug.key.target, bug.key.sanitizer);
    return true;
  });
}

std::vector<Bug> Store::bugs() {
  return guarded(database_->getFilename(), [&] {
    std::vector<Bug> bugs;
    SQLite::Statement row = query(
        *database_,
        fmt::format("SELECT {} FROM bugs ORDER BY first_seen, signature", kBugColumns).c_str());
    while (row.executeStep()) bugs.push_back(read_bug(row));
    for (Bug& bug : bugs) {
      SQLite::Statement seen = query(*database_,
                                     "SELECT target, sanitizer FROM seen_by WHERE signature = ? "
                                     "ORDER BY target, sanitizer",
                                     bug.signature);
      while (seen.executeStep()) {
        auto add = [](std::vector<std::string>& list, const std::string& name) {
          if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
        };
        add(bug.targets, seen.getColumn(0).getString());
        add(bug.sanitizers, seen.getColumn(1).getString());
      }
      std::sort(bug.sanitizers.begin(), bug.sanitizers.end());
    }
    return bugs;
  });
}

std::optional<Bug> Store::bug(const std::string& signature) {
  return guarded(database_->getFilename(), [&]() -> std::optional<Bug> {
    SQLite::Statement row = query(
        *database_, fmt::format("SELECT {} FROM bugs WHERE signature = ?", kBugColumns).c_str(),
        signature);
    if (!row.executeStep()) return {};
    return read_bug(row);
  });
}

bool Store::is_open(const std::string& signature) {
  const std::optional<Bug> known = bug(signature);
  return known && known->status == Bug::Status::kOpen;
}

void Store::bug_is_fixed(const std::string& signature, const std::string& commit) {
  in_transaction(*database_, [&] {
    execute(*database_, "UPDATE bugs SET status = ?, fixed_commit = ? WHERE signature = ?",
            static_cast<int>(Bug::Status::kFixed), commit, signature);
  });
}

void Store::bug_is_there(const std::string& signature, const std::string& commit, Seconds now) {
  in_transaction(*database_, [&] {
    execute(*database_,
            "UPDATE bugs SET status = ?, fixed_commit = '', last_commit = ?, last_seen = ? "
            "WHERE signature = ?",
            static_cast<int>(Bug::Status::kOpen), commit, now, signature);
  });
}

void Store::add_event(const Event& event) {
  in_transaction(*database_, [&] {
    execute(*database_, "INSERT INTO events (time, kind, text) VALUES (?, ?, ?)", event.time,
            event.kind, event.text);
  });
}

std::vector<Event> Store::events(size_t most) {
  return guarded(database_->getFilename(), [&] {
    std::vector<Event> events;
    SQLite::Statement row =
        query(*database_, "SELECT time, kind, text FROM events ORDER BY id DESC LIMIT ?",
              as_integer(most));
    while (row.executeStep()) {
      events.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getString(),
                        row.getColumn(2).getString()});
    }
    std::reverse(events.begin(), events.end());
    return events;
  });
}

void Store::add_commit(const CommitRecord& commit) {
  in_transaction(*database_, [&] {
    execute(*database_, "INSERT INTO commits (time, commit_id, title, built) VALUES (?, ?, ?, ?)",
            commit.time, commit.id, commit.title, commit.built ? 1 : 0);
  });
}

std::vector<CommitRecord> Store::commits() {
  return guarded(database_->getFilename(), [&] {
    std::vector<CommitRecord> commits;
    SQLite::Statement row =
        query(*database_, "SELECT time, commit_id, title, built FROM commits ORDER BY id");
    while (row.executeStep()) {
      commits.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getString(),
                         row.getColumn(2).getString(), row.getColumn(3).getInt() != 0});
    }
    return commits;
  });
}

std::vector<CoveragePoint> Store::coverage(const JobKey& key) {
  return guarded(database_->getFilename(), [&] {
    std::vector<CoveragePoint> points;
    SQLite::Statement row =
        query(*database_,
              "SELECT ended, edges, features, corpus FROM slices WHERE target = ? AND "
              "sanitizer = ? AND ended IS NOT NULL AND edges > 0 ORDER BY id",
              key.target, key.sanitizer);
    while (row.executeStep()) {
      points.push_back({row.getColumn(0).getInt64(), as_count(row.getColumn(1)),
                        as_count(row.getColumn(2)), as_count(row.getColumn(3))});
    }
    return points;
  });
}

std::string Store::note(const std::string& name) {
  return guarded(database_->getFilename(), [&]() -> std::string {
    SQLite::Statement row = query(*database_, "SELECT value FROM notes WHERE name = ?", name);
    return row.executeStep() ? row.getColumn(0).getString() : "";
  });
}

void Store::set_note(const std::string& name, const std::string& value) {
  in_transaction(*database_, [&] {
    execute(*database_, "INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value);
  });
}

void Store::forget_old(size_t slices, size_t events) {
  in_transaction(*database_, [&] {
    execute(*database_,
            "DELETE FROM slices WHERE ended IS NOT NULL AND id <= "
            "(SELECT coalesce(max(id), 0) FROM slices) - ?",
            as_integer(slices));
    execute(*database_,
            "DELETE FROM events WHERE id <= (SELECT coalesce(max(id), 0) FROM events) - ?",
            as_integer(events));
  });
}

}  // namespace tool
