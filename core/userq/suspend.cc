#include "core/userq/suspend.h"

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"

namespace userq {

namespace {

// Walks all queues; the first error.
int try_all(Device& adev, int (*request)(Queue& queue)) {
  int error = 0;
  QueueWalk walk{.adev = adev};
  while (Queue* queue = queue_walk_next(walk)) {
    const int r = request(*queue);
    if (error == 0) error = r;
  }
  return error;
}

// What a suspend promises that succeeds, asked of the hardware.
void check_nothing_is_mapped(Device& adev) {
  if (!kernel::checks_enabled || !adev.gpu_recovery) return;
  for (uint32_t doorbell = 0; doorbell < kMaxDoorbells; ++doorbell) {
    if (gpu_queue_state(adev.gpu, doorbell) != HwState::kUnmapped)
      kernel::report(kernel::Verdict::kWrongResult, "amdgpu_userq_suspend",
                     "the suspend succeeds, but the hardware has a queue on doorbell %u", doorbell);
  }
}

int preempt_for_isolation(Queue& queue) {
  return queue.queue_type == kHwIpDma ? 0 : queue_preempt(queue);
}

int resume_locked(Device& adev) {
  kernel::lockdep_assert_held(adev.stop_mutex);
  kernel::write_once(adev.suspended, false);
  return try_all(adev, queue_resume);
}

}  // namespace

int userq_suspend(Device& adev, bool s0ix) {
  kernel::mutex_lock(adev.stop_mutex);
  kernel::write_once(adev.suspended, true);
  const int error = try_all(adev, s0ix ? queue_preempt : queue_unmap);
  if (error != 0)
    resume_locked(adev);
  else if (!s0ix)
    check_nothing_is_mapped(adev);
  kernel::mutex_unlock(adev.stop_mutex);
  return error;
}

int userq_resume(Device& adev) {
  kernel::mutex_lock(adev.stop_mutex);
  const int error = resume_locked(adev);
  kernel::mutex_unlock(adev.stop_mutex);
  return error;
}

int stop_sched_for_enforce_isolation(Device& adev) {
  kernel::mutex_lock(adev.stop_mutex);
  const bool stopped = kernel::read_once(adev.userq_halt_for_enforce_isolation);
  kernel::write_once(adev.userq_halt_for_enforce_isolation, true);
  const int error = stopped ? 0 : try_all(adev, preempt_for_isolation);
  kernel::mutex_unlock(adev.stop_mutex);
  return error;
}

int start_sched_for_enforce_isolation(Device& adev) {
  kernel::mutex_lock(adev.stop_mutex);
  const bool stopped = kernel::read_once(adev.userq_halt_for_enforce_isolation);
  kernel::write_once(adev.userq_halt_for_enforce_isolation, false);
  const int error = stopped ? try_all(adev, queue_resume) : 0;
  kernel::mutex_unlock(adev.stop_mutex);
  return error;
}

}  // namespace userq
