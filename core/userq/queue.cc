#include "core/userq/queue.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"

namespace userq {

namespace {

QueueMgr& mgr_of(Queue& queue) { return *queue.userq_mgr; }

// --- the private part of a file ---

void fpriv_release(kernel::Kref& kref) {
  Fpriv& fpriv = *container_of(&kref, Fpriv, refcount);
  kernel::xa_destroy(fpriv.userq_mgr.userq_xa);
  kernel::mutex_destroy(fpriv.userq_mgr.userq_mutex);
  vm_fini(fpriv.vm);
  kernel::kfree(&fpriv);
}

void fpriv_put(Fpriv& fpriv, kernel::Holder holder) {
  kernel::kref_put(fpriv.refcount, holder, fpriv_release);
}

// Mirrors amdgpu_userq_mgr_fini: every queue loses its id; those that nobody uses are destroyed
// now.
void driver_release(drm::File& file) {
  Fpriv& fpriv = to_fpriv(file);
  uint64_t id;
  Queue* queue;
  xa_for_each(fpriv.userq_mgr.userq_xa, id, queue) {
    if (kernel::xa_erase(fpriv.userq_mgr.userq_xa, id) == queue) queue_put(*queue, kUserqXa);
  }
  fpriv_put(fpriv, {kFileFpriv, drm::file_object(file)});
}

// --- mapping; userq_mutex held ---

void map(Queue& queue) {
  kernel::lockdep_assert_held(mgr_of(queue).userq_mutex);
  gpu_map_queue(mgr_of(queue).adev->gpu, queue.doorbell_index, queue.fence_drv->cpu_addr);
  queue.state = QueueState::kMapped;
  kernel::atomic_add_return(1, mgr_of(queue).userq_count[queue.queue_type]);
}

void unmap(Queue& queue, QueueState next) {
  kernel::lockdep_assert_held(mgr_of(queue).userq_mutex);
  if (queue.state != QueueState::kMapped) return;
  gpu_unmap_queue(mgr_of(queue).adev->gpu, queue.doorbell_index);
  queue.state = next;
  kernel::atomic_add_return(-1, mgr_of(queue).userq_count[queue.queue_type]);
}

// --- the watchdog ---

// A fence is pending for too long: the queue is hung, whoever waits for it goes on with an error.
void hang_detect_work(kernel::Work& work) {
  Queue& queue = *container_of(&kernel::to_delayed_work(work), Queue, hang_detect_work);
  QueueMgr& userq_mgr = mgr_of(queue);
  kernel::mutex_lock(userq_mgr.userq_mutex);
  if (fence_driver_pending(*queue.fence_drv)) {
    unmap(queue, QueueState::kHung);
    fence_driver_force_completion(*queue.fence_drv);
  }
  kernel::mutex_unlock(userq_mgr.userq_mutex);
}

// --- create ---

int check_create_args(const drm_amdgpu_userq_in& in) {
  if ((in.flags & ~(kUserqCreateFlagsPriorityMask | kUserqCreateFlagsQueueSecure)) != 0)
    return -EINVAL;
  if (in.ip_type >= kHwIpCount) return -EINVAL;
  if ((in.flags & kUserqCreateFlagsQueueSecure) != 0 && in.ip_type == kHwIpDma) return -EINVAL;
  if (in.queue_va == 0 || in.queue_size < kUserqMinQueueSize ||
      (in.queue_size & (in.queue_size - 1)) != 0)
    return -EINVAL;
  if (in.rptr_va == 0 || in.wptr_va == 0) return -EINVAL;
  return 0;
}

// The buffers that the queue's addresses point at must be mapped.
int validate_vas(Vm& vm, const drm_amdgpu_userq_in& in) {
  kernel::mutex_lock(vm.root_bo_resv);
  const bool ok = vm_lookup(vm, in.queue_va, in.queue_size) != nullptr &&
                  vm_lookup(vm, in.rptr_va, sizeof(uint64_t)) != nullptr &&
                  vm_lookup(vm, in.wptr_va, sizeof(uint64_t)) != nullptr;
  kernel::mutex_unlock(vm.root_bo_resv);
  return ok ? 0 : -EINVAL;
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

// What is left of a queue that the device does not know (any more).
void free_queue(Queue& queue) {
  fence_driver_free(queue);
  kernel::kfree(queue.mqd);
  fpriv_put(*queue.fpriv, queue_holds(queue, kQueueFpriv));
  kernel::kfree(&queue);
}

// Ends of a queue whose creation failed before the device knew it.
void free_without_driver(kernel::Kref& kref) {
  kernel::kfree(container_of(&kref, Queue, refcount));
}
void free_unpublished(kernel::Kref& kref) { free_queue(*container_of(&kref, Queue, refcount)); }

// Steps up to the point at which the device knows the queue.
int init_queue(Queue& queue, const drm_amdgpu_userq_in& in) {
  Device& adev = *mgr_of(queue).adev;
  if (in.doorbell_offset >= kMaxDoorbells) return -EINVAL;
  int error = validate_vas(queue.fpriv->vm, in);
  if (error != 0) return error;
  queue.mqd = kernel::kzalloc(64, kernel::Gfp::kKernel, "mqd");
  if (queue.mqd == nullptr) return -ENOMEM;
  return kernel::xa_insert(adev.userq_doorbell_xa, queue.doorbell_index, &queue);
}

int create(drm::File& file, drm_amdgpu_userq& args) {
  const drm_amdgpu_userq_in in = args.in;
  int error = check_create_args(in);
  if (error != 0) return error;
  Fpriv& fpriv = to_fpriv(file);
  QueueMgr& userq_mgr = fpriv.userq_mgr;
  Queue* queue = kernel::kzalloc_obj<Queue>("queue");
  if (queue == nullptr) return -ENOMEM;
  kernel::kref_init(queue->refcount, "queue", {kUserqIoctl});
  kernel::init_delayed_work(queue->hang_detect_work, hang_detect_work);
  queue->queue_type = in.ip_type;
  queue->doorbell_index = in.doorbell_offset;
  queue->wptr_va = in.wptr_va;
  queue->flags = in.flags;
  queue->state = QueueState::kUnmapped;
  queue->fpriv = &fpriv;
  queue->userq_mgr = &userq_mgr;
  error =
      fence_driver_alloc(*userq_mgr.adev, &queue->fence_drv, queue_holds(*queue, kQueueFenceDrv));
  if (error != 0) {
    kernel::kref_put(queue->refcount, {kUserqIoctl}, free_without_driver);
    return error;
  }
  kernel::kref_get(fpriv.refcount, queue_holds(*queue, kQueueFpriv));
  kernel::xa_init(queue->fence_drv_xa, "xa_lock(fence_drv_xa)");
  kernel::mutex_init(queue->fence_drv_lock, "fence_drv_lock");
  error = init_queue(*queue, in);
  if (error != 0) {
    kernel::kref_put(queue->refcount, {kUserqIoctl}, free_unpublished);
    return error;
  }

  kernel::mutex_lock(userq_mgr.userq_mutex);
  map(*queue);
  kernel::mutex_unlock(userq_mgr.userq_mutex);

  // Once it has an id anybody may free the queue: our own reference keeps it until we are done.
  kernel::kref_get(queue->refcount, {kUserqXa});
  uint32_t id = 0;
  error = kernel::xa_alloc(userq_mgr.userq_xa, &id, queue, 1, kMaxUserqCount);
  if (error != 0) queue_put(*queue, kUserqXa);
  queue_put(*queue, kUserqIoctl);
  if (error != 0) return error;
  args.out = {id, 0};
  return 0;
}

int free_by_id(drm::File& file, const drm_amdgpu_userq_in& in) {
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

// --- destroy ---

// Mirrors amdgpu_userq_destroy, in the order that does not hang: wait for the GPU while the
// watchdog can still help, then let go of the doorbell, then of the watchdog, then of the hardware.
void destroy(kernel::Kref& kref) {
  Queue& queue = *container_of(&kref, Queue, refcount);
  QueueMgr& userq_mgr = mgr_of(queue);
  if (queue.last_fence != nullptr) dma::fence_wait(*queue.last_fence, false);
  kernel::xa_erase(userq_mgr.adev->userq_doorbell_xa, queue.doorbell_index);
  kernel::cancel_delayed_work_sync(queue.hang_detect_work);
  kernel::mutex_lock(userq_mgr.userq_mutex);
  unmap(queue, QueueState::kUnmapped);
  kernel::mutex_unlock(userq_mgr.userq_mutex);
  // The last fence may have been found signaled by somebody who polled it; the interrupt that would
  // have processed the list finds no doorbell any more, so what is left on the list is completed
  // here.
  fence_driver_force_completion(*queue.fence_drv);
  free_queue(queue);
}

}  // namespace

Fpriv& to_fpriv(drm::File& file) { return *static_cast<Fpriv*>(file.driver_priv); }

int fpriv_open(Device& adev, drm::File& file) {
  Fpriv* fpriv = kernel::kzalloc_obj<Fpriv>("fpriv");
  if (fpriv == nullptr) return -ENOMEM;
  kernel::kref_init(fpriv->refcount, "fpriv", {kFileFpriv, drm::file_object(file)});
  kernel::xa_init(fpriv->userq_mgr.userq_xa, "xa_lock(userq_xa)");
  kernel::mutex_init(fpriv->userq_mgr.userq_mutex, "userq_mutex");
  fpriv->userq_mgr.adev = &adev;
  vm_init(fpriv->vm);
  file.driver_priv = fpriv;
  file.driver_release = driver_release;
  return 0;
}

Queue* queue_get(QueueMgr& userq_mgr, uint32_t id) {
  kernel::xa_lock(userq_mgr.userq_xa);
  Queue* queue = static_cast<Queue*>(kernel::xa_load(userq_mgr.userq_xa, id));
  if (queue != nullptr) kernel::kref_get(queue->refcount, {kUserqIoctl});
  kernel::xa_unlock(userq_mgr.userq_xa);
  return queue;
}

void queue_put(Queue& queue, const char* role) {
  kernel::kref_put(queue.refcount, {role}, destroy);
}

int userq_ioctl(drm::File& file, drm_amdgpu_userq& args) {
  switch (args.in.op) {
    case kUserqOpCreate:
      return create(file, args);
    case kUserqOpFree:
      return free_by_id(file, args.in);
    default:
      return -EINVAL;
  }
}

void queue_start_hang_detect_work(Queue& queue) {
  Device& adev = *mgr_of(queue).adev;
  kernel::queue_delayed_work(adev.reset_wq, queue.hang_detect_work,
                             adev.job_timeout[queue.queue_type]);
}

void process_fence_irq(Device& adev, uint32_t doorbell) {
  unsigned long flags;
  kernel::xa_lock_irqsave(adev.userq_doorbell_xa, flags);
  Queue* queue = static_cast<Queue*>(kernel::xa_load(adev.userq_doorbell_xa, doorbell));
  if (queue != nullptr && fence_driver_process(*queue->fence_drv) >= 0) {
    kernel::cancel_delayed_work(queue->hang_detect_work);
    // Asked only after the cancel: a fence that came meanwhile must not lose its watchdog.
    if (fence_driver_pending(*queue->fence_drv)) queue_start_hang_detect_work(*queue);
  }
  kernel::xa_unlock_irqrestore(adev.userq_doorbell_xa, flags);
}

}  // namespace userq
