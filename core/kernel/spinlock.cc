#include "core/kernel/spinlock.h"

#include "core/kernel/annotate.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/observe.h"
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
void acquire(SpinLock& lock, sched::Context& self) {
  ++self.preempt_off;
  check_alive(lock);
  spin_acquire(self, lock.name, LockMode::kExclusive);
  while (lock.owner != nullptr) {
    lock.contended = true;
    sched::spin(&lock, lock.name, lock.owner);
  }
  lock.owner = &self;
  annotate_locked(&lock);
  observe_locked(lock.name, lock.id);
}

void release(SpinLock& lock, sched::Context& self) {
  check_alive(lock);
  if (lock.owner != &self && checks_enabled)
    report(Verdict::kUnlockNotOwner, lock.name, "%s is released by %s but held by %s", lock.name,
           self.name, lock.owner ? lock.owner->name : "nobody");
  spin_release(self, lock.name);
  observe_unlocked(lock.name, lock.id);
  annotate_unlocked(&lock);
  lock.owner = nullptr;
  if (lock.contended) {
    lock.contended = false;
    sched::wake_all(&lock);
  }
  if (self.preempt_off > 0) --self.preempt_off;
}

void restore_irqs(sched::Context& self, uint32_t irq_off) {
  self.irq_off = irq_off;
  if (irq_off == 0 && self.preempt_off > 0) lockdep_irqs_on(self);
}

}  // namespace

void spin_lock_init(SpinLock& lock, const char* name) {
  lock = {nullptr, name, next_object_number(), false};
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
  acquire(lock, *sched::current());
}

void spin_unlock(SpinLock& lock) {
  const uint32_t id = lock.id;  // another context may free the lock as soon as it is released
  release(lock, *sched::current());
  sched::point(sched::Point::kUnlock, id);
}

void spin_lock_irq(SpinLock& lock) {
  sched::point(sched::Point::kLock, lock.id);
  sched::Context& self = *sched::current();
  ++self.irq_off;
  acquire(lock, self);
}

void spin_unlock_irq(SpinLock& lock) {
  const uint32_t id = lock.id;
  sched::Context& self = *sched::current();
  release(lock, self);
  restore_irqs(self, 0);
  sched::point(sched::Point::kUnlock, id);
}

void spin_lock_irqsave(SpinLock& lock, unsigned long& flags) {
  sched::point(sched::Point::kLock, lock.id);
  sched::Context& self = *sched::current();
  flags = self.irq_off++;
  acquire(lock, self);
}

void spin_unlock_irqrestore(SpinLock& lock, unsigned long flags) {
  const uint32_t id = lock.id;
  sched::Context& self = *sched::current();
  release(lock, self);
  restore_irqs(self, static_cast<uint32_t>(flags));
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
