#include "core/kernel/ww_mutex.h"

#include <cerrno>

#include "core/kernel/annotate.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/wait.h"

namespace kernel {

// On the stack of who waits.
struct WwWaiter {
  WwWaiter* next;
  const sched::Context* task;
  WwAcquireCtx* ctx;
};

namespace {

void check_alive(const WwMutex& lock) {
  if (lock.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "ww_mutex",
           "a ww mutex is used before init or after destroy");
}

void warn_if(bool condition, const char* function, const char* what) {
  if (condition && checks_enabled) report(Verdict::kWarnOn, function, "%s: %s", function, what);
}

void check_ctx(const WwAcquireCtx& ctx, const char* function) {
  warn_if(ctx.task != sched::current(), function, "the ticket is another task's");
}

bool younger(const WwAcquireCtx& a, const WwAcquireCtx& b) { return a.stamp > b.stamp; }

// Who holds nothing cannot be part of a cycle and may wait.
int kill(WwMutex& lock, WwAcquireCtx& ctx) {
  if (ctx.acquired == 0) return 0;
  warn_if(ctx.contending != nullptr, "ww_mutex_lock", "another lock said -EDEADLK before");
  ctx.contending = &lock;
  return -EDEADLK;
}

// Wakes a waiter that has to back off for `ctx`; it finds out by itself.
void die(const WwWaiter& waiter, const WwAcquireCtx& ctx) {
  if (waiter.ctx->acquired > 0 && younger(*waiter.ctx, ctx)) sched::wake(*waiter.task);
}

// The lock went to `ctx` past those who wait. The first with a ticket is the oldest, and all others
// have been told by it.
void check_waiters(const WwMutex& lock, const WwAcquireCtx& ctx) {
  const WwWaiter* waiter = lock.waiters;
  while (waiter != nullptr && waiter->ctx == nullptr) waiter = waiter->next;
  if (waiter != nullptr) die(*waiter, ctx);
}

// Queues up before the first younger one. Whether it may wait at all is up to check_kill().
void add_waiter(WwMutex& lock, WwWaiter& waiter) {
  WwWaiter** place = nullptr;
  WwWaiter** at = &lock.waiters;
  for (; *at != nullptr; at = &(*at)->next) {
    const WwWaiter& other = **at;
    if (waiter.ctx == nullptr || other.ctx == nullptr) continue;
    if (younger(*waiter.ctx, *other.ctx)) continue;
    if (place == nullptr) place = at;
    die(other, *waiter.ctx);
  }
  if (place == nullptr) place = at;
  waiter.next = *place;
  *place = &waiter;
}

void remove_waiter(WwMutex& lock, const WwWaiter& waiter) {
  WwWaiter** at = &lock.waiters;
  while (*at != &waiter) at = &(*at)->next;
  *at = waiter.next;
}

int check_kill(WwMutex& lock, const WwWaiter& waiter) {
  WwAcquireCtx& ctx = *waiter.ctx;
  if (lock.ctx != nullptr && younger(ctx, *lock.ctx)) return kill(lock, ctx);
  for (const WwWaiter* other = lock.waiters; other != &waiter; other = other->next)
    if (other->ctx != nullptr) return kill(lock, ctx);
  return 0;
}

int wait_for_lock(WwMutex& lock, WwAcquireCtx* ctx, bool interruptible) {
  WwWaiter waiter{nullptr, sched::current(), ctx};
  add_waiter(lock, waiter);
  int error = 0;
  for (;;) {
    set_current_state();
    if (lock.owner == nullptr) break;
    if (interruptible && signal_pending()) error = -EINTR;
    if (error == 0 && ctx != nullptr) error = check_kill(lock, waiter);
    if (error != 0) break;
    sched::sleep(&waiter, lock.name, lock.owner, sched::kForever);
  }
  remove_waiter(lock, waiter);
  return error;
}

void acquired(WwMutex& lock, WwAcquireCtx* ctx) {
  lock.owner = sched::current();
  annotate_locked(&lock);
  observe_locked(lock.name, lock.id);
  if (ctx == nullptr) return;
  warn_if(ctx->done, "ww_mutex_lock", "the ticket is done with locking");
  warn_if(ctx->ww_class != lock.ww_class, "ww_mutex_lock", "the ticket is of another class");
  if (ctx->contending != nullptr) {
    warn_if(ctx->contending != &lock, "ww_mutex_lock", "not the lock that said -EDEADLK");
    warn_if(ctx->acquired > 0, "ww_mutex_lock", "after -EDEADLK with locks still held");
    ctx->contending = nullptr;
  }
  ++ctx->acquired;
  lock.ctx = ctx;
}

int lock_common(WwMutex& lock, WwAcquireCtx* ctx, bool interruptible) {
  check_alive(lock);
  might_sleep(lock.name);
  if (ctx != nullptr) check_ctx(*ctx, "ww_mutex_lock");
  sched::point(sched::Point::kLock, lock.id);
  if (ctx != nullptr && ctx == lock.ctx) return -EALREADY;
  lock_acquire(lock.name, ctx != nullptr ? LockMode::kNested : LockMode::kExclusive);
  if (lock.owner == nullptr) {
    acquired(lock, ctx);
    if (ctx != nullptr) check_waiters(lock, *ctx);
    return 0;
  }
  const int error = wait_for_lock(lock, ctx, interruptible);
  if (error == 0)
    acquired(lock, ctx);
  else
    lock_release(lock.name);
  return error;
}

void check_slow(const WwAcquireCtx& ctx) {
  warn_if(ctx.contending == nullptr, "ww_mutex_lock_slow", "no lock said -EDEADLK before");
  warn_if(ctx.acquired > 0, "ww_mutex_lock_slow", "the ticket still holds locks");
}

}  // namespace

void ww_acquire_init(WwAcquireCtx& ctx, WwClass& ww_class) {
  ctx = {sched::current(), &ww_class, ++ww_class.stamp, 0, false, nullptr};
  lock_acquire(ww_class.acquire_name, LockMode::kExclusive);
}

void ww_acquire_done(WwAcquireCtx& ctx) {
  check_ctx(ctx, "ww_acquire_done");
  warn_if(ctx.done, "ww_acquire_done", "the ticket is done already");
  ctx.done = true;
}

void ww_acquire_fini(WwAcquireCtx& ctx) {
  check_ctx(ctx, "ww_acquire_fini");
  warn_if(ctx.acquired > 0, "ww_acquire_fini", "the ticket still holds locks");
  lock_release(ctx.ww_class->acquire_name);
  ctx.done = true;
}

void ww_mutex_init(WwMutex& lock, WwClass& ww_class) {
  lock = {nullptr, nullptr, ww_class.name, next_object_number(), &ww_class, nullptr};
  annotate_lock_created(&lock);
}

void ww_mutex_destroy(WwMutex& lock) {
  check_alive(lock);
  if (lock.owner != nullptr && checks_enabled)
    report(Verdict::kLockDestroyedWhileHeld, lock.name, "%s is destroyed while %s holds it",
           lock.name, lock.owner->name);
  annotate_lock_destroyed(&lock);
  lock.name = nullptr;
}

int ww_mutex_lock(WwMutex& lock, WwAcquireCtx* ctx) { return lock_common(lock, ctx, false); }

int ww_mutex_lock_interruptible(WwMutex& lock, WwAcquireCtx* ctx) {
  return lock_common(lock, ctx, true);
}

void ww_mutex_lock_slow(WwMutex& lock, WwAcquireCtx& ctx) {
  check_slow(ctx);
  lock_common(lock, &ctx, false);
}

int ww_mutex_lock_slow_interruptible(WwMutex& lock, WwAcquireCtx& ctx) {
  check_slow(ctx);
  return lock_common(lock, &ctx, true);
}

bool ww_mutex_trylock(WwMutex& lock, WwAcquireCtx* ctx) {
  check_alive(lock);
  if (ctx != nullptr) check_ctx(*ctx, "ww_mutex_trylock");
  sched::point(sched::Point::kLock, lock.id);
  if (lock.owner != nullptr) return false;
  acquired(lock, ctx);
  lock_acquire(lock.name, LockMode::kTry);
  if (ctx != nullptr) check_waiters(lock, *ctx);
  return true;
}

// Whoever comes first may have it: the first waiter only gets a call.
void ww_mutex_unlock(WwMutex& lock) {
  check_alive(lock);
  if (lock.owner != sched::current() && checks_enabled)
    report(Verdict::kUnlockNotOwner, lock.name, "%s is released by %s but held by %s", lock.name,
           sched::current()->name, lock.owner ? lock.owner->name : "nobody");
  if (lock.ctx != nullptr) {
    --lock.ctx->acquired;
    lock.ctx = nullptr;
  }
  lock_release(lock.name);
  observe_unlocked(lock.name, lock.id);
  annotate_unlocked(&lock);
  lock.owner = nullptr;
  if (lock.waiters != nullptr) sched::wake(*lock.waiters->task);
  sched::point(sched::Point::kUnlock, lock.id);
}

bool ww_mutex_is_locked(const WwMutex& lock) {
  sched::point(sched::Point::kRead, lock.id);
  return lock.owner != nullptr;
}

void lockdep_assert_held(const WwMutex& lock) {
  if (lock.owner != sched::current() && checks_enabled)
    report(Verdict::kWarnOn, lock.name, "%s must be held here", lock.name);
}

}  // namespace kernel
