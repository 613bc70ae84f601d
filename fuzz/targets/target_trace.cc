#include "fuzz/targets/target_trace.h"

#include <unistd.h>

#include <cstdio>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace {
bool asked;
}  // namespace

void print_traces(bool on) {
  asked = on;
  kernel::set_report_epilogue(print_trace_if_asked);
}

void print_trace_if_asked() {
  if (!asked) return;
  const sched::Trace trace = sched::trace();
  char line[96];
  const int n = std::snprintf(line, sizeof line, "fencebench: trace 0x%016llx points=%llu\n",
                              static_cast<unsigned long long>(trace.hash),
                              static_cast<unsigned long long>(trace.points));
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, static_cast<size_t>(n));
}

// The sanitizers call these when they have something to report, before they end the process.
extern "C" void __asan_on_error() { print_trace_if_asked(); }
extern "C" void __tsan_on_report(void*) { print_trace_if_asked(); }
