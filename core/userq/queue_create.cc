#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/evict.h"
#include "core/userq/fpriv.h"
#include "core/userq/mes.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"
#include "core/userq/reset.h"

namespace userq {

namespace {

constexpr uint64_t kInvalidVa = ~uint64_t{0};

// Mirrors amdgpu_userq_input_args_validate.
int check_create_args(const Device& adev, const drm_amdgpu_userq_in& in) {
  if ((in.flags & ~(kUserqCreateFlagsPriorityMask | kUserqCreateFlagsQueueSecure)) != 0)
    return -EINVAL;
  if (in.ip_type >= kHwIpCount) return -EINVAL;
  if ((in.flags & kUserqCreateFlagsQueueSecure) != 0 && in.ip_type == kHwIpDma && !adev.tmz)
    return -EINVAL;
  if (in.queue_va == 0 || in.queue_va == kInvalidVa || in.queue_size < kUserqMinQueueSize ||
      (in.queue_size & (in.queue_size - 1)) != 0)
    return -EINVAL;
  if (in.rptr_va == 0 || in.wptr_va == 0) return -EINVAL;
  return 0;
}

// Mirrors amdgpu_userq_priority_permit.
bool priority_permitted(const drm::File& file, const drm_amdgpu_userq_in& in) {
  return (in.flags & kUserqCreateFlagsPriorityMask) != kUserqCreatePriorityHigh || file.privileged;
}

// The end of a queue that has nothing yet.
void free_empty(kernel::Kref& kref) { kernel::kfree(container_of(&kref, Queue, refcount)); }

// A queue with a reference for kUserqIoctl, of which the device knows nothing yet. Whatever becomes
// of it, the ordinary put ends it.
int alloc_queue(Fpriv& fpriv, const drm_amdgpu_userq_in& in, Queue** out) {
  Queue* queue = kernel::kzalloc_obj<Queue>("queue");
  if (queue == nullptr) return -ENOMEM;
  kernel::kref_init(queue->refcount, "queue", {kUserqIoctl});
  kernel::init_list_head(queue->mgr_link);
  kernel::init_delayed_work(queue->hang_detect_work, hang_detect_work, "hang_detect_work");
  queue->queue_type = in.ip_type;
  queue->state = QueueState::kUnmapped;
  queue->queue_va = in.queue_va;
  queue->queue_size = in.queue_size;
  queue->rptr_va = in.rptr_va;
  queue->wptr_va = in.wptr_va;
  queue->fpriv = &fpriv;
  queue->userq_mgr = &fpriv.userq_mgr;
  const int error = fence_driver_alloc(*queue->userq_mgr->adev, &queue->fence_drv,
                                       queue_holds(*queue, kQueueFenceDrv));
  if (error != 0) {
    kernel::kref_put(queue->refcount, {kUserqIoctl}, free_empty);
    return error;
  }
  fpriv_get(fpriv, queue_holds(*queue, kQueueFpriv));
  kernel::xa_init(queue->fence_drv_xa, "xa_lock(fence_drv_xa)");
  kernel::mutex_init(queue->fence_drv_lock, "fence_drv_lock");
  *out = queue;
  return 0;
}

// The buffers that the queue's addresses point at must be mapped. `seq` is that of the eviction
// fence: they cannot go without a new one.
int validate_vas(Queue& queue, uint64_t* seq) {
  Vm& vm = queue.fpriv->vm;
  int error = bo_reserve(*vm.root, true);
  if (error != 0) return error;
  *seq = kernel::read_once(queue.fpriv->evf_mgr.ev_fence_seq);
  error = vm_validate_queue_va(vm, queue.queue_va, queue.queue_size);
  if (error == 0) error = vm_validate_queue_va(vm, queue.rptr_va, sizeof(uint64_t));
  if (error == 0) error = vm_validate_queue_va(vm, queue.wptr_va, sizeof(uint64_t));
  bo_unreserve(*vm.root);
  return error;
}

// The doorbell's object stays where it is for as long as the queue lives. Mirrors
// amdgpu_userq_get_doorbell_index.
int get_doorbell(Queue& queue, drm::File& file, const drm_amdgpu_userq_in& in) {
  const kernel::Holder holder = queue_holds(queue, kQueueDbObj);
  drm::GemObject* gem = drm::gem_object_lookup(file, in.doorbell_handle, holder);
  if (gem == nullptr) return -EINVAL;
  Bo& bo = to_bo(*gem);
  int error = -EINVAL;
  if (bo.is_doorbell && in.doorbell_offset < kDoorbellsPerPage) {
    bo_reserve(bo, false);
    error = bo_pin(bo);
    bo_unreserve(bo);
  }
  if (error != 0) {
    bo_put(&bo, holder);
    return error;
  }
  queue.db_obj = &bo;
  queue.doorbell_index = bo.doorbell_base + in.doorbell_offset;
  return 0;
}

// Everything that needs no eviction fence; at the end the device knows the queue.
int init_queue(Queue& queue, drm::File& file, const drm_amdgpu_userq_in& in, uint64_t* seq) {
  Device& adev = *queue.userq_mgr->adev;
  int error = validate_vas(queue, seq);
  if (error == 0) error = get_doorbell(queue, file, in);
  if (error == 0) error = adev.userq_funcs[in.ip_type]->mqd_create(queue, in);
  if (error != 0) return error;
  return kernel::xa_insert(adev.userq_doorbell_xa, queue.doorbell_index, &queue);
}

// Takes userq_mutex with the eviction fence armed, and the addresses still valid (upstream does not
// look again). An error: without it.
int lock_to_start(Queue& queue, uint64_t seq) {
  for (;;) {
    int error = ensure_ev_fence(*queue.fpriv);
    if (error != 0 || seq == kernel::read_once(queue.fpriv->evf_mgr.ev_fence_seq)) return error;
    kernel::mutex_unlock(queue.userq_mgr->userq_mutex);
    error = validate_vas(queue, &seq);
    if (error != 0) return error;
  }
}

// In the list before it is mapped, so that whoever evicts the file finds it. (Upstream finds queues
// by id, and this one has none yet.)
int start_queue(Queue& queue, uint64_t seq) {
  QueueMgr& userq_mgr = *queue.userq_mgr;
  int error = lock_to_start(queue, seq);
  if (error != 0) return error;
  kernel::list_add_tail(queue.mgr_link, userq_mgr.queues);
  kernel::atomic_add_return(1, userq_mgr.userq_count[queue.queue_type]);
  error = queue_map(queue);
  kernel::mutex_unlock(userq_mgr.userq_mutex);
  return error;
}

// Once it has an id anybody may free the queue.
int publish_queue(Queue& queue, uint32_t* id) {
  kernel::kref_get(queue.refcount, {kUserqXa});
  const int error = kernel::xa_alloc(queue.userq_mgr->userq_xa, id, &queue, 1, kMaxUserqCount);
  if (error != 0) queue_put(queue, kUserqXa);
  return error;
}

}  // namespace

int queue_create(drm::File& file, drm_amdgpu_userq& args) {
  const drm_amdgpu_userq_in in = args.in;
  Fpriv& fpriv = to_fpriv(file);
  Device& adev = *fpriv.userq_mgr.adev;
  int error = check_create_args(adev, in);
  if (error != 0) return error;
  if (!priority_permitted(file, in)) return -EACCES;
  pm_runtime_get(adev);
  Queue* queue = nullptr;
  error = adev.userq_funcs[in.ip_type] == nullptr ? -EINVAL : alloc_queue(fpriv, in, &queue);
  if (error != 0) {
    pm_runtime_put(adev);
    return error;
  }
  uint64_t seq = 0;
  error = init_queue(*queue, file, in, &seq);
  if (error == 0) error = start_queue(*queue, seq);
  uint32_t id = 0;
  if (error == 0) error = publish_queue(*queue, &id);
  // Our own reference has kept it until here, whoever frees the id.
  queue_put(*queue, kUserqIoctl);
  if (error != 0) return error;
  args.out = {id, 0};
  return 0;
}

}  // namespace userq
