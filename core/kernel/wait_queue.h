// Wait queues: tasks that sleep until a condition holds, and whoever may have made it hold wakes
// them all.
#pragma once

#include <cstdint>

#include "core/kernel/errno.h"
#include "core/kernel/task.h"
#include "core/kernel/wait.h"
#include "core/sched/sched.h"

namespace kernel {

// On the stack of who waits.
struct WaitQueueEntry {
  WaitQueueEntry* next;
  const sched::Context* task;
  bool queued;
};

struct WaitQueueHead {
  WaitQueueEntry* first;
  const char* name;  // of what is waited for, in reports; nullptr: never initialised
};

void init_waitqueue_head(WaitQueueHead& head, const char* name);
// Any context. Nobody waits exclusively, so both wake all.
void wake_up(WaitQueueHead& head);
void wake_up_all(WaitQueueHead& head);
// Whether somebody waits.
bool waitqueue_active(const WaitQueueHead& head);

// Announces a sleep: a wake-up after this makes schedule_timeout() return at once. Whoever looks at
// the condition after this misses no wake-up. All that was done before earlier wake-ups is seen.
void prepare_to_wait(WaitQueueHead& head, WaitQueueEntry& entry);
void finish_wait(WaitQueueHead& head, WaitQueueEntry& entry);

// Sleeps until condition() is true; with the timeout in nanoseconds, or until that is over: what is
// left of it, at least 1 if the condition is true, 0 if it is not. The interruptible one:
// -ERESTARTSYS if it would have to wait and a signal is pending. The condition is asked in the
// caller's context and may use locks. Process context, no spinlock held.
template <typename Condition>
inline int64_t wait_event_common(WaitQueueHead& head, Condition&& condition, bool interruptible,
                                 uint64_t timeout) {
  might_sleep(head.name);
  if (condition()) return timeout > 0 ? static_cast<int64_t>(timeout) : 1;
  WaitQueueEntry entry{};
  int64_t left = static_cast<int64_t>(timeout);
  for (;;) {
    prepare_to_wait(head, entry);
    if (condition()) {
      if (left == 0) left = 1;
      break;
    }
    if (left == 0) break;
    if (interruptible && signal_pending()) {
      left = -kErestartsys;
      break;
    }
    left = static_cast<int64_t>(schedule_timeout(head.name, static_cast<uint64_t>(left)));
  }
  finish_wait(head, entry);
  return left;
}

template <typename Condition>
inline void wait_event(WaitQueueHead& head, Condition&& condition) {
  wait_event_common(head, condition, false, kMaxScheduleTimeout);
}
template <typename Condition>
inline int64_t wait_event_timeout(WaitQueueHead& head, Condition&& condition, uint64_t timeout) {
  return wait_event_common(head, condition, false, timeout);
}
template <typename Condition>
inline int64_t wait_event_interruptible_timeout(WaitQueueHead& head, Condition&& condition,
                                                uint64_t timeout) {
  return wait_event_common(head, condition, true, timeout);
}

}  // namespace kernel
