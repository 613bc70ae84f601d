#include "core/kernel/completion.h"

#include "core/kernel/annotate.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"
#include "core/kernel/wait.h"

namespace kernel {

namespace {

constexpr uint32_t kAll = UINT32_MAX;

void check_initialised(const Completion& x) {
  if (x.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "completion", "a completion is used before init");
}

bool take(Completion& x) {
  if (x.done == 0) return false;
  if (x.done != kAll) --x.done;
  tsan_acquire(&x);
  return true;
}

void signal(Completion& x, uint32_t done) {
  check_initialised(x);
  tsan_release(&x);
  x.done = done;
  sched::wake_all(&x);
  sched::point(sched::Point::kWake);
}

}  // namespace

void init_completion(Completion& x, const char* name) { x = {0, name}; }

void complete(Completion& x) { signal(x, x.done == kAll ? kAll : x.done + 1); }
void complete_all(Completion& x) { signal(x, kAll); }

void wait_for_completion(Completion& x) { wait_for_completion_timeout(x, kMaxScheduleTimeout); }

uint64_t wait_for_completion_timeout(Completion& x, uint64_t timeout) {
  check_initialised(x);
  might_sleep(x.name);
  sched::point(sched::Point::kWait);
  const uint64_t deadline =
      timeout >= kMaxScheduleTimeout ? sched::kForever : sched::now() + timeout;
  while (!take(x)) {
    if (sched::now() >= deadline) return 0;
    sched::prepare_to_sleep();
    sched::sleep(&x, x.name, nullptr, deadline);
  }
  if (deadline == sched::kForever) return timeout;
  return deadline > sched::now() ? deadline - sched::now() : 1;
}

bool try_wait_for_completion(Completion& x) {
  check_initialised(x);
  sched::point(sched::Point::kAtomic);
  return take(x);
}

}  // namespace kernel
