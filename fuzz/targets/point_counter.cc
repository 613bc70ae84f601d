#include "fuzz/targets/point_counter.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "core/sched/observer.h"

// All contexts count here, and none is ordered by it: this file is compiled without TSan
// instrumentation.

namespace {

constexpr unsigned kMaxSpans = 1 << 14;  // those beyond are left out
constexpr unsigned kSpanText = 22;       // two numbers, an x, a blank

struct Span {
  uint32_t tag, points;
};

bool counting;
bool printed;
enum class Phase : uint8_t { kSetUp, kRunning, kOver } phase;
Span spans[kMaxSpans];
unsigned used;
char text[32 + kMaxSpans * kSpanText];

void add_point(uint32_t tag) {
  if (used > 0 && spans[used - 1].tag == tag)
    ++spans[used - 1].points;
  else if (used < kMaxSpans)
    spans[used++] = {tag, 1};
}

// What the executor counts: each scheduling point, and each wait or end that lets another one go on
// by choice (an interrupt goes back to what it interrupted).
bool is_decision_point(const sched::Event& event) {
  switch (event.kind) {
    case sched::EventKind::kPoint:
    case sched::EventKind::kBlock:
      return true;
    case sched::EventKind::kEnd:
      return sched::context(event.context).kind != sched::Kind::kIrq;
    case sched::EventKind::kIrqExit:
      return event.other == sched::kContexts;
    default:
      return false;
  }
}

void observe_event(const sched::Event& event) {
  if (event.context >= sched::kContexts) return;
  // The first thread that begins ends the set-up, the main thread ends the program.
  if (event.context == sched::kMainThread)
    phase = phase == Phase::kRunning ? Phase::kOver : phase;
  else if (phase == Phase::kSetUp && event.context < sched::kMaxThreads)
    phase = Phase::kRunning;
  if (phase == Phase::kRunning && is_decision_point(event)) add_point(event.tag);
}

char* put_number(char* out, uint32_t number) {
  char digits[10];
  unsigned count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *out++ = digits[--count];
  return out;
}

}  // namespace

void count_points() {
  counting = true;
  sched::set_observer(observe_event);
}

void point_count_begins() {
  phase = Phase::kSetUp;
  used = 0;
  printed = false;
}

void print_points() {
  if (!counting || printed) return;
  printed = true;
  char* out = text;
  for (const char* c = "fencebench: points"; *c != 0; ++c) *out++ = *c;
  for (unsigned i = 0; i < used; ++i) {
    *out++ = ' ';
    out = put_number(out, spans[i].tag);
    *out++ = 'x';
    out = put_number(out, spans[i].points);
  }
  *out++ = '\n';
  for (const char* from = text; from < out;) {
    const ssize_t written = write(STDERR_FILENO, from, static_cast<size_t>(out - from));
    if (written <= 0) return;
    from += written;
  }
}
