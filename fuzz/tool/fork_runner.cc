#include "fuzz/tool/fork_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kServer = "fencebench: fork server: ";
constexpr std::string_view kPoints = "fencebench: points";
constexpr const char* kFifo = "inputs";
// What fits into the FIFO at once: nobody need read while we write.
constexpr size_t kLongestRequest = 4096;

void append_option(std::map<std::string, std::optional<std::string>>& environment,
                   const std::string& variable, const std::string& option) {
  std::string value = environment[variable].value_or("");
  environment[variable] = value.empty() ? option : value + ":" + option;
}

}  // namespace

reduce::Points parse_points(std::string_view line) {
  reduce::Points points;
  if (!line.starts_with(kPoints)) return points;
  for (const std::string& word : split(line.substr(kPoints.size()), ' ')) {
    if (word.empty()) continue;
    size_t x = word.find('x');
    auto op = to_number(std::string_view(word).substr(0, x));
    auto count =
        x == std::string::npos ? std::nullopt : to_number(std::string_view(word).substr(x + 1));
    if (!op || !count) return {};
    points.push_back({static_cast<uint32_t>(*op), static_cast<uint32_t>(*count)});
  }
  return points;
}

ForkRunner::~ForkRunner() { close_requests(); }

void ForkRunner::close_requests() {
  if (requests_ >= 0) ::close(requests_);
  requests_ = -1;
}

ForkRunner::ForkRunner(const Project& project, const FindingComment& how,
                       const ForkRunnerOptions& options)
    : project_(project),
      how_(how),
      options_(options),
      scratch_(fs::temp_directory_path()),
      file_(scratch_.path() / "input") {
  if (options_.fork) running_ = start_server();
}

Command ForkRunner::command() const {
  Command command = replay_command(
      project_, project_.binary(options_.sanitizer, how_.target, how_.defect), file_,
      {.sanitizer = options_.sanitizer, .checks = how_.checks, .trace = true, .symbolize = true});
  command.cwd = scratch_.path();
  append_option(command.env, "FENCEBENCH_OPTIONS", "points=1");
  // Where freed memory was allocated is of no interest, and takes as long as all the rest.
  if (!options_.leak_check)
    append_option(command.env, "ASAN_OPTIONS", "detect_leaks=0:malloc_context_size=1");
  return command;
}

void ForkRunner::line(std::string_view line) {
  if (line.starts_with(kPoints))
    points_ = parse_points(line);
  else
    log_.line(line);
}

void ForkRunner::server_line(std::string_view text) {
  if (!text.starts_with(kServer)) return line(text);
  text.remove_prefix(kServer.size());
  size_t blank = text.find(' ');
  std::string_view what = text.substr(0, blank);
  auto value = blank == std::string_view::npos ? std::nullopt : to_number(text.substr(blank + 1));
  child_exit_ = Exit();
  if (what == "exit" && value) child_exit_.code = static_cast<int>(*value);
  if (what == "signal" && value) child_exit_.signal = static_cast<int>(*value);
  ready_ = true;
}

// False: it is gone, or too late.
bool ForkRunner::wait_for_server(std::chrono::seconds limit) {
  Clock::time_point until = Clock::now() + limit;
  while (!ready_ && supervisor_.running() > 0 && !interrupted()) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) break;
    supervisor_.step(left);
  }
  return ready_;
}

bool ForkRunner::start_server() {
  // A new one each time: in the old one may be what the last server has not read.
  close_requests();
  fs::path fifo = scratch_.path() / kFifo;
  std::error_code ignored;
  fs::remove(fifo, ignored);
  // Opened for reading as well, so that nobody has to wait for the other side.
  if (::mkfifo(fifo.c_str(), 0600) != 0 ||
      (requests_ = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC)) < 0) {
    throw EnvironmentError(
        fmt::format("cannot make '{}': {}", fifo.string(), std::strerror(errno)));
  }
  Command server = command();
  append_option(server.env, "FENCEBENCH_OPTIONS", std::string("fork_server=") + kFifo);
  server.deadline = {};
  ready_ = false;
  try {
    supervisor_.start(server, [this](std::string_view text) { server_line(text); }, {});
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
  constexpr std::chrono::seconds kStart{60};
  if (wait_for_server(kStart)) return true;
  stop_server();
  return false;
}

void ForkRunner::stop_server() {
  supervisor_.stop_all(std::chrono::milliseconds(0), SIGKILL);
  while (supervisor_.running() > 0) supervisor_.step(std::chrono::milliseconds(100));
  running_ = false;
}

ForkRunner::Execution ForkRunner::finished(const Exit& exit) {
  return {outcome_of(log_, exit, project_), std::move(points_)};
}

bool ForkRunner::execute_forked(const std::vector<uint8_t>& input, Execution& execution) {
  std::string request;
  for (unsigned i = 0; i < 4; i++) request += static_cast<char>(input.size() >> (8 * i));
  request.append(input.begin(), input.end());
  if (!running_ || request.size() > kLongestRequest) return false;
  ready_ = false;
  if (::write(requests_, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    return false;
  }
  if (wait_for_server(std::chrono::seconds(options_.seconds))) {
    execution = finished(child_exit_);
    return true;
  }
  // It hangs, or the server died: the next input gets a new one.
  Exit exit;
  exit.signal = SIGKILL;
  exit.stopped = interrupted();
  exit.timed_out = !exit.stopped;
  stop_server();
  execution = finished(exit);
  if (!interrupted()) running_ = start_server();
  return true;
}

ForkRunner::Execution ForkRunner::execute_alone(const std::vector<uint8_t>& input) {
  write_file(file_, {reinterpret_cast<const char*>(input.data()), input.size()});
  Command alone = command();
  for (std::string& argument : alone.argv) {
    if (argument.starts_with("-timeout=")) argument = fmt::format("-timeout={}", options_.seconds);
  }
  Exit result;
  Supervisor supervisor;
  try {
    supervisor.start(
        alone, [this](std::string_view text) { line(text); },
        [&](const Exit& exit) { result = exit; });
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
  supervisor.finish(std::chrono::seconds(0));
  return finished(result);
}

ForkRunner::Execution ForkRunner::execute(const std::vector<uint8_t>& input) {
  log_ = LibFuzzerLog();
  points_.clear();
  Execution execution;
  if (execute_forked(input, execution)) return execution;
  return execute_alone(input);
}

}  // namespace tool
