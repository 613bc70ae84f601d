#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/mes.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"

namespace userq {

namespace {

// Off the hardware, the doorbell and the list. What the firmware does not let go of a reset takes
// from it.
void detach(Queue& queue) {
  QueueMgr& userq_mgr = *queue.userq_mgr;
  for (;;) {
    kernel::mutex_lock(userq_mgr.userq_mutex);
    const int error = queue_detach(queue);
    if (error == 0) break;
    kernel::mutex_unlock(userq_mgr.userq_mutex);
    kernel::flush_work(userq_mgr.reset_work);
  }
  if (!kernel::list_empty(queue.mgr_link)) {
    kernel::list_del_init(queue.mgr_link);
    kernel::atomic_add_return(-1, userq_mgr.userq_count[queue.queue_type]);
  }
  kernel::mutex_unlock(userq_mgr.userq_mutex);
}

// Mirrors amdgpu_userq_fence_driver_free: the queue's part in fences ends.
void fence_driver_free(Queue& queue) {
  dma::fence_put(queue.last_fence, queue_holds(queue, kQueueLastFence));
  queue.last_fence = nullptr;
  uint64_t index;
  FenceDriver* waited_for;
  kernel::xa_lock(queue.fence_drv_xa);
  xa_for_each(queue.fence_drv_xa, index, waited_for) {
    kernel::xa_erase_locked(queue.fence_drv_xa, index);
    fence_driver_put(*waited_for, queue_holds(queue, kQueueFenceDrvXa));
  }
  kernel::xa_unlock(queue.fence_drv_xa);
  kernel::xa_destroy(queue.fence_drv_xa);
  kernel::mutex_destroy(queue.fence_drv_lock);
  fence_driver_put(*queue.fence_drv, queue_holds(queue, kQueueFenceDrv));
}

void put_doorbell(Queue& queue) {
  if (queue.db_obj == nullptr) return;
  bo_reserve(*queue.db_obj, false);
  bo_unpin(*queue.db_obj);
  bo_unreserve(*queue.db_obj);
  bo_put(queue.db_obj, queue_holds(queue, kQueueDbObj));
}

// Mirrors amdgpu_userq_destroy. The order: wait for the GPU while the watchdog can still help; the
// hardware; the watchdog, which no interrupt can arm now; what the interrupt has not completed,
// because the last fence was polled or is not the one with the largest sequence number; the rest.
// The resume work stays: the file's other queues may need it.
void destroy(kernel::Kref& kref) {
  Queue& queue = *container_of(&kref, Queue, refcount);
  Device& adev = *queue.userq_mgr->adev;
  if (queue.last_fence != nullptr) dma::fence_wait(*queue.last_fence, false);
  detach(queue);
  kernel::cancel_delayed_work_sync(queue.hang_detect_work);
  fence_driver_force_completion(*queue.fence_drv);
  fence_driver_free(queue);
  if (queue.mqd != nullptr) adev.userq_funcs[queue.queue_type]->mqd_destroy(queue);
  put_doorbell(queue);
  fpriv_put(*queue.fpriv, queue_holds(queue, kQueueFpriv));
  kernel::kfree(&queue);
  pm_runtime_put(adev);
}

}  // namespace

void queue_put(Queue& queue, const char* role) {
  kernel::kref_put(queue.refcount, {role}, destroy);
}

int queue_free(drm::File& file, const drm_amdgpu_userq_in& in) {
  if (in.ip_type != 0 || in.doorbell_handle != 0 || in.doorbell_offset != 0 || in.flags != 0 ||
      in.queue_va != 0 || in.queue_size != 0 || in.rptr_va != 0 || in.wptr_va != 0 || in.mqd != 0 ||
      in.mqd_size != 0)
    return -EINVAL;
  Queue* queue =
      static_cast<Queue*>(kernel::xa_erase(to_fpriv(file).userq_mgr.userq_xa, in.queue_id));
  if (queue == nullptr) return -ENOENT;
  queue_put(*queue, kUserqXa);
  return 0;
}

}  // namespace userq
