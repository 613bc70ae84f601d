#include "fuzz/targets/point_counter.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/decision_points.h"

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
DecisionPoints decision_points;
Span spans[kMaxSpans];
unsigned used;
char text[32 + kMaxSpans * kSpanText];

void add_point(uint32_t tag) {
  if (used > 0 && spans[used - 1].tag == tag)
    ++spans[used - 1].points;
  else if (used < kMaxSpans)
    spans[used++] = {tag, 1};
}

void observe_event(const sched::Event& event) {
  if (decision_points.at(event)) add_point(event.tag);
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
  sched::set_observer(observe_event, DecisionPoints::kEvents);
}

void point_count_begins() {
  decision_points.begin();
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
