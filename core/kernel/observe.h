// What the kernel and the driver tell the observer of a run (core/sched/observer.h). Without an
// observer each call costs one branch.
#pragma once

#include <cstdint>

#include "core/sched/observer.h"

namespace kernel {

// Out of line, so that no instrumented file builds an event.
void emit(sched::EventKind kind, uint32_t object, const char* what, const char* role,
          const char* from_role, uint32_t from_object, int64_t value);

// The running context has the lock now, or is about to give it up. `role`: "shared" for a reader.
inline void observe_locked(const char* name, uint32_t id, const char* role = nullptr) {
  if (sched::observed(sched::EventKind::kLock))
    emit(sched::EventKind::kLock, id, name, role, nullptr, 0, 0);
}
inline void observe_unlocked(const char* name, uint32_t id, const char* role = nullptr) {
  if (sched::observed(sched::EventKind::kUnlock))
    emit(sched::EventKind::kUnlock, id, name, role, nullptr, 0, 0);
}

// `object`, of this class of state machines, goes from one state to another. Names are literals.
inline void observe_state(const char* object_class, uint32_t object, const char* from,
                          const char* to, int64_t error = 0) {
  if (sched::observed(sched::EventKind::kState))
    emit(sched::EventKind::kState, object, object_class, to, from, 0, error);
}

// The operation of the running context's tag begins; it has returned `result`.
inline void observe_operation() {
  if (sched::observed(sched::EventKind::kOperation))
    emit(sched::EventKind::kOperation, 0, nullptr, nullptr, nullptr, 0, 0);
}
inline void observe_result(int64_t result) {
  if (sched::observed(sched::EventKind::kResult))
    emit(sched::EventKind::kResult, 0, nullptr, nullptr, nullptr, 0, result);
}

}  // namespace kernel
