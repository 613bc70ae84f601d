// What the kernel keeps per context, beyond what the executor and the lock checker keep: RCU
// nesting, pending signal, injected faults. And the questions about a context that the rules of the
// kernel ask.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

struct UserMemory;

struct Task {
  uint32_t rcu_depth = 0;
  bool signal_pending = false;
  uint32_t fail_alloc = 0;  // 1: the next allocation fails; n: the n-th
  uint32_t fail_copy = 0;   // likewise for user copies
  UserMemory* mm = nullptr;
};

// State of the running context.
Task& task();
// State of context `id`.
Task& task(unsigned id);
// Forgets everything; called between runs.
void reset_tasks();

// Whether the running context must not sleep: interrupt or softirq, spinlock held, interrupts off.
bool in_atomic();
bool in_irq();
// Reports sleep-in-atomic when in_atomic(), or within an RCU reader. `what` names the function that
// may sleep.
void might_sleep(const char* what);
// Reports lock-held-at-return unless the running context holds no lock, is in no RCU reader and has
// interrupts and preemption enabled. `where` names the operation that returns.
void check_context_at_return(const char* where);

// Interrupts of the running context's CPU. As on a CPU these do not nest: enabled is enabled.
void local_irq_disable();
void local_irq_enable();

}  // namespace kernel
