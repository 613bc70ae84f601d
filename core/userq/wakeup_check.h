// Whether an interrupt left a fence behind that it should have completed.
#pragma once

namespace userq {

struct Queue;

// Whether a fence of the queue is pending. Reports lost-wakeup if the GPU had reached it when an
// interrupt was delivered. Any context, no interrupt of the queue under way.
bool check_pending(Queue& queue);

// The same when the queue's watchdog fires, which would cover it up. Any context, no lock held.
void check_delivered(Queue& queue);

}  // namespace userq
