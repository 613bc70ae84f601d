#include "core/kernel/rwsem.h"

#include "core/kernel/annotate.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/wait.h"

namespace kernel {

// On the stack of who waits.
struct RwsemWaiter {
  RwsemWaiter* next;
  const sched::Context* task;
  bool writer;
  bool granted;  // the semaphore is his
};

namespace {

sched::Mask bit(const sched::Context& context) { return sched::Mask{1} << context.id; }

void check_alive(const RwSemaphore& sem) {
  if (sem.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "rwsem", "an rwsem is used before init or after destroy");
}

bool is_free_for(const RwSemaphore& sem, bool writer) {
  return sem.owner == nullptr && (!writer || sem.reader_count == 0);
}

void give_to(RwSemaphore& sem, const sched::Context& task, bool writer) {
  if (writer) {
    sem.owner = &task;
  } else {
    ++sem.reader_count;
    sem.readers |= bit(task);
  }
}

void take_from(RwSemaphore& sem, const sched::Context& task, bool writer) {
  if (writer) {
    sem.owner = nullptr;
  } else {
    if (sem.reader_count > 0) --sem.reader_count;
    sem.readers &= ~bit(task);
  }
}

// Hands the semaphore to the first who waits, if it is free for him; with a reader, to all readers.
void mark_wake(RwSemaphore& sem) {
  if (sem.waiters == nullptr || !is_free_for(sem, sem.waiters->writer)) return;
  const bool writer = sem.waiters->writer;
  for (RwsemWaiter** at = &sem.waiters; *at != nullptr;) {
    RwsemWaiter& waiter = **at;
    if (waiter.writer != writer) {
      at = &waiter.next;
      continue;
    }
    *at = waiter.next;
    waiter.granted = true;
    give_to(sem, *waiter.task, writer);
    sched::wake(*waiter.task);
    if (writer) return;
  }
}

// Whom a waiter waits for, as far as that is one context: himself, if he asks twice.
const sched::Context* holder(const RwSemaphore& sem) {
  const sched::Context* self = sched::current();
  return sem.owner == nullptr && (sem.readers & bit(*self)) ? self : sem.owner;
}

const char* role_of(bool writer) { return writer ? nullptr : "shared"; }

void annotate_down(RwSemaphore& sem, bool writer) {
  if (writer)
    annotate_locked(&sem);
  else
    annotate_read_locked(&sem);
  observe_locked(sem.name, sem.id, role_of(writer));
}

void down(RwSemaphore& sem, bool writer) {
  check_alive(sem);
  might_sleep(sem.name);
  sched::point(sched::Point::kLock, sem.id);
  lock_acquire(sem.name, writer ? LockMode::kExclusive : LockMode::kShared);
  const sched::Context& self = *sched::current();
  if (sem.waiters == nullptr && is_free_for(sem, writer)) {
    give_to(sem, self, writer);
  } else {
    RwsemWaiter waiter{nullptr, &self, writer, false};
    RwsemWaiter** at = &sem.waiters;
    while (*at != nullptr) at = &(*at)->next;
    *at = &waiter;
    while (!waiter.granted) {
      set_current_state();
      sched::sleep(&waiter, sem.name, holder(sem), sched::kForever);
    }
  }
  annotate_down(sem, writer);
}

bool down_trylock(RwSemaphore& sem, bool writer) {
  check_alive(sem);
  sched::point(sched::Point::kLock, sem.id);
  if (sem.waiters != nullptr || !is_free_for(sem, writer)) return false;
  give_to(sem, *sched::current(), writer);
  annotate_down(sem, writer);
  lock_acquire(sem.name, LockMode::kTry);
  return true;
}

void up(RwSemaphore& sem, bool writer) {
  check_alive(sem);
  const sched::Context& self = *sched::current();
  const bool held = writer ? sem.owner == &self : (sem.readers & bit(self)) != 0;
  if (!held && checks_enabled)
    report(Verdict::kUnlockNotOwner, sem.name, "%s is released by %s, which does not hold it so",
           sem.name, self.name);
  lock_release(sem.name);
  observe_unlocked(sem.name, sem.id, role_of(writer));
  if (writer)
    annotate_unlocked(&sem);
  else
    annotate_read_unlocked(&sem);
  take_from(sem, self, writer);
  mark_wake(sem);
  sched::point(sched::Point::kUnlock, sem.id);
}

}  // namespace

void init_rwsem(RwSemaphore& sem, const char* name) {
  sem = {};
  sem.name = name;
  sem.id = next_object_number();
  annotate_lock_created(&sem);
}

void rwsem_destroy(RwSemaphore& sem) {
  check_alive(sem);
  if (!is_free_for(sem, true) && checks_enabled)
    report(Verdict::kLockDestroyedWhileHeld, sem.name, "%s is destroyed while held", sem.name);
  annotate_lock_destroyed(&sem);
  sem.name = nullptr;
}

void down_read(RwSemaphore& sem) { down(sem, false); }
void up_read(RwSemaphore& sem) { up(sem, false); }
void down_write(RwSemaphore& sem) { down(sem, true); }
void up_write(RwSemaphore& sem) { up(sem, true); }

bool down_read_trylock(RwSemaphore& sem) { return down_trylock(sem, false); }
bool down_write_trylock(RwSemaphore& sem) { return down_trylock(sem, true); }

void lockdep_assert_held(const RwSemaphore& sem) {
  const sched::Context* self = sched::current();
  if (sem.owner != self && !(sem.readers & bit(*self)) && checks_enabled)
    report(Verdict::kWarnOn, sem.name, "%s must be held here", sem.name);
}

}  // namespace kernel
