// What a run does, as events, for whoever looks: the trace a person reads, the fuzzer's feedback.
// An observer only looks: with or without one a run is the same.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace sched {

enum class EventKind : uint8_t {
  kPoint,     // a scheduling point: `point`, `object`
  kSwitch,    // `context` goes on; `other` ran before, kContexts: nobody
  kPreempt,   // the `object`-th decision takes effect; `value` is its Target
  kIrqEnter,  // `context` begins to run on top of `other` (kContexts: on an idle CPU)
  kIrqExit,   // and ends
  kStart,     // `context` begins a job
  kEnd,       // and ends it
  kBlock,     // waits for `what`, which `other` holds (kContexts: nobody)
  kWake,      // `context` may go on; `other` woke it (kContexts: a timer)
  kTime,      // time moves to `value` nanoseconds
  kLock,      // holds the lock `what` from here on
  kUnlock,    // and no longer
  kGet,       // the ledger: a reference to object `object` of type `what`, held by `role`
              // of object `value` (0: of none)
  kPut,       // likewise
  kMove,      // likewise, to that holder; from `from_role` of object `from_object`
  kOpen,      // the object begins, with a first reference as in kGet
  kClose,     // the last reference is gone
  kState,     // an object of class `what` goes from state `role` to another one, `from_role` before
  kOperation,  // an operation begins; context.tag names it
  kResult,     // and returns `value`
};

struct Event {
  EventKind kind;
  Point point = Point::kStep;
  uint8_t context = kContexts;  // whom it is about; mostly the one that runs
  uint8_t other = kContexts;
  uint32_t tag = 0;  // the operation the context works for
  uint32_t object = 0;
  const char* what = nullptr;
  const char* role = nullptr;
  const char* from_role = nullptr;
  uint32_t from_object = 0;
  int64_t value = 0;
};

using Observer = void (*)(const Event& event);

// nullptr: nobody looks. `kinds`: which events it wants, bit i for kind i. Set it between runs.
void set_observer(Observer observer, uint32_t kinds = ~uint32_t{0});
inline constexpr uint32_t bit(EventKind kind) { return 1u << static_cast<unsigned>(kind); }

extern uint32_t observed_kinds;
inline bool observed(EventKind kind) {
  return __builtin_expect((observed_kinds & bit(kind)) != 0, 0);
}
// Call it if observed(event.kind). `context` and `tag` are filled in from the running context.
void observe(Event event);

}  // namespace sched
