// The states of a queue and the firmware requests that lead from one to another.
//
// The state is read and changed under userq_mutex and the read side of the reset semaphore, or
// under its write side alone: so a reset keeps everybody out at once, and takes no mutex within the
// semaphore, where that would be the wrong order. (Upstream changes it under userq_mutex and, in a
// reset, under no lock.) Everything here wants userq_mutex held, takes the read side itself, and
// does not sleep otherwise; queue_set_hung() wants the write side.
//
// A request from a state that it does not start from does nothing and succeeds. One that fails
// makes the queue HUNG and returns the error: -ETIMEDOUT, no answer; -ECANCELED, the queue was lost
// with the VRAM. If the hardware may still have the queue, a reset is scheduled.
#pragma once

#include "core/userq/queue.h"

namespace userq {

QueueState queue_state(Queue& queue);
// The state is `next` from here on; takes no lock.
void queue_set_state(Queue& queue, QueueState next);
// HUNG or INVALID_VA: not on the hardware, and nothing completes its fences but force completion.
bool queue_is_dead(Queue& queue);

// UNMAPPED -> MAPPED. Stays UNMAPPED if it must not run: the eviction fence is signaled, or the
// device is suspended, or the engine is halted. Mirrors amdgpu_userq_map_helper.
int queue_map(Queue& queue);
// MAPPED, PREEMPTED -> UNMAPPED. A HUNG queue stays HUNG; 0 means that the hardware has let go of
// it all the same. Mirrors amdgpu_userq_unmap_helper.
int queue_unmap(Queue& queue);
// MAPPED -> PREEMPTED. Mirrors amdgpu_userq_preempt_helper.
int queue_preempt(Queue& queue);
// PREEMPTED -> MAPPED, unless it must not run, as above. Mirrors amdgpu_userq_restore_helper.
int queue_restore(Queue& queue);
// Whichever of restore and map it needs.
int queue_resume(Queue& queue);

// What the queue lives in is not mapped any more: it will never run again. It is off the hardware.
void queue_invalidate(Queue& queue);
// The end: unmaps the queue and takes it out of userq_doorbell_xa, in one step as seen by a reset
// or by the next queue on this doorbell. An error: it is still there, and a reset is scheduled.
// With gpu_recovery off it goes in any case.
int queue_detach(Queue& queue);

// A reset has taken the queue off the hardware: it is HUNG, its fences complete with -ECANCELED.
void queue_set_hung(Queue& queue);

}  // namespace userq
