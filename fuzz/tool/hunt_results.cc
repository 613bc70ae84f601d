#include "fuzz/tool/hunt_results.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

// Takes known fields out of a record; what remains is the rest. A field of another kind than
// expected makes the record useless, and is named.
class Fields {
 public:
  explicit Fields(json record) : record_(std::move(record)) {}

  void take(const char* name, std::string& value) {
    if (json field; find(name, field, &json::is_string, "text")) value = field.get<std::string>();
  }
  void take(const char* name, bool& value) {
    if (json field; find(name, field, &json::is_boolean, "true or false"))
      value = field.get<bool>();
  }
  void take(const char* name, uint64_t& value) {
    if (json field; find(name, field, &json::is_number_unsigned, "a count"))
      value = field.get<uint64_t>();
  }
  void take(const char* name, double& value) {
    if (json field; find(name, field, &json::is_number, "a number")) {
      const auto number = field.get<double>();
      if (!std::isfinite(number) || number < 0) complain(name, "a number of at least 0");
      value = number;
    }
  }
  // "" of one that is not there.
  void require(const char* name, const std::string& value) {
    if (value.empty()) complain(name, "given");
  }

  json rest() {
    record_.erase("kind");
    return record_.empty() ? json() : std::move(record_);
  }
  const std::string& trouble() const { return trouble_; }

 private:
  void complain(const char* name, const char* what) {
    if (trouble_.empty()) trouble_ = fmt::format("'{}' is not {}", name, what);
  }
  bool find(const char* name, json& field, bool (json::*is)() const noexcept, const char* what) {
    const auto found = record_.find(name);
    if (found == record_.end()) return false;
    field = std::move(*found);
    record_.erase(found);
    if ((field.*is)()) return true;
    complain(name, what);
    return false;
  }

  json record_;
  std::string trouble_;
};

// Each returns what is wrong with the record.
std::string add(const json& record, std::vector<HuntRun>& runs) {
  HuntRun run;
  Fields fields(record);
  fields.take("commit", run.commit);
  fields.take("date", run.date);
  fields.take("cores", run.cores);
  fields.take("bound_seconds", run.bound_seconds);
  fields.take("bound_executions", run.bound_executions);
  fields.take("jobs", run.jobs);
  run.more = fields.rest();
  if (fields.trouble().empty()) runs.push_back(std::move(run));
  return fields.trouble();
}

std::string add(const json& record, std::vector<Trial>& trials) {
  Trial trial;
  Fields fields(record);
  fields.take("defect", trial.defect);
  fields.take("target", trial.target);
  fields.take("build", trial.build);
  fields.take("configuration", trial.configuration);
  fields.take("corpus", trial.corpus);
  fields.take("trial", trial.trial);
  fields.take("seed", trial.seed);
  fields.take("bound_seconds", trial.bound_seconds);
  fields.take("bound_executions", trial.bound_executions);
  fields.take("executions", trial.executions);
  fields.take("seconds", trial.seconds);
  fields.take("reached", trial.reached);
  fields.take("triggered", trial.triggered);
  fields.take("detected", trial.detected);
  fields.take("verdict", trial.verdict);
  fields.take("signature", trial.signature);
  fields.take("finding", trial.finding);
  fields.take("error", trial.error);
  fields.require("target", trial.target);
  fields.require("configuration", trial.configuration);
  trial.more = fields.rest();
  if (fields.trouble().empty()) trials.push_back(std::move(trial));
  return fields.trouble();
}

std::string add(const json& record, std::vector<Replay>& replays) {
  Replay replay;
  Fields fields(record);
  fields.take("defect", replay.defect);
  fields.take("target", replay.target);
  fields.take("build", replay.build);
  fields.take("checks", replay.checks);
  fields.take("verdict", replay.verdict);
  fields.take("reached", replay.reached);
  fields.take("triggered", replay.triggered);
  fields.require("defect", replay.defect);
  fields.require("build", replay.build);
  fields.require("checks", replay.checks);
  replay.more = fields.rest();
  if (fields.trouble().empty()) replays.push_back(std::move(replay));
  return fields.trouble();
}

// What is wrong with the line; records of other kinds are fine.
std::string add_line(std::string_view line, HuntResults& results) {
  const json record = json::parse(line, nullptr, false);
  if (!record.is_object()) return "is no JSON object";
  const auto found = record.find("kind");
  if (found == record.end() || !found->is_string()) return "does not say its kind";
  const std::string kind = found->get<std::string>();
  if (kind == "hunt") return add(record, results.runs);
  if (kind == "trial") return add(record, results.trials);
  if (kind == "replay") return add(record, results.replays);
  return "";
}

json with_more(json record, const json& more) {
  if (more.is_object()) {
    for (const auto& [key, value] : more.items()) {
      if (!record.contains(key)) record[key] = value;
    }
  }
  return record;
}

template <typename T>
void move_all(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

json to_json(const HuntRun& run) {
  return with_more({{"kind", "hunt"},
                    {"commit", run.commit},
                    {"date", run.date},
                    {"cores", run.cores},
                    {"bound_seconds", run.bound_seconds},
                    {"bound_executions", run.bound_executions},
                    {"jobs", run.jobs}},
                   run.more);
}

json to_json(const Trial& trial) {
  return with_more({{"kind", "trial"},
                    {"defect", trial.defect},
                    {"target", trial.target},
                    {"build", trial.build},
                    {"configuration", trial.configuration},
                    {"corpus", trial.corpus},
                    {"trial", trial.trial},
                    {"seed", trial.seed},
                    {"bound_seconds", trial.bound_seconds},
                    {"bound_executions", trial.bound_executions},
                    {"executions", trial.executions},
                    {"seconds", trial.seconds},
                    {"reached", trial.reached},
                    {"triggered", trial.triggered},
                    {"detected", trial.detected},
                    {"verdict", trial.verdict},
                    {"signature", trial.signature},
                    {"finding", trial.finding},
                    {"error", trial.error}},
                   trial.more);
}

json to_json(const Replay& replay) {
  return with_more({{"kind", "replay"},
                    {"defect", replay.defect},
                    {"target", replay.target},
                    {"build", replay.build},
                    {"checks", replay.checks},
                    {"verdict", replay.verdict},
                    {"reached", replay.reached},
                    {"triggered", replay.triggered}},
                   replay.more);
}

// Plain ASCII, as json_text() has it, and never a line end within.
std::string record_line(const json& record) {
  return record.dump(-1, ' ', true, json::error_handler_t::replace) + "\n";
}

HuntResults parse_hunt(std::string_view text, std::string_view name) {
  HuntResults results;
  const auto warn = [&](size_t line, std::string_view what) {
    results.warnings.push_back(fmt::format("{}:{}: {}", printable(name), line, what));
  };
  size_t number = 0;
  size_t at = 0;
  while (at < text.size()) {
    number++;
    const size_t end = text.find('\n', at);
    const bool torn = end == std::string_view::npos;
    const std::string_view line = text.substr(at, torn ? end : end - at);
    at = torn ? text.size() : end + 1;
    if (torn) {
      warn(number, fmt::format("the last line is torn ({} bytes), passed over", line.size()));
      break;
    }
    results.whole_bytes = at;
    if (trim(line).empty()) continue;
    const std::string trouble = add_line(line, results);
    if (!trouble.empty()) warn(number, trouble + ", passed over");
  }
  return results;
}

HuntResults read_hunts(const std::vector<fs::path>& files) {
  HuntResults all;
  for (const fs::path& file : files) {
    HuntResults one = parse_hunt(read_named_file(file), file.string());
    if (one.runs.empty() && one.trials.empty() && one.replays.empty())
      throw UsageError(
          fmt::format("{} holds no results of a hunt{}", printable(file.string()),
                      one.warnings.empty() ? "" : fmt::format(" ({})", one.warnings.front())));
    move_all(one.runs, all.runs);
    move_all(one.trials, all.trials);
    move_all(one.replays, all.replays);
    move_all(one.warnings, all.warnings);
  }
  return all;
}

HuntLog::HuntLog(const fs::path& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0)
    throw EnvironmentError(
        fmt::format("cannot write {}: {}", printable(path.string()), std::strerror(errno)));
  const std::string text = read_file(path);
  before_ = parse_hunt(text, path.string());
  if (before_.whole_bytes < text.size() &&
      ::ftruncate(file_, static_cast<off_t>(before_.whole_bytes)) != 0) {
    const int error = errno;
    ::close(file_);
    throw EnvironmentError(
        fmt::format("cannot write {}: {}", printable(path.string()), std::strerror(error)));
  }
}

HuntLog::~HuntLog() { ::close(file_); }

void HuntLog::append(const json& record) {
  const std::string line = record_line(record);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      throw EnvironmentError(
          fmt::format("cannot write {}: {}", printable(path_.string()), std::strerror(errno)));
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace tool
