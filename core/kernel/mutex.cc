#include "core/kernel/mutex.h"

#include <cerrno>

#include "core/kernel/annotate.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/wait.h"

namespace kernel {

namespace {

void check_alive(const Mutex& mutex) {
  if (mutex.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "mutex", "a mutex is used before init or after destroy");
}

int lock_common(Mutex& mutex, bool interruptible) {
  check_alive(mutex);
  might_sleep(mutex.name);
  sched::point(sched::Point::kLock, mutex.id);
  lock_acquire(mutex.name, LockMode::kExclusive);
  while (mutex.owner != nullptr) {
    if (interruptible && signal_pending()) {
      lock_release(mutex.name);
      return -EINTR;
    }
    sched::prepare_to_sleep();
    sched::sleep(&mutex, mutex.name, mutex.owner, sched::kForever);
  }
  mutex.owner = sched::current();
  annotate_locked(&mutex);
  observe_locked(mutex.name, mutex.id);
  return 0;
}

}  // namespace

void mutex_init(Mutex& mutex, const char* name) {
  mutex = {nullptr, name, next_object_number()};
  annotate_lock_created(&mutex);
}

void mutex_destroy(Mutex& mutex) {
  check_alive(mutex);
  if (mutex.owner != nullptr && checks_enabled)
    report(Verdict::kLockDestroyedWhileHeld, mutex.name, "%s is destroyed while %s holds it",
           mutex.name, mutex.owner->name);
  annotate_lock_destroyed(&mutex);
  mutex.name = nullptr;
}

void mutex_lock(Mutex& mutex) { lock_common(mutex, false); }
int mutex_lock_interruptible(Mutex& mutex) { return lock_common(mutex, true); }

bool mutex_trylock(Mutex& mutex) {
  check_alive(mutex);
  sched::point(sched::Point::kLock, mutex.id);
  if (mutex.owner != nullptr) return false;
  mutex.owner = sched::current();
  annotate_locked(&mutex);
  observe_locked(mutex.name, mutex.id);
  lock_acquire(mutex.name, LockMode::kTry);
  return true;
}

void mutex_unlock(Mutex& mutex) {
  check_alive(mutex);
  if (mutex.owner != sched::current() && checks_enabled)
    report(Verdict::kUnlockNotOwner, mutex.name, "%s is released by %s but held by %s", mutex.name,
           sched::current()->name, mutex.owner ? mutex.owner->name : "nobody");
  lock_release(mutex.name);
  observe_unlocked(mutex.name, mutex.id);
  annotate_unlocked(&mutex);
  mutex.owner = nullptr;
  sched::wake_all(&mutex);
  sched::point(sched::Point::kUnlock, mutex.id);
}

void lockdep_assert_held(const Mutex& mutex) {
  if (mutex.owner != sched::current() && checks_enabled)
    report(Verdict::kWarnOn, mutex.name, "%s must be held here", mutex.name);
}

}  // namespace kernel
