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

const FenceDriver* driver_at(const Queue& queue, uint64_t index) {
  return static_cast<const FenceDriver*>(kernel::xa_peek(queue.fence_drv_xa, index));
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

// The entries are dense from index 0.
void check_fence_drivers(Queue& queue) {
  const FenceDriver* entry;
  for (uint64_t i = 0; (entry = driver_at(queue, i)) != nullptr; ++i)
    for (uint64_t j = 0; j < i; ++j)
      if (driver_at(queue, j) == entry)
        kernel::report(Verdict::kWarnOn, "fence_drv_xa",
                       "a queue that waits holds another one's fence driver more than once");
}

// At rest nobody has the root reserved.
bool addresses_are_mapped(Queue& queue) {
  Vm& vm = queue.fpriv->vm;
  if (!dma::resv_trylock(*vm.root->gem.resv)) return true;
  const bool mapped = vm_queue_va_mapped(vm, queue.queue_va, queue.queue_size) &&
                      vm_queue_va_mapped(vm, queue.rptr_va, sizeof(uint64_t)) &&
                      vm_queue_va_mapped(vm, queue.wptr_va, sizeof(uint64_t));
  bo_unreserve(*vm.root);
  return mapped;
}

// For a look without the lock; no business of TSan.
__attribute__((no_sanitize("thread"))) bool is_idle(const FenceDriver& fence_drv) {
  return fence_drv.fences.next == &fence_drv.fences;
}

// Nobody is in the middle of something: all others wait, or have nothing to do.
bool alone() {
  using enum sched::Activity::State;
  for (unsigned id = 0; id < sched::kContexts; ++id) {
    const auto state = sched::activity(id).state;
    if (&sched::context(id) != sched::current() && state != kIdle && state != kSleeping)
      return false;
  }
  return true;
}

// A queue that is off the GPU, for which somebody must bring it back.
void check_comes_back(Device& adev, Queue& queue) {
  EvictionFenceMgr& evf_mgr = queue.fpriv->evf_mgr;
  if (kernel::read_once(adev.suspended) || evf_mgr_is_shutdown(evf_mgr)) return;
  if (queue.queue_type != kHwIpDma && kernel::read_once(adev.userq_halt_for_enforce_isolation))
    return;
  if (evf_mgr_is_armed(evf_mgr))
    kernel::report(Verdict::kLostWakeup, "queue",
                   "nothing forbids the queue of doorbell %u to run, and nobody maps it",
                   queue.doorbell_index);
  else if (!kernel::delayed_work_pending(queue.userq_mgr->resume_work) &&
           !__atomic_load_n(&queue.userq_mgr->resume_gave_up, __ATOMIC_RELAXED))
    kernel::report(Verdict::kLostWakeup, "resume_work",
                   "the queues of a file were evicted, and no work will bring them back");
}

void check_queue(Device& adev, Queue& queue) {
  check_fences(adev, queue);
  check_fence_drivers(queue);
  const QueueState state = queue_state(queue);
  if (state == QueueState::kUnmapped || state == QueueState::kPreempted)
    check_comes_back(adev, queue);
  if (state == QueueState::kMapped && !evf_mgr_is_armed(queue.fpriv->evf_mgr))
    kernel::report(Verdict::kFenceContract, "eviction-fence-signaled-with-mapped-queue",
                   "the eviction fence is signaled while a queue of its file is mapped");
  if (state == QueueState::kMapped && !addresses_are_mapped(queue))
    kernel::report(Verdict::kWarnOn, "queue.va",
                   "a queue is mapped, and an address that it lives at is not");
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

void check_watchdog(Queue& queue) {
  if (!kernel::checks_enabled) return;
  // Nobody has armed it before the start of time.
  if (queue.hang_detect_work.timer.expires < queue.userq_mgr->adev->job_timeout[queue.queue_type])
    kernel::report(Verdict::kWrongResult, "hang_detect_work",
                   "the watchdog fires before the timeout of the engine can be over");
  // Who completed the last fence has not tried to disarm it, and is no longer about to.
  const FenceDriver& fence_drv = *queue.fence_drv;
  if (alone() && is_idle(fence_drv) && fence_driver_disarm_due(fence_drv))
    kernel::report(Verdict::kFenceContract, "watchdog-of-idle-queue",
                   "the watchdog fires, but no fence is pending");
}

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
