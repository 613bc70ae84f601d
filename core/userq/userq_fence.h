// A fence of a user queue: complete when the queue's fence slot has reached its sequence number.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"
#include "core/userq/fence_driver.h"

namespace userq {

struct UserqFence {
  dma::Fence base;
  kernel::SpinLock lock;   // lent to `base`
  kernel::ListHead link;   // in fence_drv->fences while pending
  FenceDriver* fence_drv;  // holds a reference
  // References to other queues' drivers, inherited from the queue's fence_drv_xa. They keep those
  // slots alive until this fence is complete, since the GPU reads them before. Dropped by whoever
  // completes it.
  FenceDriver** fence_drv_array;
  uint32_t fence_drv_array_count;
};

// Roles of those who hold a userq fence.
inline constexpr char kQueueLastFence[] = "queue.last_fence";

// The UserqFence behind a fence, or nullptr if it is somebody else's. Mirrors
// to_amdgpu_userq_fence.
UserqFence* to_userq_fence(dma::Fence& fence);
// The same for a checker that must leave the run as it is: no scheduling point.
UserqFence* peek_userq_fence(dma::Fence& fence);

// A fence that is not initialised yet, but has taken over everything in the queue's fence_drv_xa.
// -ENOMEM: the xarray keeps its entries. Process context. Mirrors amdgpu_userq_fence_alloc.
int userq_fence_alloc(Queue& queue, UserqFence** out);
// The end of one that is never initialised: drops what it has taken over. Process context. Mirrors
// amdgpu_userq_fence_free.
void userq_fence_free(Queue& queue, UserqFence& fence);

// Starts the fence's life with one reference, for `creator`: it takes one of the queue's driver and
// becomes the queue's last fence and, unless the GPU is past `seqno` already, pending. On a queue
// that is HUNG or INVALID_VA it completes with -ECANCELED at once; upstream leaves it pending for
// good. userq_mutex held. Mirrors amdgpu_userq_fence_init.
void userq_fence_init(Queue& queue, UserqFence& fence, uint64_t seqno, kernel::Holder creator);

// Drops the inherited references. No lock held that destroying a driver needs. Any context.
void userq_fence_put_fence_drv_array(UserqFence& fence);

// Signals the fence: with an error, unless it is signaled already or the GPU has reached it. Any
// context.
void userq_fence_cancel(UserqFence& fence, int error);

}  // namespace userq
