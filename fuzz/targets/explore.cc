#include "fuzz/targets/explore.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/sched/sched.h"
#include "fuzz/targets/conflict_table.h"

namespace {

constexpr double kSayEvery = 0.25;          // seconds
constexpr uint64_t kLookAtClockEvery = 64;  // schedules

// std::chrono is compiled code, which MemorySanitizer cannot follow.
double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Shared with the file, so that it outlives the process however that ends.
SearchPlace* map_place(const char* file) {
  const int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof(SearchPlace)) == 0)
    memory = mmap(nullptr, sizeof(SearchPlace), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "fencebench: search_file: cannot write '%s'\n", file);
    _exit(2);
  }
  close(fd);
  return static_cast<SearchPlace*>(memory);
}

void put(const sched::Explorer& explorer, SearchPlace& place) {
  place.number = explorer.runs();
  place.count = explorer.preemptions();
  std::copy_n(explorer.schedule(), place.count, place.list);
}

void say(const sched::Explorer& explorer, double seconds, const char* end) {
  std::fprintf(
      stderr,
      "fencebench: explored schedules=%llu cut=%llu skipped=%llu states=%llu preemptions=%u "
      "seconds=%.6f%s\n",
      static_cast<unsigned long long>(explorer.runs()),
      static_cast<unsigned long long>(explorer.cut()),
      static_cast<unsigned long long>(explorer.skipped()),
      static_cast<unsigned long long>(explorer.states()), explorer.preemptions(), seconds, end);
}

void search(const TargetOptions& options, RunUnder run, void* arg) {
  const double start = now();
  double said = start;
  SearchPlace* place = options.search_file[0] != 0 ? map_place(options.search_file) : nullptr;
  sched::Explorer explorer(options.search_preemptions, options.search_prune);
  while (sched::Decider* decider = explorer.next()) {
    if (place != nullptr) put(explorer, *place);
    run(decider, arg);
    if (explorer.runs() == options.search_limit) return say(explorer, now() - start, "");
    if (explorer.runs() % kLookAtClockEvery == 0 && now() - said >= kSayEvery) {
      said = now();
      say(explorer, said - start, "");
    }
  }
  say(explorer, now() - start, " complete");
}

// A run without preemptions tells how long one is.
void run_pct(const TargetOptions& options, uint64_t seed, RunUnder run, void* arg) {
  sched::ReplayDecider none(nullptr, 0);
  run(&none, arg);
  const auto length = static_cast<uint32_t>(sched::trace().points);
  sched::PctDecider pct(seed, options.pct_depth, length != 0 ? length : 1);
  run(&pct, arg);
}

}  // namespace

void run_as_asked(const TargetOptions& options, const uint8_t* data, size_t size, RunUnder run,
                  void* arg) {
  const uint64_t seed = options.schedule_of_input ? input_hash(data, size) : options.schedule_seed;
  switch (options.schedule) {
    case ScheduleFrom::kInput:
      return run(nullptr, arg);
    case ScheduleFrom::kRandom: {
      sched::RandomDecider random(seed, 64);
      return run(&random, arg);
    }
    case ScheduleFrom::kPct:
      return run_pct(options, seed, run, arg);
    case ScheduleFrom::kSearch:
      return search(options, run, arg);
  }
}
