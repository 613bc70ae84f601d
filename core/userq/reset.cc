#include "core/userq/reset.h"

#include "core/kernel/atomic.h"
#include "core/userq/device.h"
#include "core/userq/invariants.h"
#include "core/userq/mes.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"
#include "core/userq/wakeup_check.h"

namespace userq {

namespace {

// Off the hardware, as far as the firmware still answers.
int unmap_for_reset(Device& adev, Queue& queue) {
  if (queue.state != QueueState::kMapped && queue.state != QueueState::kPreempted) return 0;
  return adev.userq_funcs[queue.queue_type]->unmap(queue);
}

// 0: the hung queues of the engines that the manager uses are reset.
int reset_hung_queues(QueueMgr& userq_mgr) {
  Device& adev = *userq_mgr.adev;
  for (uint32_t engine = 0; engine < kHwIpCount; ++engine) {
    if (kernel::read_once(userq_mgr.userq_count[engine]) == 0) continue;
    const int error = adev.userq_funcs[engine]->detect_and_reset(adev, engine);
    if (error != 0) return error;
  }
  return 0;
}

}  // namespace

void queue_update_hang_detect_work(Queue& queue, bool progress) {
  Device& adev = *queue.userq_mgr->adev;
  FenceDriver& fence_drv = *queue.fence_drv;
  unsigned long flags;
  kernel::spin_lock_irqsave(fence_drv.fence_list_lock, flags);
  const bool pending = !kernel::list_empty(fence_drv.fences);
  if (!pending || progress) kernel::cancel_delayed_work(queue.hang_detect_work);
  fence_driver_set_disarm_due(fence_drv, false);
  if (pending)
    kernel::queue_delayed_work(adev.reset_domain.wq, queue.hang_detect_work,
                               adev.job_timeout[queue.queue_type]);
  kernel::spin_unlock_irqrestore(fence_drv.fence_list_lock, flags);
}

void hang_detect_work(kernel::Work& work) {
  Queue& queue = *container_of(&kernel::to_delayed_work(work), Queue, hang_detect_work);
  QueueMgr& userq_mgr = *queue.userq_mgr;
  check_delivered(queue);
  check_watchdog(queue);
  if (userq_mgr.adev->gpu_recovery) detect_and_reset_queues(userq_mgr, &queue);
}

void queue_force_completion(Queue& queue) {
  fence_driver_force_completion(*queue.fence_drv);
  queue_update_hang_detect_work(queue, false);
}

void detect_and_reset_queues(QueueMgr& userq_mgr, Queue* guilty) {
  Device& adev = *userq_mgr.adev;
  kernel::down_write(adev.reset_domain.sem);
  // The interrupt may be late, or may have come after all.
  if (guilty != nullptr && fence_driver_process(*guilty->fence_drv) == 0) {
    queue_update_hang_detect_work(*guilty, true);
    kernel::up_write(adev.reset_domain.sem);
    return;
  }
  int error = reset_hung_queues(userq_mgr);
  if (error == 0 && guilty != nullptr) {
    error = unmap_for_reset(adev, *guilty);
    queue_set_hung(*guilty);
  }
  kernel::up_write(adev.reset_domain.sem);
  if (error != 0) gpu_recover(adev, false);
}

void schedule_reset(QueueMgr& userq_mgr) {
  Device& adev = *userq_mgr.adev;
  if (adev.gpu_recovery) kernel::queue_work(adev.reset_domain.wq, userq_mgr.reset_work);
}

void reset_work(kernel::Work& work) {
  detect_and_reset_queues(*container_of(&work, QueueMgr, reset_work), nullptr);
}

void gpu_recover(Device& adev, bool vram_lost) {
  kernel::down_write(adev.reset_domain.sem);
  pre_reset(adev);
  gpu_reset(adev.gpu);
  if (vram_lost)
    kernel::write_once(adev.vram_lost_counter, kernel::read_once(adev.vram_lost_counter) + 1);
  post_reset(adev);
  kernel::up_write(adev.reset_domain.sem);
  QueueWalk walk{.adev = adev};
  while (Queue* queue = queue_walk_next(walk)) queue_resume(*queue);
}

void pre_reset(Device& adev) {
  kernel::lockdep_assert_held(adev.reset_domain.sem);
  uint64_t index = 0;
  for (Queue* queue; (queue = queue_at_or_after(adev, &index)) != nullptr; ++index) {
    unmap_for_reset(adev, *queue);
    if (queue->state == QueueState::kMapped || queue->state == QueueState::kPreempted)
      queue_set_state(*queue, QueueState::kHung);
    queue_force_completion(*queue);
  }
}

void post_reset(Device& adev) {
  kernel::lockdep_assert_held(adev.reset_domain.sem);
  uint64_t index = 0;
  for (Queue* queue; (queue = queue_at_or_after(adev, &index)) != nullptr; ++index) {
    if (queue->state == QueueState::kHung) queue_set_state(*queue, QueueState::kUnmapped);
  }
}

}  // namespace userq
