#include "fuzz/tool/continuous_status.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr size_t kEvents = 200;

json job_json(const JobRecord& job, const LiveStatus& live) {
  auto has = [&](const std::vector<JobKey>& keys) {
    return std::find(keys.begin(), keys.end(), job.key) != keys.end();
  };
  auto weight = live.weights.find(job.key);
  auto inputs = live.inputs.find(job.key.target);
  const char* state = has(live.fuzzing) ? "running" : !job.trouble.empty() ? "broken" : "waiting";
  return {{"target", job.key.target},
          {"sanitizer", job.key.sanitizer},
          {"weight", weight == live.weights.end() ? 0 : weight->second},
          {"seconds", job.seconds},
          {"executions", job.executions},
          {"edges", job.edges},
          {"features", job.features},
          {"corpus", inputs == live.inputs.end() ? job.corpus : inputs->second},
          {"last", job.last},
          {"state", state},
          {"note", job.trouble}};
}

json bug_json(const Bug& bug, const StoreFolder& folder, const std::string& command) {
  const std::string file = Project::shown(folder.root / bug.file);
  return {{"signature", bug.signature},
          {"verdict", bug.verdict},
          {"status", to_string(bug.status)},
          {"first_seen", bug.first_seen},
          {"last_seen", bug.last_seen},
          {"first_commit", bug.first_commit},
          {"last_commit", bug.last_commit},
          {"fixed_commit", bug.fixed_commit},
          {"count", bug.count},
          {"targets", bug.targets},
          {"sanitizers", bug.sanitizers},
          {"file", bug.file},
          {"size", bug.size},
          {"bytes", bug.bytes},
          {"reproduce", command + " repro " + shell_quote(file)},
          {"details", bug.details}};
}

}  // namespace

json status_json(Store& store, const StoreFolder& folder, const std::string& command,
                 const LiveStatus& live, Seconds now) {
  uint64_t executions = 0;
  double seconds = 0;
  json jobs = json::array();
  json coverage = json::array();
  for (const JobRecord& job : store.jobs()) {
    executions += job.executions;
    seconds += job.seconds;
    jobs.push_back(job_json(job, live));
    json points = json::array();
    for (const CoveragePoint& point : store.coverage(job.key)) {
      points.push_back({point.time, point.edges, point.features, point.corpus});
    }
    coverage.push_back(
        {{"target", job.key.target}, {"sanitizer", job.key.sanitizer}, {"points", points}});
  }
  json findings = json::array();
  for (const Bug& bug : store.bugs()) findings.push_back(bug_json(bug, folder, command));
  json commits = json::array();
  for (const CommitRecord& commit : store.commits()) {
    commits.push_back({{"time", commit.time},
                       {"id", commit.id},
                       {"title", commit.title},
                       {"result", commit.built ? "built" : "broken"}});
  }
  json events = json::array();
  Seconds started = 0;
  for (const Event& event : store.events(kEvents)) {
    events.push_back({{"time", event.time}, {"kind", event.kind}, {"text", event.text}});
  }
  if (const auto first = to_number(store.note("started"))) started = static_cast<Seconds>(*first);
  return {
      {"store", Project::shown(folder.root)},
      {"generated", now},
      {"started", started},
      {"running", live.running},
      {"pid", live.pid},
      {"commit", {{"id", live.commit}, {"title", live.title}, {"dirty", live.dirty}}},
      {"message", live.message},
      {"doing", live.doing},
      {"executions", executions},
      {"fuzzing_seconds", seconds},
      {"pending", store.pending().size()},
      {"jobs", jobs},
      {"findings", findings},
      {"coverage", coverage},
      {"commits", commits},
      {"events", events},
      {"disk", {{"bytes", live.disk_bytes}, {"limit", live.disk_limit}, {"free", live.disk_free}}}};
}

std::string status_line(const json& status) {
  const bool running = status["running"];
  const std::string message = status["message"];
  std::map<std::string, size_t> bugs;
  for (const json& finding : status["findings"]) bugs[finding["status"]]++;
  uint64_t inputs = 0;
  std::map<std::string, uint64_t> corpora;
  size_t broken = 0;
  for (const json& job : status["jobs"]) {
    uint64_t& largest = corpora[job["target"]];
    largest = std::max(largest, job["corpus"].get<uint64_t>());
    broken += job["state"] == "broken" ? 1 : 0;
  }
  for (const auto& [target, count] : corpora) inputs += count;
  const double seconds = status["fuzzing_seconds"];
  const uint64_t executions = status["executions"];
  const Seconds started = status["started"];
  const Seconds generated = status["generated"];
  std::string commit = status["commit"]["id"];
  if (!commit.empty() && status["commit"]["dirty"].get<bool>()) commit += "-dirty";
  std::string line = !running ? "stopped"
                     : message.empty()
                         ? "running for " + human_seconds(static_cast<double>(generated - started))
                         : "waiting";
  if (!commit.empty()) line += " at " + printable(commit);
  line += fmt::format(
      ": {} executions in {} of fuzzing, {}/s; {} inputs; bugs: {} open, {} fixed",
      with_commas(executions), human_seconds(seconds),
      with_commas(seconds > 0 ? static_cast<uint64_t>(static_cast<double>(executions) / seconds)
                              : 0),
      with_commas(inputs), bugs["open"], bugs["fixed"]);
  if (bugs["unreproducible"] > 0) {
    line += fmt::format(", {} not seen again", bugs["unreproducible"]);
  }
  if (broken > 0) line += fmt::format("; {} jobs in trouble", broken);
  if (!message.empty()) line += "; " + printable(message);
  return line;
}

}  // namespace tool
