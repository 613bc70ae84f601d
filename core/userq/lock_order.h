// What the driver says of its locks, for the lock checker: with it one wrong order, or one wrong
// context, is enough for a finding, whether or not the right one was seen before.
#pragma once

namespace userq {

// Outer to inner:
//   resume_work, suspend_work   where their end is waited for
//   the reservations
//   waiting for a fence
//   userq_mutex
//   reset_domain.sem
//   the lock of userq_doorbell_xa
//   fence_list_lock
//   the lock of a userq fence
// No fence is waited for with userq_mutex held: the suspend worker needs it to signal the eviction
// fence, and a reset to complete the fences of a queue that hangs. (Upstream waits there, and its
// resets take no lock.) For the same reason suspend_work comes before reset_work, which it waits
// for, and that before userq_mutex.
//
// Called before a run; the first call counts, the others do nothing.
void declare_lock_order();

}  // namespace userq
