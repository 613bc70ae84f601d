#include "core/userq/queue.h"

#include <cerrno>

#include "core/kernel/errno.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/reset.h"

namespace userq {

namespace {

constexpr kernel::Holder kWalk{"device-wide walk"};

// The private part of the file that has a queue at or after walk.next, with a reference.
Fpriv* get_next_fpriv(QueueWalk& walk) {
  kernel::XArray& xa = walk.adev.userq_doorbell_xa;
  unsigned long flags;
  kernel::xa_lock_irqsave(xa, flags);
  const Queue* queue = static_cast<Queue*>(kernel::xa_find(xa, &walk.next));
  // A queue that is on its doorbell still holds it.
  if (queue != nullptr) fpriv_get(*queue->fpriv, kWalk);
  Fpriv* fpriv = queue != nullptr ? queue->fpriv : nullptr;
  kernel::xa_unlock_irqrestore(xa, flags);
  return fpriv;
}

// What is at the doorbell now, if it is a queue of this file that has been mapped once: from then
// on it leaves only with userq_mutex held.
Queue* listed_queue(Device& adev, uint64_t doorbell_index, const Fpriv& fpriv) {
  kernel::lockdep_assert_held(fpriv.userq_mgr.userq_mutex);
  kernel::XArray& xa = adev.userq_doorbell_xa;
  unsigned long flags;
  kernel::xa_lock_irqsave(xa, flags);
  Queue* queue = static_cast<Queue*>(kernel::xa_load(xa, doorbell_index));
  if (queue != nullptr && queue->fpriv != &fpriv) queue = nullptr;
  kernel::xa_unlock_irqrestore(xa, flags);
  return queue != nullptr && !kernel::list_empty(queue->mgr_link) ? queue : nullptr;
}

}  // namespace

Queue* queue_get(QueueMgr& userq_mgr, uint32_t id) {
  kernel::xa_lock(userq_mgr.userq_xa);
  Queue* queue = static_cast<Queue*>(kernel::xa_load(userq_mgr.userq_xa, id));
  if (queue != nullptr) kernel::kref_get(queue->refcount, {kUserqIoctl});
  kernel::xa_unlock(userq_mgr.userq_xa);
  return queue;
}

int userq_ioctl(drm::File& file, drm_amdgpu_userq& args) {
  if (!userq_enabled(*to_fpriv(file).userq_mgr.adev)) return -kernel::kEnotsupp;
  switch (args.in.op) {
    case kUserqOpCreate:
      return queue_create(file, args);
    case kUserqOpFree:
      return queue_free(file, args.in);
    default:
      return -EINVAL;
  }
}

Queue* queue_at(Device& adev, uint64_t doorbell_index) {
  unsigned long flags;
  kernel::xa_lock_irqsave(adev.userq_doorbell_xa, flags);
  void* queue = kernel::xa_load(adev.userq_doorbell_xa, doorbell_index);
  kernel::xa_unlock_irqrestore(adev.userq_doorbell_xa, flags);
  return static_cast<Queue*>(queue);
}

Queue* queue_at_or_after(Device& adev, uint64_t* doorbell_index) {
  unsigned long flags;
  kernel::xa_lock_irqsave(adev.userq_doorbell_xa, flags);
  void* queue = kernel::xa_find(adev.userq_doorbell_xa, doorbell_index);
  kernel::xa_unlock_irqrestore(adev.userq_doorbell_xa, flags);
  return static_cast<Queue*>(queue);
}

Queue* queue_walk_next(QueueWalk& walk) {
  for (;;) {
    if (walk.fpriv != nullptr) {
      kernel::mutex_unlock(walk.fpriv->userq_mgr.userq_mutex);
      fpriv_put(*walk.fpriv, kWalk);
    }
    walk.fpriv = get_next_fpriv(walk);
    if (walk.fpriv == nullptr) return nullptr;
    kernel::mutex_lock(walk.fpriv->userq_mgr.userq_mutex);
    Queue* queue = listed_queue(walk.adev, walk.next++, *walk.fpriv);
    if (queue != nullptr) return queue;
  }
}

void process_fence_irq(Device& adev, uint32_t doorbell) {
  unsigned long flags;
  kernel::xa_lock_irqsave(adev.userq_doorbell_xa, flags);
  gpu_irq_delivered(adev.gpu, doorbell);
  Queue* queue = static_cast<Queue*>(kernel::xa_load(adev.userq_doorbell_xa, doorbell));
  if (queue != nullptr && fence_driver_process(*queue->fence_drv) >= 0)
    queue_update_hang_detect_work(*queue, true);
  kernel::xa_unlock_irqrestore(adev.userq_doorbell_xa, flags);
}

}  // namespace userq
