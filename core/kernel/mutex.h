// Mutexes. Process context only: taking one may sleep.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

struct Mutex {
  const sched::Context* owner;
  const char* name;  // nullptr: never initialised, or destroyed
  uint32_t id;
};

void mutex_init(Mutex& mutex, const char* name);
void mutex_destroy(Mutex& mutex);
void mutex_lock(Mutex& mutex);
// 0, or -EINTR: it would have had to wait, and a signal is pending.
int mutex_lock_interruptible(Mutex& mutex);
// Does not sleep.
bool mutex_trylock(Mutex& mutex);
void mutex_unlock(Mutex& mutex);
void lockdep_assert_held(const Mutex& mutex);

}  // namespace kernel
