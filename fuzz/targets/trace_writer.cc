#include "fuzz/targets/trace_writer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "core/kernel/report.h"
#include "core/sched/observer.h"

// All contexts write here, and none is ordered by it: this file is compiled without TSan
// instrumentation, and calls nothing that TSan intercepts on what it shares.

namespace {

constexpr size_t kStep = size_t{1} << 20;           // by which the file grows
constexpr size_t kPointsUntil = 64 * kStep;         // points only up to here
constexpr size_t kEventsUntil = 96 * kStep;         // other events only up to here
constexpr size_t kCapacity = kEventsUntil + kStep;  // room for what comes last
constexpr unsigned kMaxTags = 1024;

const char* const kKinds[] = {"point", "switch",  "preempt", "irq_enter", "irq_exit",
                              "start", "end_job", "block",   "wake",      "time",
                              "lock",  "unlock",  "get",     "put",       "move",
                              "open",  "close",   "state",   "operation", "result"};
static_assert(sizeof kKinds / sizeof *kKinds == static_cast<size_t>(sched::EventKind::kResult) + 1);

const char* const kPoints[] = {
    "step", "lock",     "unlock", "atomic", "read",      "write",       "xarray",     "alloc",
    "free", "callback", "wait",   "wake",   "user_copy", "irq_disable", "irq_enable", "queue_work"};
static_assert(sizeof kPoints / sizeof *kPoints ==
              static_cast<size_t>(sched::Point::kQueueWork) + 1);

const char* const kTargets[] = {"t0", "t1", "t2",  "t3",  "t4",     "t5",
                                "t6", "t7", "irq", "rcu", "worker", "timer"};
static_assert(sizeof kTargets / sizeof *kTargets == sched::kTargets);

int file = -1;
char* memory;
size_t used, size;
bool full;
uint32_t contexts_seen;
bool tag_seen[kMaxTags];

void grow() {
  size += kStep;
  if (ftruncate(file, static_cast<off_t>(size)) == 0) return;
  constexpr char kMessage[] = "fencebench: trace: the disk is full\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(2);
}

void put(char c) {
  if (used == kCapacity) return;
  if (used == size) grow();
  memory[used++] = c;
}

// A word of the format.
void put_word(const char* word) {
  for (; *word != 0; ++word) put(*word);
}

// Text that comes from elsewhere: whatever would break the format becomes a blank.
void put_text(const char* text) {
  if (text == nullptr) return;
  for (; *text != 0; ++text) put(static_cast<unsigned char>(*text) < ' ' ? ' ' : *text);
}

void put_number(uint64_t number) {
  char digits[20];
  unsigned count = 0;
  for (; number != 0; number /= 10) digits[count++] = static_cast<char>('0' + number % 10);
  while (count > 0) put(digits[--count]);
}

void put_signed(int64_t number) {
  if (number < 0) put('-');
  put_number(number < 0 ? ~static_cast<uint64_t>(number) + 1 : static_cast<uint64_t>(number));
}

void end_line() {
  while (used > 0 && memory[used - 1] == '\t') --used;
  put('\n');
}

const char* name_of(unsigned context) {
  return context < sched::kContexts ? sched::context(context).name : "-";
}

void introduce_context(unsigned id) {
  if (id >= sched::kContexts || (contexts_seen >> id & 1) != 0) return;
  contexts_seen |= 1u << id;
  put_word("context\t");
  put_text(name_of(id));
  put('\t');
  put_number(sched::context(id).cpu);
  end_line();
}

void introduce_operation(uint32_t tag) {
  if (tag == 0 || tag >= kMaxTags || tag_seen[tag]) return;
  tag_seen[tag] = true;
  put_word("op\t");
  put_number(tag);
  put('\t');
  put_text(kernel::describe_operation(tag));
  end_line();
}

const char* text_of(const sched::Event& event) {
  if (event.kind == sched::EventKind::kPoint) return kPoints[static_cast<unsigned>(event.point)];
  if (event.kind == sched::EventKind::kPreempt && event.value >= 0 && event.value < sched::kTargets)
    return kTargets[event.value];
  return event.what;
}

void write_event(const sched::Event& event) {
  const bool point = event.kind == sched::EventKind::kPoint;
  if (used >= (point ? kPointsUntil : kEventsUntil)) {
    if (!full) put_word("full\n");
    full = true;
    return;
  }
  introduce_context(event.context);
  if (!point) introduce_context(event.other);
  introduce_operation(event.tag);
  put_text(kKinds[static_cast<unsigned>(event.kind)]);
  put('\t');
  put_text(name_of(event.context));
  put('\t');
  put_number(event.tag);
  put('\t');
  put_number(event.object);
  put('\t');
  if (!point) put_text(name_of(event.other));
  put('\t');
  put_text(text_of(event));
  put('\t');
  put_text(event.role);
  put('\t');
  put_text(event.from_role);
  put('\t');
  put_number(event.from_object);
  put('\t');
  put_signed(event.value);
  end_line();
}

void finish_file() {
  [[maybe_unused]] const int cut = ftruncate(file, static_cast<off_t>(used));
  size = used;
}

}  // namespace

void trace_to_file(const char* path) {
  file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  void* mapped = MAP_FAILED;
  if (file >= 0) mapped = mmap(nullptr, kCapacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) {
    std::fprintf(stderr, "fencebench: cannot write the trace to '%s': %s\n", path,
                 std::strerror(errno));
    _exit(2);
  }
  memory = static_cast<char*>(mapped);
  sched::set_observer(write_event);
}

void trace_run_begins() {
  if (file < 0) return;
  used = 0;
  finish_file();
  full = false;
  contexts_seen = 0;
  for (bool& seen : tag_seen) seen = false;
  put_word("fencebench-trace 1\n");
}

void trace_run_ends() {
  if (file < 0) return;
  const sched::Trace trace = sched::trace();
  put_word("end\t");
  put_number(trace.hash);
  put('\t');
  put_number(trace.points);
  end_line();
  finish_file();
}

void trace_finding() {
  if (file < 0) return;
  const sched::Context* context = sched::current();
  put_word("finding\t");
  put_text(context != nullptr ? context->name : "-");
  put('\n');
}
