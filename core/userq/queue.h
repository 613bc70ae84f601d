// User queues and their manager.
//
// A queue can be found by its id (ioctls take a reference), in its manager's list (whoever brings
// all queues of a file on or off the GPU) and by its doorbell (interrupts, resets, and whoever
// stops all queues of the device). A queue is on the hardware only while it is in the list and on
// its doorbell, and the last reference drops out of both before anything of it goes.
#pragma once

#include <cstdint>

#include "core/drm/file.h"
#include "core/kernel/mutex.h"
#include "core/kernel/workqueue.h"
#include "core/kernel/xarray.h"
#include "core/userq/uapi_userq.h"
#include "core/userq/userq_fence.h"

namespace userq {

struct Bo;
struct Device;
struct Fpriv;
struct Mqd;

inline constexpr uint32_t kMaxUserqCount = 512;  // ids 1..512

enum class QueueState : uint8_t { kUnmapped, kMapped, kPreempted, kHung, kInvalidVa };

struct QueueMgr {
  kernel::XArray userq_xa;      // id -> Queue
  kernel::Mutex userq_mutex;    // queues, their states and last fences
  kernel::ListHead queues;      // Queue::mgr_link: all that may be mapped. Under userq_mutex
  int userq_count[kHwIpCount];  // of `queues` by engine; atomic
  kernel::DelayedWork resume_work;
  kernel::Work reset_work;
  bool resume_gave_up;  // for check_invariants: the last resume found memory of the process gone
  Device* adev;
};

struct Queue {
  kernel::Kref refcount;
  kernel::ListHead mgr_link;  // not in the list until it is mapped first
  uint32_t queue_type;        // kHwIp...
  QueueState state;           // see queue_state.h
  uint32_t doorbell_index;
  uint64_t queue_va;  // ring
  uint64_t queue_size;
  uint64_t rptr_va;
  uint64_t wptr_va;
  Bo* db_obj;                   // the doorbell's; holds a reference and a pin
  Mqd* mqd;                     // nullptr: creation has not come so far, as above
  Fpriv* fpriv;                 // holds a reference
  QueueMgr* userq_mgr;          // of fpriv
  FenceDriver* fence_drv;       // holds a reference
  kernel::XArray fence_drv_xa;  // drivers of queues that this one waits for; holds their references
  kernel::Mutex fence_drv_lock;  // fence_drv_xa; a leaf
  dma::Fence* last_fence;        // holds a reference; under userq_mutex
  kernel::DelayedWork hang_detect_work;
};

// Roles of those who hold a queue.
inline constexpr char kUserqXa[] = "userq_xa";
inline constexpr char kUserqIoctl[] = "running userq ioctl";
// Role of a queue that holds a buffer object.
inline constexpr char kQueueDbObj[] = "queue.db_obj";

inline kernel::Holder queue_holds(const Queue& queue, const char* role) {
  return {role, queue.refcount.object};
}

// The queue with this id, with a reference; nullptr: none. Mirrors amdgpu_userq_get.
Queue* queue_get(QueueMgr& userq_mgr, uint32_t id);
// The last put destroys the queue: waits for its fences, takes it off the GPU. Process context, no
// lock held; who must hold a lock holds the file's private part instead (QueueWalk). Mirrors
// amdgpu_userq_put and amdgpu_userq_destroy.
void queue_put(Queue& queue, const char* role);

// Op CREATE or FREE. 0 or -errno; spec: behaviour 1.10. Of the firmware: -ETIMEDOUT, no answer;
// -ECANCELED, the GPU lost its VRAM while the queue was created. Mirrors amdgpu_userq_ioctl.
int userq_ioctl(drm::File& file, drm_amdgpu_userq& args);
// The two. Mirror amdgpu_userq_create and the branch of the ioctl.
int queue_create(drm::File& file, drm_amdgpu_userq& args);
int queue_free(drm::File& file, const drm_amdgpu_userq_in& in);

// The queue on a doorbell, nullptr: none. It stays for who holds the lock of userq_doorbell_xa, the
// write side of the reset semaphore, or the userq_mutex of the queue's manager.
Queue* queue_at(Device& adev, uint64_t doorbell_index);
// The first one at or after *doorbell_index; updates that.
Queue* queue_at_or_after(Device& adev, uint64_t* doorbell_index);

// Walks all queues of the device that may be mapped, one by one, each with the userq_mutex of its
// manager held. Holds the private part of the file, not the queue: that keeps the mutex alive, the
// mutex keeps the queue, and no queue is destroyed by the walk. (Upstream walks with neither.)
// Process context, no lock held that comes after userq_mutex:
//   QueueWalk walk{.adev = adev};
//   while (Queue* queue = queue_walk_next(walk)) { ... }
struct QueueWalk {
  Device& adev;
  uint64_t next = 0;       // doorbell index
  Fpriv* fpriv = nullptr;  // of the present queue; locked, holds a reference
};
Queue* queue_walk_next(QueueWalk& walk);

// The interrupt of a doorbell: completes what the queue has reached. Hard interrupt.
// Mirrors amdgpu_userq_process_fence_irq.
void process_fence_irq(Device& adev, uint32_t doorbell);

}  // namespace userq
