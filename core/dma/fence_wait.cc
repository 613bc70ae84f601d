#include <cerrno>

#include "core/dma/fence.h"
#include "core/kernel/errno.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"

namespace dma {

namespace {

struct WaitCb {
  FenceCb base;
  const sched::Context* task;
};

void wake_waiter(Fence&, FenceCb& cb) {
  kernel::wake_up_process(*container_of(&cb, WaitCb, base)->task);
}

// What a wait that was successful returns: never 0, which means that the time is over.
int64_t at_least_1(uint64_t timeout) { return timeout > 0 ? static_cast<int64_t>(timeout) : 1; }

// Mirrors dma_fence_default_wait.
int64_t default_wait(Fence& fence, bool interruptible, uint64_t timeout) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  if (fence_test_signaled_flag(fence)) {
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
    return at_least_1(timeout);
  }
  if (interruptible && kernel::signal_pending()) {
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
    return -kernel::kErestartsys;
  }
  if (timeout == 0) {
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
    return 0;
  }
  WaitCb cb;
  cb.base.func = wake_waiter;
  cb.task = sched::current();
  kernel::list_add_tail(cb.base.node, fence.cb_list);
  bool interrupted = false;
  while (!fence_test_signaled_flag(fence) && timeout > 0 && !interrupted) {
    kernel::set_current_state();
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
    timeout = kernel::schedule_timeout("fence", timeout);
    kernel::spin_lock_irqsave(*fence.lock, flags);
    interrupted = interruptible && timeout > 0 && kernel::signal_pending();
  }
  if (!kernel::list_empty(cb.base.node)) kernel::list_del(cb.base.node);
  const bool signaled = fence_test_signaled_flag(fence);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  if (signaled) return at_least_1(timeout);
  return interrupted ? -kernel::kErestartsys : 0;
}

// Mirrors dma_fence_test_signaled_any.
bool test_signaled_any(Fence* const* fences, uint32_t count, uint32_t* index) {
  for (uint32_t i = 0; i < count; ++i) {
    if (!fence_test_signaled_flag(*fences[i])) continue;
    if (index != nullptr) *index = i;
    return true;
  }
  return false;
}

// All fences have a callback that wakes us.
int64_t sleep_until_any(Fence* const* fences, uint32_t count, bool interruptible, uint64_t timeout,
                        uint32_t* index) {
  bool interrupted = false;
  for (;;) {
    kernel::set_current_state();
    if (test_signaled_any(fences, count, index)) return at_least_1(timeout);
    if (interrupted) return -kernel::kErestartsys;
    if (timeout == 0) return 0;
    interrupted = interruptible && kernel::signal_pending();
    if (!interrupted) timeout = kernel::schedule_timeout("any fence", timeout);
  }
}

}  // namespace

int64_t fence_wait_timeout(Fence& fence, bool interruptible, uint64_t timeout) {
  kernel::might_sleep("dma_fence_wait_timeout");
  kernel::lockdep_might_wait_for_fence("dma_fence_wait_timeout");
  fence_enable_sw_signaling(fence);
  if (timeout > kernel::kMaxScheduleTimeout) timeout = kernel::kMaxScheduleTimeout;
  // A fence with a wait op keeps its ops: they may be used outside of the reader.
  kernel::rcu_read_lock();
  const FenceOps* ops = kernel::rcu_dereference(fence.ops);
  const auto wait = ops != nullptr && ops->wait != nullptr ? ops->wait : default_wait;
  kernel::rcu_read_unlock();
  return wait(fence, interruptible, timeout);
}

int fence_wait(Fence& fence, bool interruptible) {
  const int64_t left = fence_wait_timeout(fence, interruptible, kernel::kMaxScheduleTimeout);
  return left < 0 ? static_cast<int>(left) : 0;
}

int64_t fence_wait_any_timeout(Fence* const* fences, uint32_t count, bool interruptible,
                               uint64_t timeout, uint32_t* index) {
  kernel::might_sleep("dma_fence_wait_any_timeout");
  kernel::lockdep_might_wait_for_fence("dma_fence_wait_any_timeout");
  if (WARN_ON(fences == nullptr || count == 0)) return -EINVAL;
  if (timeout > kernel::kMaxScheduleTimeout) timeout = kernel::kMaxScheduleTimeout;
  if (timeout == 0) {
    for (uint32_t i = 0; i < count; ++i) {
      if (!fence_is_signaled(*fences[i])) continue;
      if (index != nullptr) *index = i;
      return 1;
    }
    return 0;
  }
  WaitCb* cbs;
  if (!kernel::kmalloc_array(cbs, count, "wait callbacks")) return -ENOMEM;
  uint32_t added = 0;
  for (; added < count; ++added) {
    cbs[added].task = sched::current();
    if (fence_add_callback(*fences[added], cbs[added].base, wake_waiter) != 0) break;
  }
  int64_t result;
  if (added == count) {
    result = sleep_until_any(fences, count, interruptible, timeout, index);
  } else {
    if (index != nullptr) *index = added;
    result = at_least_1(timeout);
  }
  while (added-- > 0) fence_remove_callback(*fences[added], cbs[added].base);
  kernel::kfree(cbs);
  return result;
}

bool fence_begin_signalling() {
  bool cookie;
  kernel::signalling_begin(&cookie);
  return cookie;
}

void fence_end_signalling(bool cookie) { kernel::signalling_end(cookie); }

}  // namespace dma
