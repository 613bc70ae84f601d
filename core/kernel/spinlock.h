// Spinlocks, with the kernel's three flavours. Any context; taking one disables preemption. A lock
// has a name, the upstream field's, by which reports speak of it.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

struct SpinLock {
  const sched::Context* owner;
  const char* name;  // nullptr: never initialised, or destroyed
  uint32_t id;
  bool contended;  // somebody may spin on it
};

void spin_lock_init(SpinLock& lock, const char* name);
// The kernel has no such call; ours finds locks that die while held. Called before the memory is
// freed.
void spin_lock_destroy(SpinLock& lock);

void spin_lock(SpinLock& lock);
void spin_unlock(SpinLock& lock);

// Interrupts of this CPU off while held; `irq` for contexts known to have them on, `irqsave` for
// any.
void spin_lock_irq(SpinLock& lock);
void spin_unlock_irq(SpinLock& lock);
void spin_lock_irqsave(SpinLock& lock, unsigned long& flags);
void spin_unlock_irqrestore(SpinLock& lock, unsigned long flags);

// Whether the running context holds the lock.
bool spin_is_held(const SpinLock& lock);
void lockdep_assert_held(const SpinLock& lock);

// Small numbers that name locks and other objects in traces; the same in every build, new for each
// run.
uint32_t next_object_number();
void reset_object_numbers();

}  // namespace kernel
