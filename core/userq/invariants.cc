#include "core/userq/invariants.h"

#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"
#include "core/userq/wakeup_check.h"

namespace userq {

namespace {

using kernel::Verdict;

HwState expected_on_hardware(QueueState state) {
  return state == QueueState::kMapped      ? HwState::kRunning
         : state == QueueState::kPreempted ? HwState::kPreempted
                                           : HwState::kUnmapped;
}

void check_fences(Device& adev, Queue& queue) {
  const bool pending = check_pending(queue);
  if (pending && adev.gpu_recovery && !kernel::delayed_work_pending(queue.hang_detect_work))
    kernel::report(Verdict::kLostWakeup, "hang_detect_work",
                   "a fence is pending, and no watchdog is armed that would end the wait for it");
  if (!pending && kernel::delayed_work_pending(queue.hang_detect_work))
    kernel::report(Verdict::kFenceContract, "watchdog-of-idle-queue",
                   "no fence is pending, and the watchdog is armed");
}

void check_queue(Device& adev, Queue& queue) {
  check_fences(adev, queue);
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
