// Taking the queues of a file off the GPU and bringing them back.
#pragma once

#include "core/kernel/workqueue.h"

namespace userq {

struct Fpriv;
struct QueueMgr;

// The kernel's queue for works that need none of their own.
extern kernel::Workqueue system_wq;

// Makes sure that the queues may run and that the eviction fence is armed, bringing the queues back
// if need be, and returns 0 with userq_mutex held: until it is released the fence stays armed.
// -ENOMEM, without it: a round of bringing them back did not get anywhere. Upstream goes round for
// ever (posted fix: bounded). Process context, no reservation held: waits for the suspend and the
// resume work. Mirrors amdgpu_userq_ensure_ev_fence.
int ensure_ev_fence(Fpriv& fpriv);

// The body of EvictionFenceMgr::suspend_work: waits for the fences of the mapped queues, unmaps
// them, signals the eviction fence, schedules the resume.
//
// Nothing but the unmapping is done with userq_mutex held. The wait is not, because a queue that
// hangs is completed by a reset, which takes that mutex; the queues that are not mapped are not
// waited for, because they do not progress. Nor is the reset itself, which takes off the GPU what
// could not be unmapped. Upstream waits and flushes the reset with the mutex held, within the
// signalling section. Mirrors amdgpu_eviction_fence_suspend_worker and amdgpu_userq_evict.
void suspend_worker(kernel::Work& work);

// The body of QueueMgr::resume_work: validates the buffers, rearms, maps the queues, all within the
// reservations. Nothing if the fence is armed. A queue lives on only if all of its addresses are
// still mapped (upstream: any). Out of memory, it comes back after a while; if memory of the
// process is gone, it leaves the queues unmapped until ensure_ev_fence() tries again. Mirrors
// amdgpu_userq_restore_worker, which maps after it has released the reservations, and then also
// maps queues whose eviction fence has been signaled meanwhile.
void restore_worker(kernel::Work& work);

// Brings the queues back soon; nothing if the file is being closed. Any context.
void schedule_resume(QueueMgr& userq_mgr);

}  // namespace userq
