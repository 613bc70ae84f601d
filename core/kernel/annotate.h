// What the lock primitives tell TSan: a lock is a mutex to it, whatever it is made of.
#pragma once

#include "core/sched/sanitizer.h"

namespace kernel {

#if defined(FENCEBENCH_TSAN)
// To TSan no lock waits, so that none is part of its lock order: it knows neither tickets nor
// interrupts, and keeps the order from run to run. lockdep.h judges that.
inline constexpr unsigned kTsanLock = __tsan_mutex_try_lock;
#endif

inline void annotate_lock_created([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_create(lock, __tsan_mutex_not_static);
#endif
}
inline void annotate_lock_destroyed([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_destroy(lock, __tsan_mutex_not_static);
#endif
}
inline void annotate_locked([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_pre_lock(lock, kTsanLock);
  __tsan_mutex_post_lock(lock, kTsanLock, 0);
#endif
}
inline void annotate_unlocked([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_pre_unlock(lock, 0);
  __tsan_mutex_post_unlock(lock, 0);
#endif
}
// Held together with other readers.
inline void annotate_read_locked([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_pre_lock(lock, __tsan_mutex_read_lock | kTsanLock);
  __tsan_mutex_post_lock(lock, __tsan_mutex_read_lock | kTsanLock, 0);
#endif
}
inline void annotate_read_unlocked([[maybe_unused]] void* lock) {
#if defined(FENCEBENCH_TSAN)
  __tsan_mutex_pre_unlock(lock, __tsan_mutex_read_lock);
  __tsan_mutex_post_unlock(lock, __tsan_mutex_read_lock);
#endif
}
using sched::tsan_acquire;
using sched::tsan_release;

}  // namespace kernel
