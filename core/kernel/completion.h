// Completions: one side waits for an event, the other says that it has happened, in whatever order.
#pragma once

#include <cstdint>

namespace kernel {

struct Completion {
  uint32_t done;     // events that nobody has taken yet; all ones: complete_all() was called
  const char* name;  // of the event, in reports; nullptr: never initialised
};

void init_completion(Completion& x, const char* name);
// One event, which lets one waiter go on. Any context.
void complete(Completion& x);
// From now on nobody waits. Any context.
void complete_all(Completion& x);

// Takes an event; sleeps until there is one. Process context, no spinlock held.
void wait_for_completion(Completion& x);
// Likewise; what is left of the timeout in nanoseconds, at least 1; 0: it is over.
uint64_t wait_for_completion_timeout(Completion& x, uint64_t timeout);
// Takes an event if there is one; does not sleep.
bool try_wait_for_completion(Completion& x);

}  // namespace kernel
