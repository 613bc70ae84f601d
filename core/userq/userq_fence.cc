#include "core/userq/userq_fence.h"

#include <cerrno>

#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"
#include "core/userq/reset.h"

namespace userq {

namespace {

const char* get_driver_name(dma::Fence&) { return "amdgpu_userq_fence"; }
const char* get_timeline_name(dma::Fence& base) {
  return to_userq_fence(base)->fence_drv->timeline_name;
}

bool signaled(dma::Fence& base) {
  return fence_driver_read(*to_userq_fence(base)->fence_drv) >= base.seqno;
}

kernel::Holder fence_holds(UserqFence& fence, const char* role) {
  return {role, dma::fence_object(fence.base)};
}

// Whoever keeps a complete fence, for ever perhaps, must not keep the drivers of others with it,
// and their slots: they are put by whoever completes it, not by whoever frees it.
void check_put_in_time(const UserqFence& fence) {
  if (fence.fence_drv_array_count > 0 && kernel::checks_enabled &&
      __atomic_load_n(&fence.base.refcount.count, __ATOMIC_RELAXED) == 0)
    kernel::report(kernel::Verdict::kFenceContract, "inherited-drivers-kept-until-free",
                   "a fence kept the fence drivers of other queues until it was freed");
}

// The driver is put after the grace period: an RCU reader may still ask the fence for its timeline
// name.
void free_rcu(kernel::RcuHead& head) {
  UserqFence& fence = *container_of(container_of(&head, dma::Fence, rcu), UserqFence, base);
  fence_driver_put(*fence.fence_drv, fence_holds(fence, kFenceFenceDrv));
  kernel::spin_lock_destroy(fence.lock);
  kernel::kfree(fence.fence_drv_array);
  kernel::kfree(&fence);
}

void release(dma::Fence& base) { kernel::call_rcu(base.rcu, free_rcu); }

const dma::FenceOps kUserqFenceOps = {get_driver_name, get_timeline_name, signaled, nullptr,
                                      release};

// Moves the drivers of the queue's fence_drv_xa to the fence. The entries are dense from index 0.
int inherit_fence_drivers(Queue& queue, UserqFence& fence) {
  kernel::mutex_lock(queue.fence_drv_lock);
  uint64_t index;
  FenceDriver* entry;
  uint32_t count = 0;
  xa_for_each(queue.fence_drv_xa, index, entry) ++count;
  const bool ok = kernel::kmalloc_array(fence.fence_drv_array, count, "fence_drv_array");
  if (ok) {
    kernel::xa_lock(queue.fence_drv_xa);
    xa_for_each(queue.fence_drv_xa, index, entry)
      fence.fence_drv_array[fence.fence_drv_array_count++] = entry;
    kernel::xa_clear_locked(queue.fence_drv_xa);
    kernel::xa_unlock(queue.fence_drv_xa);
  }
  kernel::mutex_unlock(queue.fence_drv_lock);
  return ok ? 0 : -ENOMEM;
}

}  // namespace

UserqFence* to_userq_fence(dma::Fence& fence) {
  return dma::fence_has_ops(fence, kUserqFenceOps) ? container_of(&fence, UserqFence, base)
                                                   : nullptr;
}

int userq_fence_alloc(Queue& queue, UserqFence** out) {
  UserqFence* fence = kernel::kzalloc_obj<UserqFence>("userq_fence");
  if (fence == nullptr) return -ENOMEM;
  const int error = inherit_fence_drivers(queue, *fence);
  if (error != 0) {
    kernel::kfree(fence);
    return error;
  }
  fence->fence_drv = queue.fence_drv;
  *out = fence;
  return 0;
}

void userq_fence_free(Queue& queue, UserqFence& fence) {
  for (uint32_t i = 0; i < fence.fence_drv_array_count; ++i)
    fence_driver_put(*fence.fence_drv_array[i], queue_holds(queue, kQueueFenceDrvXa));
  kernel::kfree(fence.fence_drv_array);
  kernel::kfree(&fence);
}

void userq_fence_init(Queue& queue, UserqFence& fence, uint64_t seqno, kernel::Holder creator) {
  kernel::lockdep_assert_held(queue.userq_mgr->userq_mutex);
  FenceDriver& fence_drv = *fence.fence_drv;
  kernel::spin_lock_init(fence.lock, "userq_fence.lock");
  dma::fence_init64(fence.base, kUserqFenceOps, &fence.lock, fence_drv.context, seqno,
                    "userq_fence", creator);
  fence_driver_get(fence_drv, fence_holds(fence, kFenceFenceDrv));
  for (uint32_t i = 0; i < fence.fence_drv_array_count; ++i)
    kernel::kref_move(fence.fence_drv_array[i]->refcount, queue_holds(queue, kQueueFenceDrvXa),
                      fence_holds(fence, kFenceDrvArray));

  dma::Fence* old = queue.last_fence;
  queue.last_fence = dma::fence_get(&fence.base, queue_holds(queue, kQueueLastFence));
  dma::fence_put(old, queue_holds(queue, kQueueLastFence));

  // Whether the GPU is there already is asked under the list lock: process() cannot come in
  // between, so the fence is either seen by it or known to be complete.
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  const bool signaled = dma::fence_is_signaled(fence.base);
  if (!signaled) {
    dma::fence_get(&fence.base, {kDriverFences, fence_drv.refcount.object});
    kernel::list_add_tail(fence.link, fence_drv.fences);
  } else {
    kernel::init_list_head(fence.link);
  }
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);

  // Nobody will process a fence that was born signaled: its inherited references end here.
  if (signaled)
    userq_fence_put_fence_drv_array(fence);
  else
    queue_update_hang_detect_work(queue, false);
  // The last reset completed all fences there were, and nothing will bring this one about.
  if (queue_is_dead(queue)) queue_force_completion(queue);
}

void userq_fence_put_fence_drv_array(UserqFence& fence) {
  check_put_in_time(fence);
  for (uint32_t i = 0; i < fence.fence_drv_array_count; ++i)
    fence_driver_put(*fence.fence_drv_array[i], fence_holds(fence, kFenceDrvArray));
  fence.fence_drv_array_count = 0;
}

void userq_fence_cancel(UserqFence& fence, int error) {
  unsigned long flags;
  kernel::spin_lock_irqsave(fence.lock, flags);
  if (!dma::fence_is_signaled_locked(fence.base)) {
    dma::fence_set_error(fence.base, error);
    dma::fence_signal_locked(fence.base);
  }
  kernel::spin_unlock_irqrestore(fence.lock, flags);
}

__attribute__((no_sanitize("thread"))) UserqFence* peek_userq_fence(dma::Fence& fence) {
  return fence.ops == &kUserqFenceOps ? container_of(&fence, UserqFence, base) : nullptr;
}

}  // namespace userq
