#include "fuzz/tool/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

// A child may print without ever ending a line.
constexpr size_t kLongestLine = 1 << 16;

volatile sig_atomic_t stop_requested = 0;
int wake_pipe[2] = {-1, -1};  // written by signal handlers, read by step()

void wake() {
  int saved = errno;
  [[maybe_unused]] ssize_t ignored = ::write(wake_pipe[1], "x", 1);
  errno = saved;
}

void on_stop_signal(int) {
  stop_requested = 1;
  wake();
}

void on_child_signal(int) { wake(); }

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal_number, &action, nullptr);
}

void make_wake_pipe() {
  if (wake_pipe[0] >= 0) return;
  if (::pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw SpawnError(fmt::format("cannot make a pipe: {}", std::strerror(errno)), errno);
  }
  handle(SIGCHLD, on_child_signal);
}

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// What the child tells if it does not get as far as the program.
struct StartFailure {
  int error_number;
  char stage;  // 'x' exec, 'd' chdir, 'o' output file, 'p' personality
};

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; entry++) {
    std::string_view text = *entry;
    if (!command.env.contains(std::string(text.substr(0, text.find('='))))) {
      entries.emplace_back(text);
    }
  }
  for (const auto& [name, value] : command.env) {
    if (value) entries.push_back(name + "=" + *value);
  }
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void become(const Command& command, char** argv, char** envp, int out, int failures,
                         pid_t parent) {
  auto fail = [&](char stage) {
    StartFailure failure{errno, stage};
    [[maybe_unused]] ssize_t ignored = ::write(failures, &failure, sizeof failure);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the tool died before prctl could take hold
  for (int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) {
    ::signal(signal_number, SIG_DFL);
  }
  int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (nothing > STDERR_FILENO) ::close(nothing);
  if (!command.stdout_file.empty()) {
    int file = ::open(command.stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || ::dup2(file, STDOUT_FILENO) < 0) fail('o');
  }
  if (command.no_aslr && ::personality(ADDR_NO_RANDOMIZE) == -1) fail('p');
  if (!command.cwd.empty() && ::chdir(command.cwd.c_str()) != 0) fail('d');
  ::execvpe(argv[0], argv, envp);
  fail('x');
  ::_exit(127);
}

std::string start_failure_message(const Command& command, const StartFailure& failure) {
  const char* reason = std::strerror(failure.error_number);
  switch (failure.stage) {
    case 'd':
      return fmt::format("cannot enter '{}': {}", command.cwd.string(), reason);
    case 'o':
      return fmt::format("cannot write '{}': {}", command.stdout_file.string(), reason);
    case 'p':
      return fmt::format("cannot switch address-space randomization off: {}", reason);
    default:
      return fmt::format("cannot run '{}': {}", command.argv[0], reason);
  }
}

}  // namespace

std::string Exit::describe() const {
  std::string limit = timed_out ? " (it ran past its time limit)" : "";
  if (signal == 0) return fmt::format("exit status {}{}", code, limit);
  const char* name = ::sigabbrev_np(signal);
  std::string hint = signal == SIGKILL && !timed_out && !stopped ? " (out of memory?)" : limit;
  if (name == nullptr) return fmt::format("killed by signal {}{}", signal, hint);
  return fmt::format("killed by SIG{}{}", name, hint);
}

void watch_signals() {
  make_wake_pipe();
  for (int signal_number : {SIGINT, SIGTERM, SIGHUP}) handle(signal_number, on_stop_signal);
  // A reader of stdout that goes away ('| head') must not leave scratch folders behind.
  ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return stop_requested != 0; }

struct Supervisor::Child {
  Id id = 0;
  pid_t pid = 0;
  Fd output;
  std::string pending;  // output since the last line end
  OnLine on_line;
  OnExit on_exit;
  Clock::time_point started;
  std::optional<Clock::time_point> deadline;  // kill then: the time limit of the command
  std::optional<Clock::time_point> grace;     // kill then: it was asked to stop
  bool timed_out = false;
  bool stopped = false;
};

Supervisor::Supervisor() { make_wake_pipe(); }

Supervisor::~Supervisor() {
  for (auto& child : children_) {
    ::kill(-child->pid, SIGKILL);
    ::waitpid(child->pid, nullptr, 0);
  }
}

Supervisor::Id Supervisor::start(const Command& command, OnLine on_line, OnExit on_exit) {
  int output[2];
  int failures[2];
  if (::pipe2(output, O_CLOEXEC) != 0) {
    throw SpawnError(fmt::format("cannot make a pipe: {}", std::strerror(errno)), errno);
  }
  Fd output_read(output[0]);
  Fd output_write(output[1]);
  if (::pipe2(failures, O_CLOEXEC) != 0) {
    throw SpawnError(fmt::format("cannot make a pipe: {}", std::strerror(errno)), errno);
  }
  Fd failures_read(failures[0]);
  Fd failures_write(failures[1]);

  // Everything that allocates happens before fork.
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> environment = environment_of(command);
  std::vector<char*> argv = pointers_to(arguments);
  std::vector<char*> envp = pointers_to(environment);
  pid_t parent = ::getpid();
  pid_t pid = ::fork();
  if (pid < 0) {
    throw SpawnError(fmt::format("cannot start a process: {}", std::strerror(errno)), errno);
  }
  if (pid == 0) {
    become(command, argv.data(), envp.data(), output_write.get(), failures_write.get(), parent);
  }
  ::setpgid(pid, pid);  // as the child does: whoever comes first
  output_write.reset();
  failures_write.reset();

  StartFailure failure{};
  ssize_t got = 0;
  do {
    got = ::read(failures_read.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != 0) {
    ::waitpid(pid, nullptr, 0);
    throw SpawnError(start_failure_message(command, failure), failure.error_number);
  }

  auto child = std::make_unique<Child>();
  child->id = next_id_++;
  child->pid = pid;
  child->started = Clock::now();
  if (command.deadline.count() > 0) child->deadline = child->started + command.deadline;
  child->on_line = std::move(on_line);
  child->on_exit = std::move(on_exit);
  child->output.reset(::dup(output_read.get()));
  ::fcntl(child->output.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(child->output.get(), F_SETFL, O_NONBLOCK);
  children_.push_back(std::move(child));
  return children_.back()->id;
}

void Supervisor::deliver_lines(Child& child, bool at_end) {
  std::string text = std::move(child.pending);
  child.pending.clear();
  size_t start = 0;
  while (start < text.size()) {
    size_t end = text.find('\n', start);
    if (end == std::string::npos) {
      if (!at_end && text.size() - start < kLongestLine) break;
      end = text.size();
    }
    if (child.on_line) child.on_line(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
  if (start < text.size()) child.pending = text.substr(start);
}

void Supervisor::read_output(Child& child) {
  // Bounded, so that a child that prints without end starves neither the others nor the screen.
  constexpr size_t kMostAtOnce = 1 << 20;
  char buffer[1 << 16];
  for (size_t total = 0; child.output.get() >= 0 && total < kMostAtOnce;) {
    ssize_t got = ::read(child.output.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      child.output.reset();
      break;
    }
    child.pending.append(buffer, static_cast<size_t>(got));
    total += static_cast<size_t>(got);
    deliver_lines(child, false);
  }
}

bool Supervisor::reap(Child& child, Exit& result) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return false;
  }
  // While the leader is a zombie its group id cannot be reused: what it left behind ends here.
  ::kill(-child.pid, SIGKILL);
  read_output(child);
  deliver_lines(child, true);
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  result.seconds = std::chrono::duration<double>(Clock::now() - child.started).count();
  result.timed_out = child.timed_out;
  result.stopped = child.stopped;
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.code = WEXITSTATUS(status);
  }
  return true;
}

void Supervisor::step(std::chrono::milliseconds timeout) {
  std::vector<pollfd> polled = {{wake_pipe[0], POLLIN, 0}};
  for (const auto& child : children_) {
    if (child->output.get() >= 0) polled.push_back({child->output.get(), POLLIN, 0});
  }
  ::poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
  char drained[256];
  while (::read(wake_pipe[0], drained, sizeof drained) > 0) {
  }

  std::vector<std::pair<std::unique_ptr<Child>, Exit>> finished;
  Clock::time_point now = Clock::now();
  for (auto& child : children_) {
    read_output(*child);
    if (child->deadline && now > *child->deadline) {
      child->timed_out = true;
      child->deadline.reset();
      ::kill(-child->pid, SIGKILL);
    }
    if (child->grace && now > *child->grace) {
      child->grace.reset();
      ::kill(-child->pid, SIGKILL);
    }
    Exit result;
    if (reap(*child, result)) finished.emplace_back(std::move(child), result);
  }
  std::erase_if(children_, [](const auto& child) { return child == nullptr; });
  // Last, for a callback may start the next child.
  for (auto& [child, result] : finished) {
    if (child->on_exit) child->on_exit(result);
  }
}

void Supervisor::finish(std::chrono::milliseconds grace, const std::function<void()>& after_step) {
  bool stopping = false;
  while (running() > 0) {
    if (interrupted() && !stopping) {
      stopping = true;
      stop_all(grace);
    }
    step(std::chrono::milliseconds(200));
    if (after_step) after_step();
  }
}

void Supervisor::ask_to_stop(Child& child, std::chrono::milliseconds grace, int signal_number) {
  ::kill(-child.pid, signal_number);
  child.stopped = true;
  if (!child.grace) child.grace = Clock::now() + grace;
}

void Supervisor::stop(Id id, std::chrono::milliseconds grace, int signal_number) {
  for (auto& child : children_) {
    if (child->id == id) ask_to_stop(*child, grace, signal_number);
  }
}

void Supervisor::stop_all(std::chrono::milliseconds grace, int signal_number) {
  for (auto& child : children_) ask_to_stop(*child, grace, signal_number);
}

Finished run_and_capture(const Command& command) {
  Finished result;
  Supervisor supervisor;
  supervisor.start(
      command, [&](std::string_view line) { result.output.append(line).append("\n"); },
      [&](const Exit& exit) { result.exit = exit; });
  supervisor.finish(std::chrono::seconds(2));
  return result;
}

}  // namespace tool
