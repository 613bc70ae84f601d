// A fence driver: the timeline of one queue. It owns a seq64 slot that the GPU counts up, and lists
// the queue's fences that wait for the slot to reach their sequence number.
//
// References: one held by the queue, one by each of its fences, and one by each queue that waits
// for this one (first in that queue's fence_drv_xa, then in the fence_drv_array of its next fence).
#pragma once

#include <cstdint>

#include "core/kernel/kref.h"
#include "core/kernel/list.h"
#include "core/kernel/spinlock.h"

namespace userq {

struct Device;
struct Queue;

struct FenceDriver {
  kernel::Kref refcount;
  uint64_t va;         // GPU address of the slot, what userspace gets to wait on
  uint64_t* cpu_addr;  // the slot
  uint64_t context;    // dma_fence context of all fences of this driver
  kernel::SpinLock fence_list_lock;
  kernel::ListHead
      fences;  // pending fences, oldest first; each holds a fence reference. Under fence_list_lock
  Device* adev;
  char timeline_name[16];
  uint64_t completed_at;  // virtual time at which a fence was last completed; for check_watchdog
};

// Roles of those who hold a fence driver.
inline constexpr char kQueueFenceDrv[] = "queue.fence_drv";
inline constexpr char kFenceFenceDrv[] = "userq_fence.fence_drv";
inline constexpr char kQueueFenceDrvXa[] = "fence_drv_xa";
inline constexpr char kFenceDrvArray[] = "fence_drv_array";
// Role of the driver as a holder of fences.
inline constexpr char kDriverFences[] = "fence_drv.fences";

// A driver with one reference, for `holder`, with a zeroed slot and a context of its own. -ENOMEM;
// -ENOSPC: no slot is free. Process context. Mirrors amdgpu_userq_fence_driver_alloc.
int fence_driver_alloc(Device& adev, FenceDriver** out, kernel::Holder holder);
void fence_driver_get(FenceDriver& fence_drv, kernel::Holder holder);
// The last put destroys the driver: must be legal in hard interrupt and softirq.
void fence_driver_put(FenceDriver& fence_drv, kernel::Holder holder);

// The slot's value.
uint64_t fence_driver_read(const FenceDriver& fence_drv);

// Signals the fences that the slot has reached, in order, up to the first that it has not. 0: none
// is left pending; 1: some are; -ENOENT: some are, and none was reached. Any context. Mirrors
// amdgpu_userq_fence_driver_process.
int fence_driver_process(FenceDriver& fence_drv);
// Whether a fence is pending. Any context.
bool fence_driver_pending(FenceDriver& fence_drv);
// The GPU will not get there any more: signals the reached fences, then all others with -ECANCELED.
// Any context. Mirrors amdgpu_userq_fence_driver_force_completion, which leaves the error to the
// last fence only and can strand fences whose sequence number is above the last one's.
void fence_driver_force_completion(FenceDriver& fence_drv);

}  // namespace userq
