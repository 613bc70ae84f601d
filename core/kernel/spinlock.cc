#include "core/kernel/spinlock.h"

#include "core/kernel/annotate.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

uint32_t object_number;

void check_alive(const SpinLock& lock) {
  if (lock.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "spinlock",
           "a spinlock is used before init or after destroy");
}

// Preemption is off from before the wait: a spinning context keeps its CPU.
void acquire(SpinLock& lock) {
  sched::Context* self = sched::current();
  ++self->preempt_off;
  check_alive(lock);
  while (lock.owner != nullptr) sched::spin(&lock, lock.name, lock.owner);
  lock.owner = self;
  annotate_locked(&lock);
  note_locked(lock.name);
}

void release(SpinLock& lock) {
  sched::Context* self = sched::current();
  check_alive(lock);
  if (lock.owner != self && checks_enabled)
    report(Verdict::kUnlockNotOwner, lock.name, "%s is released by %s but held by %s", lock.name,
           self->name, lock.owner ? lock.owner->name : "nobody");
  note_unlocked(lock.name);
  annotate_unlocked(&lock);
  lock.owner = nullptr;
  sched::wake_all(&lock);
  --self->preempt_off;
}

}  // namespace

void spin_lock_init(SpinLock& lock, const char* name) {
  lock = {nullptr, name, next_object_number()};
  annotate_lock_created(&lock);
}

void spin_lock_destroy(SpinLock& lock) {
  check_alive(lock);
  if (lock.owner != nullptr && checks_enabled)
    report(Verdict::kLockDestroyedWhileHeld, lock.name, "%s is destroyed while %s holds it",
           lock.name, lock.owner->name);
  annotate_lock_destroyed(&lock);
  lock.name = nullptr;
}

void spin_lock(SpinLock& lock) {
  sched::point(sched::Point::kLock, lock.id);
  acquire(lock);
}

void spin_unlock(SpinLock& lock) {
  const uint32_t id = lock.id;  // another context may free the lock as soon as it is released
  release(lock);
  sched::point(sched::Point::kUnlock, id);
}

void spin_lock_irq(SpinLock& lock) {
  sched::point(sched::Point::kLock, lock.id);
  ++sched::current()->irq_off;
  acquire(lock);
}

void spin_unlock_irq(SpinLock& lock) {
  const uint32_t id = lock.id;
  release(lock);
  sched::current()->irq_off = 0;
  sched::point(sched::Point::kUnlock, id);
}

void spin_lock_irqsave(SpinLock& lock, unsigned long& flags) {
  sched::point(sched::Point::kLock, lock.id);
  flags = sched::current()->irq_off++;
  acquire(lock);
}

void spin_unlock_irqrestore(SpinLock& lock, unsigned long flags) {
  const uint32_t id = lock.id;
  release(lock);
  sched::current()->irq_off = static_cast<uint32_t>(flags);
  sched::point(sched::Point::kUnlock, id);
}

bool spin_is_held(const SpinLock& lock) { return lock.owner == sched::current(); }

void lockdep_assert_held(const SpinLock& lock) {
  if (!spin_is_held(lock) && checks_enabled)
    report(Verdict::kWarnOn, lock.name, "%s must be held here", lock.name);
}

uint32_t next_object_number() { return ++object_number; }
void reset_object_numbers() { object_number = 0; }

}  // namespace kernel
