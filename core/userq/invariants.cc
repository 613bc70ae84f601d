#include "core/userq/invariants.h"

#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"

namespace userq {

namespace {

using kernel::Verdict;

HwState expected_on_hardware(QueueState state) {
  return state == QueueState::kMapped      ? HwState::kRunning
         : state == QueueState::kPreempted ? HwState::kPreempted
                                           : HwState::kUnmapped;
}

const FenceDriver* driver_at(const Queue& queue, uint64_t index) {
  return static_cast<const FenceDriver*>(kernel::xa_peek(queue.fence_drv_xa, index));
}

// The oldest pending fence decides: those behind it wait for it.
void check_fences(Device& adev, Queue& queue) {
  const HwQueue& hw = adev.gpu.queues[queue.doorbell_index];
  const uint64_t reached = __atomic_load_n(&hw.irq_value, __ATOMIC_RELAXED);
  FenceDriver& fence_drv = *queue.fence_drv;
  bool pending = false, lost = false;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  list_for_each_entry(fence, fence_drv.fences, UserqFence, link) {
    lost = !pending && fence->base.seqno <= reached;
    pending = true;
    break;
  }
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
  if (lost)
    kernel::report(Verdict::kLostWakeup, "userq_fence",
                   "the interrupt for a fence was delivered, and the fence is still pending");
  if (pending && adev.gpu_recovery && !kernel::delayed_work_pending(queue.hang_detect_work))
    kernel::report(Verdict::kLostWakeup, "hang_detect_work",
                   "a fence is pending, and no watchdog is armed that would end the wait for it");
  if (!pending && kernel::delayed_work_pending(queue.hang_detect_work))
    kernel::report(Verdict::kFenceContract, "watchdog-of-idle-queue",
                   "no fence is pending, and the watchdog is armed");
}

// The entries are dense from index 0.
void check_fence_drivers(Queue& queue) {
  const FenceDriver* entry;
  for (uint64_t i = 0; (entry = driver_at(queue, i)) != nullptr; ++i)
    for (uint64_t j = 0; j < i; ++j)
      if (driver_at(queue, j) == entry)
        kernel::report(Verdict::kWarnOn, "fence_drv_xa",
                       "a queue that waits holds another one's fence driver more than once");
}

void check_queue(Device& adev, Queue& queue) {
  check_fences(adev, queue);
  check_fence_drivers(queue);
  const QueueState state = queue_state(queue);
  if (state == QueueState::kMapped && !evf_mgr_is_armed(queue.fpriv->evf_mgr))
    kernel::report(Verdict::kFenceContract, "eviction-fence-signaled-with-mapped-queue",
                   "the eviction fence is signaled while a queue of its file is mapped");
  const HwState on_hardware = gpu_queue_state(adev.gpu, queue.doorbell_index);
  // A queue that hangs unnoticed was running; with recovery off nobody looks after a hung one.
  const bool unnoticed = on_hardware == HwState::kHung &&
                         (expected_on_hardware(state) != HwState::kUnmapped || !adev.gpu_recovery);
  if (on_hardware != expected_on_hardware(state) && !unnoticed)
    kernel::report(Verdict::kWarnOn, "queue.state",
                   "the driver has the queue of doorbell %u in state %u, the hardware in %u",
                   queue.doorbell_index, static_cast<unsigned>(state),
                   static_cast<unsigned>(on_hardware));
}

}  // namespace

void check_invariants(Device& adev) {
  if (!kernel::checks_enabled) return;
  bool has_queue[kMaxDoorbells] = {};
  uint64_t slots[kMaxDoorbells];
  uint32_t count = 0;
  QueueWalk walk{.adev = adev};
  while (Queue* queue = queue_walk_next(walk)) {
    check_queue(adev, *queue);
    has_queue[queue->doorbell_index] = true;
    for (uint32_t i = 0; i < count; ++i) {
      if (slots[i] == queue->fence_drv->va)
        kernel::report(Verdict::kWarnOn, "seq64", "two queues have the same fence slot");
    }
    slots[count++] = queue->fence_drv->va;
  }
  for (uint32_t doorbell = 0; doorbell < kMaxDoorbells; ++doorbell) {
    if (!has_queue[doorbell] && adev.gpu_recovery &&
        gpu_queue_state(adev.gpu, doorbell) != HwState::kUnmapped)
      kernel::report(Verdict::kWarnOn, "hardware queue without a queue",
                     "the hardware has a queue on doorbell %u, the driver has none", doorbell);
  }
}

}  // namespace userq
