// determinism_canary BREACH: a tiny target whose runs breach determinism in one way. Proves that
// the guard (determinism_guard.h) names each; `none` is the clean one.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

#include "core/kernel/runtime.h"
#include "core/sched/sched.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

namespace {

void do_nothing() {}

void call_clock_gettime() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
}
void call_gettimeofday() {
  timeval time;
  gettimeofday(&time, nullptr);
}
void call_time() { time(nullptr); }
void call_clock() { clock(); }
void call_chrono() { [[maybe_unused]] auto now = std::chrono::steady_clock::now(); }
void call_rand() { [[maybe_unused]] int number = rand(); }
void call_random() { [[maybe_unused]] long number = random(); }
void call_drand48() { [[maybe_unused]] double number = drand48(); }
void call_getrandom() {
  char byte;
  [[maybe_unused]] ssize_t size = getrandom(&byte, 1, 0);
}
void call_getentropy() {
  char byte;
  [[maybe_unused]] int error = getentropy(&byte, 1);
}
void call_random_device() { [[maybe_unused]] unsigned number = std::random_device()(); }
void call_open() { close(open("/dev/urandom", O_RDONLY)); }
void call_fopen() {
  if (std::FILE* file = std::fopen("/dev/urandom", "rb")) std::fclose(file);
}

void take_points(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) sched::point(sched::Point::kStep);
}
// Where a block lies says how long the run is.
void ask_an_address() {
  void* block = std::malloc(48);
  take_points(reinterpret_cast<uintptr_t>(block) / 16 % 61);
  std::free(block);
}
// How often it ran says how long it is.
void ask_the_past() {
  static uint64_t runs;
  take_points(runs++);
}

struct Breach {
  const char* name;
  void (*make)();
};
constexpr Breach kBreaches[] = {{"none", do_nothing},
                                {"clock_gettime", call_clock_gettime},
                                {"gettimeofday", call_gettimeofday},
                                {"time", call_time},
                                {"clock", call_clock},
                                {"chrono", call_chrono},
                                {"rand", call_rand},
                                {"random", call_random},
                                {"drand48", call_drand48},
                                {"getrandom", call_getrandom},
                                {"getentropy", call_getentropy},
                                {"random_device", call_random_device},
                                {"open", call_open},
                                {"fopen", call_fopen},
                                {"address", ask_an_address},
                                {"state", ask_the_past}};

const Breach* breach;

void thread(void*) {
  take_points(3);
  breach->make();
  take_points(3);
}

void run(const uint8_t*, size_t) {
  kernel::runtime_begin(2, nullptr);
  sched::spawn(0, {thread, nullptr, 0});
  sched::run_all();
  kernel::runtime_end(0);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Breach& known : kBreaches)
    if (argc == 2 && std::strcmp(argv[1], known.name) == 0) breach = &known;
  if (breach == nullptr) {
    std::fprintf(stderr, "usage: determinism_canary BREACH\n");
    return 2;
  }
  const TargetOptions options = read_target_options();
  trace_runs(options);
  guard_runs(options);
  run_guarded(run, nullptr, 0);
  return 0;
}
