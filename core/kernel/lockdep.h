// The lock checker. Within a run it learns in which order classes of locks are taken, and in which
// contexts, and reports what could deadlock although nothing did.
//
// A class is a name: all locks with the same text are one class. Names must be literals. Works are
// classes, too: a work's class is held while it runs, and taken for a moment by who waits for its
// end. Nothing is kept from run to run but the declared facts.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

enum class LockMode : uint8_t {
  kExclusive,
  kShared,  // a reader; a waiting writer keeps readers out, so its order counts as any other
  kTry,     // does not wait: records no order into it
  kNested,  // a ww lock under a ticket: another one of the class may be held
};

// The running context takes a lock. Called before it waits, or, if it never waits, when it has the
// lock. Reports lock-order-inversion if locks that were taken one within the other lead from this
// class to one that is held, or if the class is held. From here on the lock counts as held.
void lock_acquire(const char* name, LockMode mode);
// In any order; also for a lock that was waited for in vain.
void lock_release(const char* name);

// As above for the spinlocks of the running context `self`; the lock is taken once interrupts are
// off if they will be. Also reports irq-unsafe-lock if a class that interrupts take is taken with
// interrupts on, or leads to one that is; the same for softirqs.
void spin_acquire(const sched::Context& self, const char* name, LockMode mode);
void spin_release(const sched::Context& self, const char* name);
// Interrupts are enabled now: spinlocks that are still held count as taken with interrupts on.
void lockdep_irqs_on(const sched::Context& self);

// What the driver says of its locks; known from the start of the next run on, so that one wrong
// order or one wrong context is enough for a finding. Saying it again changes nothing.
void lockdep_declare_order(const char* outer, const char* inner);
void lockdep_declare_irq_safe(const char* name);

// A section on whose end the signaling of a fence depends; to the lock order, a lock
// "dma_fence_map" that is taken at its beginning without waiting. Mirrors
// dma_fence_begin_signalling: sections of a task nest, and an atomic context is no section; then
// `cookie` is true and the end does nothing.
void signalling_begin(bool* cookie);
void signalling_end(bool cookie);
// Called where a fence may be waited for. Reports fence-contract "wait-in-signalling-section"
// within a section; otherwise all held locks come before "dma_fence_map".
void lockdep_might_wait_for_fence(const char* what);
// Called where memory may be reclaimed, which may wait for fences. Reports fence-contract
// "alloc-in-signalling-section" within a section; otherwise as above.
void lockdep_might_reclaim(const char* what);

// Mirrors lockdep_assert_none_held_once: reports warn-on at `what` if any lock is held.
void lockdep_assert_none_held(const char* what);

// Locks that the running context holds, and for reports their names, outermost first: "a, b", or
// "none". Valid until the next call.
uint32_t locks_held();
const char* held_lock_names();

// Starts a new run.
void lockdep_reset();

}  // namespace kernel
