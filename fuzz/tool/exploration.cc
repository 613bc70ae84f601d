#include "fuzz/tool/exploration.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "fuzz/program/codec.h"
#include "fuzz/program/print.h"
#include "fuzz/targets/explore.h"
#include "fuzz/targets/minimize_records.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<uint8_t>;
using End = Exploration::End;

// The search remembers the states that it came to. It may need more than an execution does.
constexpr unsigned kSearchMemoryMb = 8192;
// How long a report may take after the search was asked to stop: names for a stack take seconds.
constexpr auto kReportGrace = std::chrono::seconds(30);
// A relative name, because a path may hold the ':' that separates options.
constexpr char kPlaceFile[] = "place";

uint64_t field(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return 0;
  line.remove_prefix(at + key.size());
  return to_number(line.substr(0, line.find_first_not_of("0123456789"))).value_or(0);
}

double seconds_field(std::string_view line) {
  constexpr std::string_view kKey = " seconds=";
  const size_t at = line.find(kKey);
  if (at == std::string_view::npos) return 0;
  return std::strtod(std::string(line.substr(at + kKey.size())).c_str(), nullptr);
}

// Where the search is; number 0: it has not begun.
SearchPlace read_place(const fs::path& file) {
  SearchPlace place{};
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return place;
  const std::string bytes = read_file(file);
  if (bytes.size() < sizeof place) return place;
  std::memcpy(&place, bytes.data(), sizeof place);
  place.count = std::min<uint32_t>(place.count, sched::Explorer::kMaxPreemptions);
  return place;
}

std::string search_options(const ExploreRequest& request) {
  std::string options = fmt::format(":schedule={}search-{}:search_file={}",
                                    request.prune ? "" : "plain-", request.preemptions, kPlaceFile);
  if (request.limit) options += fmt::format(":search_limit={}", *request.limit);
  return options;
}

class Search {
 public:
  Search(const Project& project, const Input& input, const ExploreRequest& request,
         Progress& progress)
      : project_(project),
        input_(input),
        how_(input.comment),
        request_(request),
        progress_(progress),
        scratch_(fs::temp_directory_path()) {
    write_input(input.bytes);
  }

  // One process walks all schedules.
  Exploration run() {
    Command command = this->command(false);
    command.argv.insert(command.argv.end() - 1, "-detect_leaks=0");
    command.env["FENCEBENCH_OPTIONS"]->append(search_options(request_));
    command.deadline = {};
    set_flag(command, "-timeout=", 0);  // the limit would be that of all schedules together
    set_flag(command, "-rss_limit_mb=", kSearchMemoryMb);
    start_ = last_step_ = Clock::now();
    result_.outcome = execute(command, [this] { watch(); });
    progress_.clear();
    conclude();
    return result_;
  }

 private:
  void write_input(const Bytes& bytes) {
    write_file(scratch_.path() / "input",
               {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  Command command(bool trace) const {
    Command command =
        replay_command(project_, project_.binary(request_.sanitizer, how_.target, how_.defect),
                       scratch_.path() / "input",
                       {.sanitizer = request_.sanitizer, .checks = how_.checks, .trace = trace});
    command.cwd = scratch_.path();
    return command;
  }

  static void set_flag(Command& command, std::string_view flag, unsigned value) {
    for (std::string& argument : command.argv) {
      if (argument.starts_with(flag)) argument = fmt::format("{}{}", flag, value);
    }
  }

  template <typename AfterStep>
  Outcome execute(const Command& command, AfterStep after_step) {
    Outcome outcome;
    log_ = LibFuzzerLog();
    try {
      supervisor_.start(
          command, [this](std::string_view line) { on_line(line); },
          [&](const Exit& exit) { outcome = outcome_of(log_, exit, project_); });
    } catch (const SpawnError& error) {
      throw EnvironmentError(error.what());
    }
    while (supervisor_.running() > 0) {
      supervisor_.step(std::chrono::milliseconds(100));
      after_step();
    }
    return outcome;
  }

  void on_line(std::string_view line) {
    const auto progress = parse_search_line(line);
    if (progress) {
      result_.walked = *progress;
      show();
      return;
    }
    log_.line(line);
    if (log_.reporting() && !report_start_) report_start_ = Clock::now();
  }

  void show() {
    const SearchProgress& walked = result_.walked;
    progress_.block({fmt::format("{} {}: {} schedules, {} more pruned, {}, {} a second",
                                 how_.target, request_.sanitizer, with_commas(walked.schedules),
                                 with_commas(walked.skipped), human_seconds(walked.seconds),
                                 with_commas(static_cast<uint64_t>(walked.rate())))});
  }

  // Ends a search that was asked to stop, has no time left, or does not move any more.
  void watch() {
    if (supervisor_.running() == 0) return;
    const Clock::time_point now = Clock::now();
    if (report_start_) {
      if (now - *report_start_ > kReportGrace) stop();
      return;
    }
    const uint64_t number = read_place(scratch_.path() / kPlaceFile).number;
    if (number != number_) {
      number_ = number;
      last_step_ = now;
    }
    if (interrupted()) {
      result_.end = End::kInterrupted;
      stop();
    } else if (request_.seconds && now - start_ >= std::chrono::seconds(*request_.seconds)) {
      result_.end = End::kTime;
      stop();
    } else if (now - last_step_ >= std::chrono::seconds(kTimeoutSeconds)) {
      hangs_ = true;
      stop();
    }
  }

  // At SIGINT libFuzzer would report the schedule as a finding of its own.
  void stop() { supervisor_.stop_all(std::chrono::seconds(0), SIGKILL); }

  void conclude() {
    const Outcome& outcome = result_.outcome;
    SearchProgress& walked = result_.walked;
    if (outcome.clean()) {
      if (walked.schedules == 0) {
        throw EnvironmentError(fmt::format("{} does not search", how_.target));
      }
      result_.end = walked.complete ? End::kComplete : End::kLimit;
      return;
    }
    const SearchPlace place = read_place(scratch_.path() / kPlaceFile);
    const bool stopped = outcome.exit.stopped && !outcome.verdict && !hangs_;
    if (place.number == 0 && !stopped) {
      const std::string last = outcome.tail.empty() ? outcome.text() : outcome.tail.back();
      throw EnvironmentError(
          fmt::format("{} ended before it had begun to search: {}", how_.target, printable(last)));
    }
    // The lines lag behind. The schedule that is being walked counts only if it failed.
    walked.schedules = place.number - (stopped && place.number > 0);
    walked.seconds = report_start_ ? std::chrono::duration<double>(*report_start_ - start_).count()
                                   : outcome.exit.seconds;
    if (stopped) return;
    result_.end = End::kFound;
    result_.schedule.assign(place.list, place.list + place.count);
    confirm();
  }

  // Executes alone what failed. A search that died without a word, or used up the memory, may have
  // done so by itself.
  void confirm() {
    const Outcome& found = result_.outcome;
    Outcome& alone = result_.alone;
    result_.bytes = with_schedule(how_.target, input_.bytes, result_.schedule);
    if (result_.bytes.empty()) return;
    progress_.block({"found one, executing it alone"});
    write_input(result_.bytes);
    alone = execute(command(true), [this] {
      if (interrupted()) stop();
    });
    progress_.clear();
    const bool same_verdict = !found.verdict || found.verdict == alone.verdict;
    const bool same_trace =
        found.traces.empty() || alone.traces.empty() || found.traces.back() == alone.traces.back();
    result_.replays = alone.verdict && same_verdict && same_trace;
    const bool out_of_memory = found.verdict
                                   ? found.verdict->text().starts_with("libFuzzer: out-of-memory")
                                   : found.exit.signal == SIGKILL && !found.exit.stopped;
    if (!result_.replays && out_of_memory) result_.end = End::kOutOfMemory;
  }

  const Project& project_;
  const Input& input_;
  const FindingComment& how_;
  const ExploreRequest& request_;
  Progress& progress_;
  ScratchFolder scratch_;
  Exploration result_;
  LibFuzzerLog log_;
  Clock::time_point start_;
  Clock::time_point last_step_;
  std::optional<Clock::time_point> report_start_;
  uint64_t number_ = 0;
  bool hangs_ = false;
  Supervisor supervisor_;  // last: children die before what their callbacks use
};

}  // namespace

std::optional<SearchProgress> parse_search_line(std::string_view line) {
  if (!line.starts_with("fencebench: explored ")) return {};
  return SearchProgress{.schedules = field(line, " schedules="),
                        .cut = field(line, " cut="),
                        .skipped = field(line, " skipped="),
                        .states = field(line, " states="),
                        .preemptions = static_cast<unsigned>(field(line, " preemptions=")),
                        .seconds = seconds_field(line),
                        .complete = line.ends_with(" complete")};
}

Exploration explore(const Project& project, const Input& input, const ExploreRequest& request,
                    Progress& progress) {
  return Search(project, input, request, progress).run();
}

Bytes with_schedule(const std::string& target, const Bytes& bytes, const Schedule& schedule) {
  const text_form::Form form = target_info(target).form;
  const bool is_program = form == text_form::Form::kProgram;
  const uint32_t longest = is_program ? program::kMaxAfter : UINT16_MAX;
  for (const sched::Preemption& preemption : schedule) {
    if (preemption.after > longest) return {};
  }
  if (is_program) {
    program::Program program = program::decode(bytes.data(), bytes.size());
    program.schedule.clear();
    for (const sched::Preemption& preemption : schedule) {
      program.schedule.push_back({preemption.after, static_cast<program::Target>(preemption.to)});
    }
    return program::encode(program);
  }
  if (form != text_form::Form::kSteps) return {};
  records::Records records = records::decode(target, bytes);
  records.schedule.clear();
  for (const sched::Preemption& preemption : schedule) {
    records.schedule.push_back({preemption.after, static_cast<uint8_t>(preemption.to)});
  }
  return records::encode(target, records);
}

std::string to_text(const Schedule& schedule) {
  std::string text;
  for (const sched::Preemption& preemption : schedule) {
    text += fmt::format("{}{}>{}", text.empty() ? "" : " ", preemption.after,
                        program::target_name(static_cast<program::Target>(preemption.to)));
  }
  return text.empty() ? "none" : text;
}

}  // namespace tool
