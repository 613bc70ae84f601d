#include "core/userq/evict.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/queue_state.h"

namespace userq {

kernel::Workqueue system_wq = {"events", false};

namespace {

constexpr kernel::Holder kSuspend{"suspend_work"};

// After which a resume that ran out of memory is tried again.
constexpr uint64_t kResumeRetry = kernel::kSecond / 100;

Fpriv& to_fpriv(QueueMgr& userq_mgr) { return *container_of(&userq_mgr, Fpriv, userq_mgr); }

// --- suspend; userq_mutex held ---

// What an eviction may wait for, asked of the hardware: a queue that runs, or hangs until its
// watchdog is through. A reset, which is one step, takes a queue off and completes the fence; it
// may have come since that was seen to be pending.
void check_progresses(Queue& queue, const dma::Fence& fence) {
  Device& adev = *queue.userq_mgr->adev;
  const HwState state = gpu_queue_state(adev.gpu, queue.doorbell_index);
  const bool resetting = __atomic_load_n(&adev.reset_domain.sem.owner, __ATOMIC_RELAXED) != nullptr;
  if (state == HwState::kRunning || state == HwState::kHung || resetting ||
      dma::fence_peek_signaled(fence) || !kernel::checks_enabled)
    return;
  kernel::report(kernel::Verdict::kFenceContract, "eviction-waits-for-stopped-queue",
                 "an eviction waits for the fence of a queue that is not running");
}

// A fence that a mapped queue has not reached, with a reference; nullptr: none.
dma::Fence* pending_fence(QueueMgr& userq_mgr) {
  list_for_each_entry(queue, userq_mgr.queues, Queue, mgr_link) {
    dma::Fence* fence = queue->last_fence;
    if (queue_state(*queue) != QueueState::kMapped || fence == nullptr) continue;
    if (dma::fence_is_signaled(*fence)) continue;
    check_progresses(*queue, *fence);
    return dma::fence_get(fence, kSuspend);
  }
  return nullptr;
}

// Mirrors amdgpu_userq_wait_for_signal. Ends, because who makes a new fence waits for the suspend
// work in ensure_ev_fence() first.
void wait_for_signal(QueueMgr& userq_mgr) {
  while (dma::Fence* fence = pending_fence(userq_mgr)) {
    kernel::mutex_unlock(userq_mgr.userq_mutex);
    dma::fence_wait(*fence, false);
    dma::fence_put(fence, kSuspend);
    kernel::mutex_lock(userq_mgr.userq_mutex);
  }
}

// Tries all queues; the last error. Mirrors amdgpu_userq_evict_all.
int evict_all(QueueMgr& userq_mgr) {
  int error = 0;
  list_for_each_entry(queue, userq_mgr.queues, Queue, mgr_link) {
    const int r = queue_unmap(*queue);
    if (r != 0) error = r;
  }
  return error;
}

// What the eviction fence promises, asked of the hardware.
void check_nothing_runs(QueueMgr& userq_mgr) {
  Device& adev = *userq_mgr.adev;
  uint64_t doorbell;
  Queue* queue;
  unsigned long flags;
  kernel::xa_lock_irqsave(adev.userq_doorbell_xa, flags);
  xa_for_each(adev.userq_doorbell_xa, doorbell, queue) {
    if (queue->userq_mgr == &userq_mgr && kernel::checks_enabled &&
        gpu_queue_state(adev.gpu, queue->doorbell_index) == HwState::kRunning)
      kernel::report(kernel::Verdict::kFenceContract, "eviction-fence-signaled-too-early",
                     "the eviction fence is signaled while a queue of its file runs");
  }
  kernel::xa_unlock_irqrestore(adev.userq_doorbell_xa, flags);
}

// --- resume; everything reserved ---

// Mirrors amdgpu_userq_vm_validate, as far as there is something to validate.
int validate(Vm& vm) {
  list_for_each_entry(bo_va, vm.bo_vas, BoVa, vm_link) {
    if (bo_va->bo->userptr_gone) return -EFAULT;
    const int error = bo_validate(*bo_va->bo);
    if (error != 0) return error;
  }
  return bo_validate(*vm.root);
}

// Mirrors amdgpu_userq_buffer_vas_mapped.
bool vas_mapped(Vm& vm, const Queue& queue) {
  return vm_queue_va_mapped(vm, queue.queue_va, queue.queue_size) &&
         vm_queue_va_mapped(vm, queue.rptr_va, sizeof(uint64_t)) &&
         vm_queue_va_mapped(vm, queue.wptr_va, sizeof(uint64_t));
}

// userq_mutex held. One that cannot be mapped is hung and done with. Mirrors
// amdgpu_userq_restore_all.
void restore_all(Fpriv& fpriv) {
  list_for_each_entry(queue, fpriv.userq_mgr.queues, Queue, mgr_link) {
    if (vas_mapped(fpriv.vm, *queue))
      queue_map(*queue);
    else
      queue_invalidate(*queue);
  }
}

// Nobody sees the new fence before the queues are back: a suspend, or who maps a queue, comes
// before or after.
int rearm_and_restore(Fpriv& fpriv, drm::Exec& exec) {
  EvictionFence* ev_fence = evf_mgr_alloc_fence();
  if (ev_fence == nullptr) return -ENOMEM;
  kernel::mutex_lock(fpriv.userq_mgr.userq_mutex);
  evf_mgr_rearm(fpriv.evf_mgr, exec, *ev_fence);
  restore_all(fpriv);
  kernel::mutex_unlock(fpriv.userq_mgr.userq_mutex);
  return 0;
}

int resume(Fpriv& fpriv) {
  Vm& vm = fpriv.vm;
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecIgnoreDuplicates);
  int error = 0;
  drm_exec_until_all_locked(exec) {
    error = vm_lock_pd(vm, exec, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
    error = vm_lock_individual(vm, exec, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  if (error == 0) error = validate(vm);
  if (error == 0) error = rearm_and_restore(fpriv, exec);
  drm::exec_fini(exec);
  return error;
}

}  // namespace

int ensure_ev_fence(Fpriv& fpriv) {
  QueueMgr& userq_mgr = fpriv.userq_mgr;
  uint64_t before = 0;
  for (bool scheduled = false;; scheduled = true) {
    kernel::flush_work(fpriv.evf_mgr.suspend_work);
    kernel::flush_delayed_work(userq_mgr.resume_work);
    kernel::mutex_lock(userq_mgr.userq_mutex);
    if (evf_mgr_is_armed(fpriv.evf_mgr)) return 0;
    const uint64_t seq = kernel::read_once(fpriv.evf_mgr.ev_fence_seq);
    kernel::mutex_unlock(userq_mgr.userq_mutex);
    // Signaled again, but another one: somebody evicts us once more.
    if (scheduled && seq == before) return -ENOMEM;
    before = seq;
    schedule_resume(userq_mgr);
  }
}

void suspend_worker(kernel::Work& work) {
  EvictionFenceMgr& evf_mgr = *container_of(&work, EvictionFenceMgr, suspend_work);
  Fpriv& fpriv = *container_of(&evf_mgr, Fpriv, evf_mgr);
  QueueMgr& userq_mgr = fpriv.userq_mgr;
  kernel::mutex_lock(userq_mgr.userq_mutex);
  for (;;) {
    wait_for_signal(userq_mgr);
    const bool cookie = dma::fence_begin_signalling();
    const int error = evict_all(userq_mgr);
    if (error == 0) {
      check_nothing_runs(userq_mgr);
      dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr, kSuspend);
      dma::fence_signal(*ev_fence);
      dma::fence_end_signalling(cookie);
      dma::fence_put(ev_fence, kSuspend);
      break;
    }
    dma::fence_end_signalling(cookie);
    kernel::mutex_unlock(userq_mgr.userq_mutex);
    kernel::flush_work(userq_mgr.reset_work);
    kernel::mutex_lock(userq_mgr.userq_mutex);
  }
  schedule_resume(userq_mgr);
  kernel::mutex_unlock(userq_mgr.userq_mutex);
}

void restore_worker(kernel::Work& work) {
  QueueMgr& userq_mgr = *container_of(&kernel::to_delayed_work(work), QueueMgr, resume_work);
  Fpriv& fpriv = to_fpriv(userq_mgr);
  if (evf_mgr_is_shutdown(fpriv.evf_mgr) || evf_mgr_is_armed(fpriv.evf_mgr)) return;
  const int error = resume(fpriv);
  __atomic_store_n(&userq_mgr.resume_gave_up, error == -EFAULT, __ATOMIC_RELAXED);
  if (error == -ENOMEM) kernel::queue_delayed_work(system_wq, userq_mgr.resume_work, kResumeRetry);
}

void schedule_resume(QueueMgr& userq_mgr) {
  if (evf_mgr_is_shutdown(to_fpriv(userq_mgr).evf_mgr)) return;
  kernel::queue_delayed_work(system_wq, userq_mgr.resume_work, 0);
}

}  // namespace userq
