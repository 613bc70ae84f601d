#include "core/userq/fence_driver.h"

#include <cerrno>
#include <cstring>

#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/userq_fence.h"

namespace userq {

namespace {

void write_slot(FenceDriver& fence_drv, uint64_t value) {
  kernel::write_once(*fence_drv.cpu_addr, value);
}

// Upstream keeps no such time: no business of TSan.
__attribute__((no_sanitize("thread"))) void note_completion(FenceDriver& fence_drv) {
  fence_drv.completed_at = sched::now();
}

// Completes fences that were cut off the list: no lock is held, because dropping the inherited
// driver references may destroy drivers, and because callbacks may do anything.
void complete_all(FenceDriver& fence_drv, kernel::ListHead& list, int error) {
  if (!kernel::list_empty(list)) note_completion(fence_drv);
  list_for_each_entry_safe(fence, next, list, UserqFence, link) {
    kernel::list_del_init(fence->link);
    if (error != 0)
      userq_fence_cancel(*fence, error);
    else
      dma::fence_signal(fence->base);
    userq_fence_put_fence_drv_array(*fence);
    dma::fence_put(&fence->base, {kDriverFences, fence_drv.refcount.object});
  }
}

// Mirrors amdgpu_userq_fence_driver_destroy. Any context.
void destroy(kernel::Kref& kref) {
  FenceDriver& fence_drv = *container_of(&kref, FenceDriver, refcount);
  kernel::ListHead leftovers;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  kernel::list_replace_init(fence_drv.fences, leftovers);
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
  complete_all(fence_drv, leftovers, -ECANCELED);
  seq64_free(fence_drv.adev->seq64, fence_drv.va);
  kernel::spin_lock_destroy(fence_drv.fence_list_lock);
  kernel::kfree(&fence_drv);
}

}  // namespace

int fence_driver_alloc(Device& adev, FenceDriver** out, kernel::Holder holder) {
  *out = nullptr;
  FenceDriver* fence_drv = kernel::kzalloc_obj<FenceDriver>("fence_driver");
  if (fence_drv == nullptr) return -ENOMEM;
  const int error = seq64_alloc(adev.seq64, &fence_drv->va, &fence_drv->cpu_addr);
  if (error != 0) {
    kernel::kfree(fence_drv);
    return error;
  }
  write_slot(*fence_drv, 0);
  kernel::kref_init(fence_drv->refcount, "fence_driver", holder);
  kernel::init_list_head(fence_drv->fences);
  kernel::spin_lock_init(fence_drv->fence_list_lock, "fence_list_lock");
  fence_drv->adev = &adev;
  fence_drv->context = dma::fence_context_alloc(1);
  std::strncpy(fence_drv->timeline_name, sched::current()->name,
               sizeof fence_drv->timeline_name - 1);
  *out = fence_drv;
  return 0;
}

void fence_driver_get(FenceDriver& fence_drv, kernel::Holder holder) {
  kernel::kref_get(fence_drv.refcount, holder);
}

void fence_driver_put(FenceDriver& fence_drv, kernel::Holder holder) {
  kernel::kref_put(fence_drv.refcount, holder, destroy);
}

uint64_t fence_driver_read(const FenceDriver& fence_drv) {
  return kernel::read_once(*fence_drv.cpu_addr);
}

int fence_driver_process(FenceDriver& fence_drv) {
  kernel::ListHead to_be_signaled;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  const uint64_t rptr = fence_driver_read(fence_drv);
  kernel::ListHead* first_pending = &fence_drv.fences;
  list_for_each_entry(fence, fence_drv.fences, UserqFence, link) {
    if (rptr >= fence->base.seqno) continue;
    first_pending = &fence->link;
    break;
  }
  kernel::list_cut_before(to_be_signaled, fence_drv.fences, *first_pending);
  const bool pending = !kernel::list_empty(fence_drv.fences);
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);

  const bool reached = !kernel::list_empty(to_be_signaled);
  complete_all(fence_drv, to_be_signaled, 0);
  return !pending ? 0 : reached ? 1 : -ENOENT;
}

bool fence_driver_pending(FenceDriver& fence_drv) {
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  const bool pending = !kernel::list_empty(fence_drv.fences);
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
  return pending;
}

void fence_driver_force_completion(FenceDriver& fence_drv) {
  fence_driver_process(fence_drv);
  kernel::ListHead rest;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  // Userspace may wait for the slot: it must see the work as over. Never backwards.
  uint64_t last = fence_driver_read(fence_drv);
  list_for_each_entry(fence, fence_drv.fences, UserqFence, link) {
    if (fence->base.seqno > last) last = fence->base.seqno;
  }
  kernel::list_replace_init(fence_drv.fences, rest);
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
  complete_all(fence_drv, rest, -ECANCELED);
  write_slot(fence_drv, last);
}

}  // namespace userq
