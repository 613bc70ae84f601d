#include "core/kernel/wait.h"

#include "core/kernel/task.h"

namespace kernel {

void set_current_state() { sched::prepare_to_sleep(); }

uint64_t schedule_timeout(const char* what, uint64_t timeout) {
  might_sleep(what);
  if (timeout >= kMaxScheduleTimeout) {
    sched::sleep(sched::current(), what, nullptr, sched::kForever);
    return timeout;
  }
  const uint64_t deadline = sched::now() + timeout;
  sched::sleep(sched::current(), what, nullptr, deadline);
  return deadline > sched::now() ? deadline - sched::now() : 0;
}

void wake_up_process(const sched::Context& context) {
  sched::wake(context);
  sched::point(sched::Point::kWake);
}

bool signal_pending() {
  sched::touch(&task().signal_pending, false);
  return task().signal_pending;
}

}  // namespace kernel
