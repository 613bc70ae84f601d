// Reader-writer semaphores: one writer or any number of readers. Process context: taking one may
// sleep.
//
// Fair: who finds somebody waiting waits behind him, so a writer that waits keeps new readers out.
// When the turn comes to a reader, all readers that wait go on together.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

struct RwsemWaiter;

struct RwSemaphore {
  const sched::Context* owner;  // the writer
  const char* name;             // nullptr: never initialised, or destroyed
  uint32_t id;
  uint32_t reader_count;
  sched::Mask readers;   // bit i: context i
  RwsemWaiter* waiters;  // in the order of arrival
};

void init_rwsem(RwSemaphore& sem, const char* name);
// The kernel has no such call; ours finds semaphores that die while held. Called before the memory
// is freed.
void rwsem_destroy(RwSemaphore& sem);

void down_read(RwSemaphore& sem);
void up_read(RwSemaphore& sem);
void down_write(RwSemaphore& sem);
void up_write(RwSemaphore& sem);

// Do not sleep; false: held, or somebody waits.
bool down_read_trylock(RwSemaphore& sem);
bool down_write_trylock(RwSemaphore& sem);

// Held by the running context, for reading or writing.
void lockdep_assert_held(const RwSemaphore& sem);

}  // namespace kernel
