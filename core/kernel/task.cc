#include "core/kernel/task.h"

#include "core/kernel/lockdep.h"
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
  report(Verdict::kSleepInAtomic, what, "%s may sleep, but the context is atomic; locks held: %s",
         what, held_lock_names());
}

void check_context_at_return(const char* where) {
  if (!checks_enabled) return;
  const Task& t = task();
  const sched::Context& context = *sched::current();
  const uint32_t irq_off =
      context.kind == sched::Kind::kIrq ? context.irq_off - 1 : context.irq_off;
  const uint32_t locks = locks_held();
  if (locks == 0 && t.rcu_depth == 0 && irq_off == 0 && context.preempt_off == 0) return;
  report(Verdict::kLockHeldAtReturn, where,
         "%s returned with %u locks held (%s), RCU depth %u, interrupts disabled %u times, "
         "preemption disabled %u times",
         where, locks, held_lock_names(), t.rcu_depth, irq_off, context.preempt_off);
}

void local_irq_disable() {
  ++sched::current()->irq_off;
  sched::point(sched::Point::kIrqDisable);
}

void local_irq_enable() {
  sched::Context& self = *sched::current();
  self.irq_off = 0;
  lockdep_irqs_on(self);
  sched::point(sched::Point::kIrqEnable);
}

}  // namespace kernel
