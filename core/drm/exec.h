// drm_exec: locks any number of buffer objects with one ww ticket. When a lock is contended, all
// are dropped and the caller's loop starts over with the contended one locked first.
//
//   drm::Exec exec;
//   drm::exec_init(exec, drm::kExecInterruptibleWait);
//   int error = 0;
//   drm_exec_until_all_locked(exec) {
//     error = drm::exec_prepare_obj(exec, obj, 1);
//     drm_exec_retry_on_contention(exec);   // directly in the loop's body
//     if (error != 0) break;
//   }
//   ...
//   drm::exec_fini(exec);                   // unlocks all
//
// Process context; an Exec belongs to one task.
#pragma once

#include <cstdint>

#include "core/drm/gem.h"

namespace drm {

// Flags of exec_init().
inline constexpr uint32_t kExecInterruptibleWait = 1u << 0;  // locking may end with -EINTR
inline constexpr uint32_t kExecIgnoreDuplicates = 1u << 1;   // a lock taken twice is no error

struct Exec {
  uint32_t flags;
  kernel::WwAcquireCtx ticket;
  unsigned num_objects;
  unsigned max_objects;
  GemObject** objects;   // locked, each with a reference
  GemObject* contended;  // to be locked first in the next round; holds a reference
  GemObject* prelocked;  // the one that was, until it is asked for; holds a second reference
  bool started;          // the ticket is in use
};

// Roles of an exec context as a holder of objects.
inline constexpr char kExecObjects[] = "drm_exec.objects";
inline constexpr char kExecContended[] = "drm_exec.contended";
inline constexpr char kExecPrelocked[] = "drm_exec.prelocked";

void exec_init(Exec& exec, uint32_t flags);
// Unlocks and puts all objects.
void exec_fini(Exec& exec);
// The head of the loop: true until a round ended without contention. Mirrors drm_exec_cleanup.
bool exec_cleanup(Exec& exec);
inline bool exec_is_contended(const Exec& exec) { return exec.contended != nullptr; }

// Locks an object; before the first one of a round, the contended one. 0; -EDEADLK: contended, go
// round again; -EALREADY: its lock is held already, unless duplicates are ignored; -EINTR; -ENOMEM.
// Mirrors drm_exec_lock_obj.
int exec_lock_obj(Exec& exec, GemObject& obj);
// Unlocks an object that was locked. Mirrors drm_exec_unlock_obj.
void exec_unlock_obj(Exec& exec, GemObject& obj);
// Locks an object and reserves slots for fences, at least 1. Mirrors drm_exec_prepare_obj.
int exec_prepare_obj(Exec& exec, GemObject& obj, unsigned num_fences);
// All of an array. An empty array takes the contended lock all the same: a loop of empty and
// non-empty arrays would otherwise go round for ever. Mirrors drm_exec_prepare_array.
int exec_prepare_array(Exec& exec, GemObject* const* objects, unsigned num_objects,
                       unsigned num_fences);

}  // namespace drm

#define drm_exec_until_all_locked(exec) while (::drm::exec_cleanup(exec))
#define drm_exec_retry_on_contention(exec) \
  if (::drm::exec_is_contended(exec)) continue
