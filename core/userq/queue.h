// User queues and their manager: create, free, destroy, and the watchdog of fences that never
// complete.
#pragma once

#include <cstdint>

#include "core/drm/file.h"
#include "core/kernel/mutex.h"
#include "core/kernel/workqueue.h"
#include "core/kernel/xarray.h"
#include "core/userq/uapi_userq.h"
#include "core/userq/userq_fence.h"
#include "core/userq/vm.h"

namespace userq {

struct Device;

inline constexpr uint32_t kMaxUserqCount = 512;  // ids 1..512

enum class QueueState : uint8_t { kUnmapped, kMapped, kHung };

struct QueueMgr {
  kernel::XArray userq_xa;      // id -> Queue
  kernel::Mutex userq_mutex;    // queue states, last_fence
  int userq_count[kHwIpCount];  // mapped queues by engine; atomic
  Device* adev;
};

// The driver's private part of a file (amdgpu_fpriv). Each queue holds a reference: a queue can
// outlive the file.
struct Fpriv {
  kernel::Kref refcount;
  QueueMgr userq_mgr;
  Vm vm;
};

struct Queue {
  kernel::Kref refcount;
  uint32_t queue_type;  // kHwIp...
  QueueState state;     // under userq_mutex
  uint32_t doorbell_index;
  uint64_t wptr_va;
  uint64_t flags;
  void* mqd;
  Fpriv* fpriv;                 // holds a reference
  QueueMgr* userq_mgr;          // of fpriv
  FenceDriver* fence_drv;       // holds a reference
  kernel::XArray fence_drv_xa;  // drivers of queues that this one waits for; holds their references
  kernel::Mutex fence_drv_lock;  // fence_drv_xa; a leaf
  dma::Fence* last_fence;        // holds a reference; under userq_mutex
  kernel::DelayedWork hang_detect_work;
};

// Roles of those who hold a queue or an fpriv.
inline constexpr char kUserqXa[] = "userq_xa";
inline constexpr char kUserqIoctl[] = "running userq ioctl";
inline constexpr char kQueueFpriv[] = "queue.fpriv";
inline constexpr char kFileFpriv[] = "file.driver_priv";

inline kernel::Holder queue_holds(const Queue& queue, const char* role) {
  return {role, queue.refcount.object};
}

// The queue with this id, with a reference; nullptr: none. Mirrors amdgpu_userq_get.
Queue* queue_get(QueueMgr& userq_mgr, uint32_t id);
// The last put destroys the queue, which waits for its fences. Process context, no lock held.
void queue_put(Queue& queue, const char* role);

// Op CREATE or FREE. 0 or -errno; spec: behaviour 1.10. Mirrors amdgpu_userq_ioctl.
int userq_ioctl(drm::File& file, drm_amdgpu_userq& args);

// Arms the watchdog, unless it is armed already. Any context.
void queue_start_hang_detect_work(Queue& queue);

// The interrupt of a doorbell: completes what the queue has reached. Hard interrupt.
// Mirrors amdgpu_userq_process_fence_irq.
void process_fence_irq(Device& adev, uint32_t doorbell);

// Private part of a new file; -ENOMEM.
int fpriv_open(Device& adev, drm::File& file);
Fpriv& to_fpriv(drm::File& file);

}  // namespace userq
