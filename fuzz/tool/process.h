// Child processes without a shell: spawn, read their output line by line, stop whole process
// groups.
//
// Single-threaded: a Supervisor and the signal handling belong to the main thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH if it has no slash
  std::map<std::string, std::optional<std::string>> env;  // set, or removed if empty
  std::filesystem::path cwd;                              // empty: as it is
  std::filesystem::path stdout_file;  // standard output goes there; empty: it arrives with stderr
  bool no_aslr = false;               // address-space randomization off
  std::chrono::milliseconds deadline{0};  // 0: none; killed when it is over
};

struct Exit {
  int code = 0;            // exit status, if `signal` is 0
  int signal = 0;          // the signal that ended the process
  bool timed_out = false;  // the deadline was over, so the process was killed
  bool stopped = false;    // stop_all() had asked it to stop
  double seconds = 0;

  bool clean() const { return code == 0 && signal == 0; }
  // "exit status 77", "killed by SIGKILL (out of memory?)"
  std::string describe() const;
};

// Thrown when a program cannot be started at all.
struct SpawnError : std::runtime_error {
  SpawnError(const std::string& message, int error_number)
      : std::runtime_error(message), error_number(error_number) {}
  int error_number;
};

// From here on SIGINT, SIGTERM and SIGHUP no longer end the process; interrupted() tells of them.
void watch_signals();
bool interrupted();

// Runs children side by side. stdin of a child is empty; stdout and stderr arrive together, one
// line per call. Each child leads a process group of its own: the terminal's Ctrl-C does not reach
// it, stopping it reaches all that it started, and it dies if the tool dies.
class Supervisor {
 public:
  using OnLine = std::function<void(std::string_view)>;
  using OnExit = std::function<void(const Exit&)>;
  using Id = int;

  Supervisor();
  ~Supervisor();  // kills what still runs
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Throws SpawnError. The callbacks come from within step().
  Id start(const Command& command, OnLine on_line, OnExit on_exit);

  // Waits for output, an exit or a signal, at most `timeout`; calls the callbacks.
  void step(std::chrono::milliseconds timeout);

  // Steps until no child runs any more. Ctrl-C stops them all, as stop_all(grace) does.
  void finish(std::chrono::milliseconds grace, const std::function<void()>& after_step = {});

  size_t running() const { return children_.size(); }

  // Asks one child to stop, if it still runs; killed by step() if it has not within `grace`.
  void stop(Id id, std::chrono::milliseconds grace, int signal_number);

  // Asks all children to stop; what has not stopped within `grace` is killed by step().
  void stop_all(std::chrono::milliseconds grace, int signal_number = SIGINT);

 private:
  struct Child;
  void read_output(Child& child);
  void ask_to_stop(Child& child, std::chrono::milliseconds grace, int signal_number);
  void deliver_lines(Child& child, bool at_end);
  bool reap(Child& child, Exit& result);

  std::vector<std::unique_ptr<Child>> children_;
  Id next_id_ = 1;
};

struct Finished {
  Exit exit;
  std::string output;  // stdout and stderr together
};

// Runs one command to its end and returns what it printed. Ctrl-C stops it.
Finished run_and_capture(const Command& command);

}  // namespace tool
