// What a person sees of a campaign while it runs.

#include <fmt/format.h>

#include "fuzz/tool/campaign_job.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"

namespace tool {
namespace {

// "1.2M" and the like: status lines of a running job need no more.
std::string rough(uint64_t number) {
  if (number < 10'000) return std::to_string(number);
  if (number < 1'000'000) return fmt::format("{}k", number / 1000);
  return fmt::format("{:.1f}M", static_cast<double>(number) / 1e6);
}

}  // namespace

std::vector<std::string> Campaign::progress_lines() const {
  Table table(
      {"target", "sanitizer", "elapsed>", "executions>", "exec/s>", "edges>", "corpus>", ""});
  size_t waiting = 0;
  size_t over = 0;
  for (const auto& job : jobs_) {
    if (job->state == Job::State::kWaiting) waiting++;
    if (job->state == Job::State::kOver) over++;
    if (job->state != Job::State::kRunning && job->state != Job::State::kConfirming) continue;
    const EngineStatus status = job->run->status();
    double elapsed = seconds_since(job->child_start);
    double known_for = std::chrono::duration<double>(job->last_status - job->child_start).count();
    // Engines report less and less often: in between, the count is carried on at the same rate,
    // once that is known.
    uint64_t executions = status.executions;
    bool rate_known = known_for >= 1;
    double rate = rate_known ? static_cast<double>(executions) / known_for : 0;
    bool old = elapsed - known_for > 1;
    if (old && rate_known) executions = static_cast<uint64_t>(rate * elapsed);
    std::string mark = !old ? "" : rate_known ? "~" : ">";
    const char* phase = job->state == Job::State::kConfirming ? "found one, running it again"
                        : status.reporting                    ? "reporting"
                        : status.loaded                       ? ""
                                                              : "loading the corpus";
    std::string name = job->result.sanitizer;
    if (job->result.trial > 0) name += fmt::format(" #{}", job->result.trial);
    // Of a hunt, where it is the core that differs.
    std::string target = job->result.target;
    if (!job->result.label.empty()) target = printable(job->result.label) + " " + target;
    table.row({target, name, human_seconds(seconds_since(job->first_start)),
               mark + rough(executions), rate_known ? rough(static_cast<uint64_t>(rate)) : "",
               status.edges > 0 ? with_commas(status.edges) : "", with_commas(status.corpus),
               phase});
  }
  std::vector<std::string> lines;
  std::string budget;
  if (options_.seconds) {
    budget = ", " + human_seconds(static_cast<double>(*options_.seconds)) + " a job";
  } else if (options_.runs) {
    budget = ", " + with_commas(*options_.runs) + " executions a job";
  }
  lines.push_back(fmt::format("{} so far{}: {} of {} jobs over, {} waiting, {} findings",
                              human_seconds(seconds_since(started_)), budget, over, jobs_.size(),
                              waiting, findings_.size()));
  if (!table.empty()) {
    for (std::string& line : split(table.text(), '\n')) {
      if (!line.empty()) lines.push_back(std::move(line));
    }
  }
  return lines;
}

void Campaign::draw() {
  if (progress_.live()) progress_.block(progress_lines());
}

}  // namespace tool
