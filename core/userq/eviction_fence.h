// The eviction fence of a file: an unsignaled fence on all of its buffers. Whoever wants to move
// one of them waits for it, and that makes the driver take the file's queues off the GPU; then the
// fence is signaled. When the queues come back, a new one takes its place (rearm).
//
// Holds at any time: when the present fence is signaled, no queue of the file is mapped.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"
#include "core/drm/exec.h"
#include "core/kernel/workqueue.h"

namespace userq {

struct Bo;

struct EvictionFenceMgr {
  uint64_t ev_fence_ctx;
  uint64_t ev_fence_seq;  // of the last fence; atomic
  dma::Fence* ev_fence;   // RCU; holds a reference; the global stub before the first rearm
  kernel::Work suspend_work;
  bool shutdown;  // atomic: no resume follows a suspend any more
};

inline constexpr char kEvfMgr[] = "evf_mgr.ev_fence";

void evf_mgr_init(EvictionFenceMgr& evf_mgr);
// The present fence, with a reference. Any context. Mirrors amdgpu_evf_mgr_get_fence.
dma::Fence* evf_mgr_get_fence(EvictionFenceMgr& evf_mgr, kernel::Holder holder);
// Whether the queues may run: the present fence is not signaled. Any context; stays true for who
// holds userq_mutex.
bool evf_mgr_is_armed(EvictionFenceMgr& evf_mgr);
// Memory for the next fence, or nullptr. userq_mutex not held: reclaiming memory may have to wait
// for an eviction, which takes it.
struct EvictionFence;
EvictionFence* evf_mgr_alloc_fence();
// The new fence takes the place of the signaled one and goes onto every object locked in `exec`;
// the objects are validated and have a slot reserved, so nothing can fail. Publishes the new fence
// before it puts the old one; upstream does it the other way round. By the resume worker alone.
// Mirrors amdgpu_evf_mgr_rearm.
void evf_mgr_rearm(EvictionFenceMgr& evf_mgr, drm::Exec& exec, EvictionFence& ev_fence);
// Validates an object and puts the present fence onto it; nothing if that is signaled: the next
// rearm will do it. Reserved, with a slot, and the root, too. 0 or -ENOMEM. Mirrors
// amdgpu_evf_mgr_attach_fence.
int evf_mgr_attach_fence(EvictionFenceMgr& evf_mgr, Bo& bo);
// Takes the fences of this manager off an object that is reserved. Mirrors
// amdgpu_evf_mgr_detach_fence.
void evf_mgr_detach_fence(EvictionFenceMgr& evf_mgr, Bo& bo);

// The end, in this order; process context.
// From here on a suspend is not followed by a resume. Mirrors amdgpu_evf_mgr_shutdown.
void evf_mgr_shutdown(EvictionFenceMgr& evf_mgr);
bool evf_mgr_is_shutdown(const EvictionFenceMgr& evf_mgr);
// Makes the queues leave the GPU and waits for it; nothing runs afterwards. The resume work is
// cancelled. Mirrors amdgpu_evf_mgr_flush_suspend.
void evf_mgr_flush_suspend(EvictionFenceMgr& evf_mgr);
// Puts the fence.
void evf_mgr_fini(EvictionFenceMgr& evf_mgr);

}  // namespace userq
