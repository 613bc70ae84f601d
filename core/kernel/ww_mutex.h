// Wait-die mutexes: any number of locks of one class, taken in any order without deadlock, by tasks
// that hold a ticket. The older ticket waits; the younger one that would wait for it backs off.
// Process context.
//
//   WwAcquireCtx ctx;
//   ww_acquire_init(ctx, cls);
//   error = ww_mutex_lock(a, &ctx);
//   error = ww_mutex_lock(b, &ctx);    // -EDEADLK: unlock a, ww_mutex_lock_slow(b, ctx), lock a
//   again ww_acquire_done(ctx);              // all that is needed is locked
//   ... ww_mutex_unlock(a); ww_mutex_unlock(b);
//   ww_acquire_fini(ctx);
//
// Without a ticket a ww mutex is an ordinary mutex.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

// Locks that may be taken together. Only the order of stamps counts.
struct WwClass {
  const char* name;                             // of its locks
  uint64_t stamp = 0;                           // the youngest ticket's
  const char* acquire_name = "ww_acquire_ctx";  // of its tickets, in reports of lock order
};

struct WwMutex;

struct WwAcquireCtx {
  const sched::Context* task;
  WwClass* ww_class;
  uint64_t stamp;       // smaller: older
  uint32_t acquired;    // locks held
  bool done;            // no further lock is allowed
  WwMutex* contending;  // the lock that gave -EDEADLK; the next one to take
};

struct WwWaiter;

struct WwMutex {
  const sched::Context* owner;
  WwAcquireCtx* ctx;  // of the owner, nullptr: locked without
  const char* name;   // nullptr: never initialised, or destroyed
  uint32_t id;
  WwClass* ww_class;
  WwWaiter* waiters;  // those with a ticket by its age, those without in the order of arrival
};

void ww_acquire_init(WwAcquireCtx& ctx, WwClass& ww_class);
void ww_acquire_done(WwAcquireCtx& ctx);
// All locks are released.
void ww_acquire_fini(WwAcquireCtx& ctx);

void ww_mutex_init(WwMutex& lock, WwClass& ww_class);
void ww_mutex_destroy(WwMutex& lock);

// 0; -EALREADY: `ctx` holds it; -EDEADLK: back off. The interruptible one: -EINTR. `ctx` may be
// nullptr: 0 or -EINTR only.
int ww_mutex_lock(WwMutex& lock, WwAcquireCtx* ctx);
int ww_mutex_lock_interruptible(WwMutex& lock, WwAcquireCtx* ctx);
// The lock that gave -EDEADLK, once `ctx` holds none. The interruptible one: 0 or -EINTR.
void ww_mutex_lock_slow(WwMutex& lock, WwAcquireCtx& ctx);
int ww_mutex_lock_slow_interruptible(WwMutex& lock, WwAcquireCtx& ctx);
// Does not sleep.
bool ww_mutex_trylock(WwMutex& lock, WwAcquireCtx* ctx);
void ww_mutex_unlock(WwMutex& lock);

bool ww_mutex_is_locked(const WwMutex& lock);
void lockdep_assert_held(const WwMutex& lock);

}  // namespace kernel
