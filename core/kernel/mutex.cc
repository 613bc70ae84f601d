#include "core/kernel/mutex.h"

#include "core/kernel/annotate.h"
#include "core/kernel/report.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

void check_alive(const Mutex& mutex) {
  if (mutex.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "mutex", "a mutex is used before init or after destroy");
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

void mutex_lock(Mutex& mutex) {
  check_alive(mutex);
  might_sleep(mutex.name);
  sched::point(sched::Point::kLock, mutex.id);
  while (mutex.owner != nullptr) {
    sched::prepare_to_sleep();
    sched::sleep(&mutex, mutex.name, mutex.owner, sched::kForever);
  }
  mutex.owner = sched::current();
  annotate_locked(&mutex);
  note_locked(mutex.name);
}

void mutex_unlock(Mutex& mutex) {
  check_alive(mutex);
  if (mutex.owner != sched::current() && checks_enabled)
    report(Verdict::kUnlockNotOwner, mutex.name, "%s is released by %s but held by %s", mutex.name,
           sched::current()->name, mutex.owner ? mutex.owner->name : "nobody");
  note_unlocked(mutex.name);
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
