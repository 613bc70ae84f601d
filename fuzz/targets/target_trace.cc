#include "fuzz/targets/target_trace.h"

#include <unistd.h>

#include <cstdio>

#include "core/kernel/report.h"
#include "core/sched/sched.h"
#include "fuzz/targets/point_counter.h"
#include "fuzz/targets/trace_writer.h"

namespace {

bool asked;
bool foreign_schedule;
TraceSource source = sched::trace;

void print_trace() {
  const sched::Trace trace = run_trace();
  char line[96];
  const int n = std::snprintf(line, sizeof line, "fencebench: trace 0x%016llx points=%llu\n",
                              static_cast<unsigned long long>(trace.hash),
                              static_cast<unsigned long long>(trace.points));
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, static_cast<size_t>(n));
}

// A schedule that is not the input's own is of use only if it can be replayed.
void print_schedule() {
  if (!foreign_schedule) return;
  static const char* const kNames[sched::kTargets] = {"t0", "t1", "t2",  "t3",  "t4",     "t5",
                                                      "t6", "t7", "irq", "rcu", "worker", "timer"};
  unsigned count = 0;
  const sched::Preemption* taken = sched::taken_preemptions(&count);
  std::fputs("fencebench: schedule", stderr);
  for (unsigned i = 0; i < count; ++i)
    std::fprintf(stderr, " %u>%s", taken[i].after, kNames[static_cast<unsigned>(taken[i].to)]);
  std::fputs("\n", stderr);
}

void finding() {
  print_schedule();
  if (asked || foreign_schedule) print_trace();
  print_points();
  trace_finding();
}

}  // namespace

void set_trace_source(TraceSource new_source) { source = new_source; }
sched::Trace run_trace() { return source(); }

void trace_runs(const TargetOptions& options) {
  asked = options.trace_hash;
  foreign_schedule = options.schedule != ScheduleFrom::kInput;
  if (options.points) count_points();
  if (options.trace_file[0] != 0) trace_to_file(options.trace_file);
  kernel::set_report_epilogue(finding);
}

void traced_run_begins() {
  point_count_begins();
  trace_run_begins();
}

void traced_run_ends() {
  if (asked) print_trace();
  print_points();
  trace_run_ends();
}

// The sanitizers call these when they have something to report, before they end the process.
extern "C" void __asan_on_error() { finding(); }
extern "C" void __tsan_on_report(void*) { finding(); }
