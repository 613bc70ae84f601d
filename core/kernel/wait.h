// Sleeping until somebody wakes us: the pattern of set_current_state() and schedule_timeout().
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

// Time in nanoseconds. Waiting for kMaxScheduleTimeout never times out.
inline constexpr uint64_t kMaxScheduleTimeout = INT64_MAX;
inline constexpr uint64_t kSecond = 1'000'000'000;

// Announces a sleep; a wake-up after this makes schedule_timeout() return at once.
void set_current_state();
// Sleeps until wake_up_process() or until `timeout` is over; returns what is left of it, 0: it is
// over. `what` names the event in reports. Process context, no spinlock held.
uint64_t schedule_timeout(const char* what, uint64_t timeout);
void wake_up_process(const sched::Context& context);
// Whether a signal is pending for the running task.
bool signal_pending();

}  // namespace kernel
