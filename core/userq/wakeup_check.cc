#include "core/userq/wakeup_check.h"

#include <algorithm>

#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"

namespace userq {

bool check_pending(Queue& queue) {
  const HwQueue& hw = queue.userq_mgr->adev->gpu.queues[queue.doorbell_index];
  FenceDriver& fence_drv = *queue.fence_drv;
  bool pending = false, lost = false;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  // Of an earlier queue on the doorbell, or from before the slot was zeroed, it says nothing.
  uint64_t reached = 0;
  if (__atomic_load_n(&hw.fence_addr, __ATOMIC_RELAXED) == fence_drv.cpu_addr)
    reached = std::min(__atomic_load_n(&hw.irq_value, __ATOMIC_RELAXED),
                       __atomic_load_n(fence_drv.cpu_addr, __ATOMIC_RELAXED));
  // The oldest decides: those behind it wait for it.
  list_for_each_entry(fence, fence_drv.fences, UserqFence, link) {
    lost = fence->base.seqno <= reached;
    pending = true;
    break;
  }
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
  if (lost)
    kernel::report(kernel::Verdict::kLostWakeup, "userq_fence",
                   "the interrupt for a fence was delivered, and the fence is still pending");
  return pending;
}

void check_delivered(Queue& queue) {
  if (!kernel::checks_enabled) return;
  kernel::XArray& xa = queue.userq_mgr->adev->userq_doorbell_xa;
  unsigned long flags;
  // The interrupt handler holds it. Off its doorbell the queue has no interrupts.
  kernel::xa_lock_irqsave(xa, flags);
  if (kernel::xa_load(xa, queue.doorbell_index) == &queue) check_pending(queue);
  kernel::xa_unlock_irqrestore(xa, flags);
}

}  // namespace userq
