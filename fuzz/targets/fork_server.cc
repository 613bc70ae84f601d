#include "fuzz/targets/fork_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/sched/sanitizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// From the sanitizers; not in every build.
extern "C" __attribute__((weak)) void __sanitizer_symbolize_pc(void* pc, const char* format,
                                                               char* out, size_t size);

namespace {

constexpr size_t kLongestInput = size_t{1} << 24;

void say(const char* what, int number) {
  char line[96];
  const int n =
      std::snprintf(line, sizeof line, "\nfencebench: fork server: %s %d\n", what, number);
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, static_cast<size_t>(n));
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "fencebench: fork server: %s: %s\n", what, std::strerror(errno));
  _exit(2);
}

// The symbolizer is a process of its own, which reads debug information for longer than an input
// takes. Started here, all children share it.
void start_symbolizer() {
  if (__sanitizer_symbolize_pc == nullptr) return;
  char name[256];
  __sanitizer_symbolize_pc(reinterpret_cast<void*>(serve_forks), "%f", name, sizeof name);
}

// False: nobody writes any more.
bool read_whole(int fd, uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t got = read(fd, data, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("reading an input");
    if (got == 0) return false;
    data += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool read_input(int fd, std::vector<uint8_t>& input) {
  uint8_t prefix[4];
  if (!read_whole(fd, prefix, sizeof prefix)) return false;
  size_t size = 0;
  for (unsigned i = 0; i < sizeof prefix; ++i) size |= size_t{prefix[i]} << (8 * i);
  errno = EMSGSIZE;
  if (size > kLongestInput) fail("reading an input");
  input.resize(size);
  return read_whole(fd, input.data(), size);
}

void wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("waiting for a child");
  if (WIFSIGNALED(status))
    say("signal", WTERMSIG(status));
  else
    say("exit", WEXITSTATUS(status));
}

}  // namespace

bool may_warm_up(const TargetOptions& options) {
#if defined(FENCEBENCH_TSAN)
  return options.fork_server[0] == 0;
#else
  return static_cast<void>(options), true;
#endif
}

void serve_forks(const TargetOptions& options) {
  if (options.fork_server[0] == 0) return;
  const int requests = open(options.fork_server, O_RDONLY | O_CLOEXEC);
  if (requests < 0) fail(options.fork_server);
  start_symbolizer();
  const pid_t server = getpid();
  std::fprintf(stderr, "fencebench: fork server: ready\n");
  static std::vector<uint8_t> input;
  while (read_input(requests, input)) {
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) {
      wait_for(child);
      continue;
    }
    close(requests);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != server) _exit(2);
    LLVMFuzzerTestOneInput(input.data(), input.size());
    std::exit(0);  // not _exit: LeakSanitizer looks at the end
  }
  _exit(0);
}
