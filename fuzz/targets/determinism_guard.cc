#include "fuzz/targets/determinism_guard.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "core/kernel/canary.h"
#include "core/kernel/report.h"
#include "core/sched/observer.h"
#include "core/sched/sanitizer.h"
#include "core/sched/sched.h"
#include "fuzz/targets/forbidden_calls.h"
#include "fuzz/targets/leak_check.h"
#include "fuzz/targets/target_trace.h"

// What is noted here all contexts share on purpose; this file is compiled without TSan
// instrumentation.

namespace {

using sched::EventKind;

// What a run did at one moment.
struct Entry {
  EventKind kind;
  sched::Point point;
  uint8_t context;
  uint32_t tag;
  uint32_t object;
  int64_t value;

  bool operator==(const Entry&) const = default;
};

constexpr uint32_t kWatched = bit(EventKind::kPoint) | bit(EventKind::kSwitch) |
                              bit(EventKind::kPreempt) | bit(EventKind::kIrqEnter) |
                              bit(EventKind::kStart) | bit(EventKind::kEnd) | bit(EventKind::kTime);
// Of longer runs the rest is compared by the trace hash alone.
constexpr uint64_t kMostEntries = 1 << 20;

// The course of the child, in memory that it shares with us.
struct Course {
  sched::Trace trace;
  uint64_t count;
  bool whole;  // the run came to its end
  Entry entries[kMostEntries];
};

enum class Mode : uint8_t { kOff, kRecord, kCompareHeap, kCompareRepetition, kCompareBoth };

#if defined(FENCEBENCH_TSAN)
// In a child that is forked once there are fibers TSan sees races that are none.
constexpr bool kMayFork = false;
#else
constexpr bool kMayFork = true;
#endif

Course* course;  // nullptr: not asked for
Mode mode;
uint64_t position;

constexpr const char* kAddress =
    "  It is another one when the heap lies elsewhere: a pointer decides something.\n"
    "  Do not compare, hash or order by addresses, nor walk what is ordered by them: use ids that\n"
    "  are given in the order of creation.\n";
constexpr const char* kState =
    "  It is another one when the input runs again: something is left from the run before.\n"
    "  Set every global and static variable that a run changes at the beginning of the run\n"
    "  (sut_begin(), kernel::runtime_begin(), the target's own), and free what a run allocates.\n";

[[noreturn]] void report(const char* difference) {
  const char* where = mode == Mode::kCompareHeap         ? "address"
                      : mode == Mode::kCompareRepetition ? "state"
                                                         : "address-or-state";
  const bool address = mode != Mode::kCompareRepetition;
  const bool state = mode != Mode::kCompareHeap;
  mode = Mode::kOff;
  forbid_calls(false);
  kernel::report(kernel::Verdict::kNondeterminism, where,
                 "the course of a run does not depend on its input alone\n  %s\n%s%s%s", difference,
                 address ? kAddress : "", address && state ? "  or\n" : "", state ? kState : "");
  std::abort();  // the verdict is suppressed, but there is nothing to go on with
}

void describe(const Entry& entry, char* text, size_t size) {
  const char* what = "an event";
  switch (entry.kind) {
    case EventKind::kPoint:
      what = "a scheduling point";
      break;
    case EventKind::kSwitch:
      what = "a switch";
      break;
    case EventKind::kPreempt:
      what = "a preemption";
      break;
    case EventKind::kIrqEnter:
      what = "an interrupt";
      break;
    case EventKind::kStart:
      what = "the start of a job";
      break;
    case EventKind::kEnd:
      what = "the end of a job";
      break;
    case EventKind::kTime:
      what = "time passing";
      break;
    default:
      break;
  }
  std::snprintf(text, size, "%s (kind %u, object %u, value %lld) of %s, %s", what,
                static_cast<unsigned>(entry.point), entry.object,
                static_cast<long long>(entry.value), sched::context(entry.context).name,
                kernel::describe_operation(entry.tag));
}

void compare(const Entry& now) {
  char text[768], before[320], here[320];
  describe(now, here, sizeof here);
  if (position >= course->count) {
    if (course->count == kMostEntries) return;
    std::snprintf(text, sizeof text, "event %llu is %s; before the run was over then",
                  static_cast<unsigned long long>(position), here);
    report(text);
  }
  if (course->entries[position] == now) return;
  describe(course->entries[position], before, sizeof before);
  std::snprintf(text, sizeof text, "event %llu is %s;\n  before it was %s",
                static_cast<unsigned long long>(position), here, before);
  report(text);
}

void look(const sched::Event& event) {
  if (mode == Mode::kOff) return;
  const Entry entry{event.kind, event.point, event.context, event.tag, event.object, event.value};
  if (mode != Mode::kRecord) {
    if (position >= course->count || course->entries[position] != entry) compare(entry);
  } else if (position < kMostEntries) {
    course->entries[position] = entry;
    course->count = position + 1;
  }
  ++position;
}

// Blocks of all small sizes are taken, and each second one is given back, in another order.
void disturb_heap() {
  constexpr unsigned kBlocks = 34, kSizes = 64;
  static void* blocks[kSizes][kBlocks];
  for (unsigned size = 0; size < kSizes; ++size) {
    for (void*& block : blocks[size]) {
      std::free(block);  // of the last time
      block = std::malloc(16 * (size + 1));
    }
    for (unsigned i = 0; i < kBlocks; i += 2) {
      std::free(blocks[size][(i * 7) % kBlocks]);
      blocks[size][(i * 7) % kBlocks] = nullptr;
    }
  }
}

void run_as(Mode new_mode, void (*run)(const uint8_t*, size_t), const uint8_t* data, size_t size) {
  mode = new_mode;
  position = 0;
  forbid_calls(true);
  run(data, size);
  forbid_calls(false);
}

void run_in_child(void (*run)(const uint8_t*, size_t), const uint8_t* data, size_t size) {
  course->whole = false;
  course->count = 0;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    std::perror("fencebench: determinism=twice: fork");
    _exit(2);
  }
  if (child == 0) {
    // What it finds the parent finds as well, and reports.
    if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    disturb_heap();
    run_as(Mode::kRecord, run, data, size);
    course->trace = run_trace();
    course->whole = true;
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void compare_ends() {
  char text[192];
  const sched::Trace trace = run_trace();
  if (position < course->count) {
    std::snprintf(text, sizeof text, "the run is over after %llu events; before it had %llu",
                  static_cast<unsigned long long>(position),
                  static_cast<unsigned long long>(course->count));
    report(text);
  }
  if (trace.hash == course->trace.hash && trace.points == course->trace.points) return;
  std::snprintf(
      text, sizeof text, "the trace is 0x%016llx points=%llu; before 0x%016llx points=%llu",
      static_cast<unsigned long long>(trace.hash), static_cast<unsigned long long>(trace.points),
      static_cast<unsigned long long>(course->trace.hash),
      static_cast<unsigned long long>(course->trace.points));
  report(text);
}

void run_twice(void (*run)(const uint8_t*, size_t), const uint8_t* data, size_t size) {
  course->count = 0;
  run_as(Mode::kRecord, run, data, size);
  course->trace = run_trace();
  disturb_heap();
  run_as(Mode::kCompareBoth, run, data, size);
  compare_ends();
  mode = Mode::kOff;
}

}  // namespace

void guard_runs(const TargetOptions& options) {
  if (!options.determinism_twice) return;
  void* map =
      mmap(nullptr, sizeof(Course), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    std::perror("fencebench: determinism=twice: mmap");
    _exit(2);
  }
  course = static_cast<Course*>(map);
  sched::set_observer(look, kWatched);
}

void run_guarded(void (*run)(const uint8_t*, size_t), const uint8_t* data, size_t size) {
  kernel::canary_run_begins();
  if (course == nullptr) {
    leak_check_begins();
    run(data, size);
    leak_check_ends();
    return;
  }
  if (!kMayFork) return run_twice(run, data, size);
  run_in_child(run, data, size);
  run_as(course->whole ? Mode::kCompareHeap : Mode::kOff, run, data, size);
  if (!course->whole) {
    mode = Mode::kCompareHeap;
    report("this run came to its end; with another heap it did not");
  }
  compare_ends();
  run_as(Mode::kCompareRepetition, run, data, size);
  compare_ends();
  mode = Mode::kOff;
}
