#include "core/kernel/task.h"

#include "core/kernel/report.h"

namespace kernel {

namespace {
Task tasks[sched::kContexts];
}  // namespace

Task& task() { return tasks[sched::current()->id]; }
Task& task(unsigned id) { return tasks[id]; }

void reset_tasks() {
  for (Task& t : tasks) t = Task{};
}

bool in_irq() { return sched::current()->kind == sched::Kind::kIrq; }

bool in_atomic() {
  const sched::Context& context = *sched::current();
  return context.kind == sched::Kind::kIrq || context.kind == sched::Kind::kSoftirq ||
         context.irq_off > 0 || context.preempt_off > 0;
}

void might_sleep(const char* what) {
  if (!checks_enabled) return;
  const Task& t = task();
  if (t.rcu_depth > 0) report(Verdict::kSleepInAtomic, what, "%s within an RCU reader", what);
  if (!in_atomic()) return;
  const char* held = t.locks_held > 0 ? t.held[0] : "no lock held, atomic context";
  report(Verdict::kSleepInAtomic, what, "%s may sleep, but the context is atomic (%s)", what, held);
}

void check_context_at_return(const char* where) {
  if (!checks_enabled) return;
  const Task& t = task();
  const sched::Context& context = *sched::current();
  const uint32_t irq_off =
      context.kind == sched::Kind::kIrq ? context.irq_off - 1 : context.irq_off;
  if (t.locks_held == 0 && t.rcu_depth == 0 && irq_off == 0 && context.preempt_off == 0) return;
  report(Verdict::kLockHeldAtReturn, where,
         "%s returned with %u locks held (%s), RCU depth %u, interrupts disabled %u times, "
         "preemption disabled %u times",
         where, t.locks_held, t.locks_held > 0 ? t.held[0] : "none", t.rcu_depth, irq_off,
         context.preempt_off);
}

void local_irq_disable() {
  ++sched::current()->irq_off;
  sched::point(sched::Point::kIrqDisable);
}

void local_irq_enable() {
  sched::current()->irq_off = 0;
  sched::point(sched::Point::kIrqEnable);
}

void note_locked(const char* name) {
  Task& t = task();
  if (t.locks_held < sizeof t.held / sizeof t.held[0]) t.held[t.locks_held] = name;
  ++t.locks_held;
}

void note_unlocked(const char* name) {
  Task& t = task();
  const uint32_t known = sizeof t.held / sizeof t.held[0];
  for (uint32_t i = t.locks_held < known ? t.locks_held : known; i-- > 0;) {
    if (t.held[i] != name) continue;
    for (; i + 1 < known && i + 1 < t.locks_held; ++i) t.held[i] = t.held[i + 1];
    break;
  }
  --t.locks_held;
}

}  // namespace kernel
