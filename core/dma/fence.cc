#include "core/dma/fence.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/errno.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"

namespace dma {

namespace {

uint64_t context_counter = 1;

void free_rcu(kernel::RcuHead& head) { kernel::kfree(container_of(&head, Fence, rcu)); }

void init(Fence& fence, const FenceOps& ops, kernel::SpinLock& lock, uint64_t context,
          uint64_t seqno, unsigned long flags, const char* type, kernel::Holder creator) {
  fence.lock = &lock;
  fence.ops = &ops;
  kernel::init_list_head(fence.cb_list);
  fence.timestamp = 0;
  fence.context = context;
  fence.seqno = seqno;
  fence.flags = flags;
  fence.error = 0;
  kernel::kref_init(fence.refcount, type, creator);
}

// Mirrors dma_fence_release.
void release(kernel::Kref& kref) {
  Fence& fence = *container_of(&kref, Fence, refcount);
  if (!kernel::list_empty(fence.cb_list) && !fence_test_signaled_flag(fence)) {
    if (kernel::checks_enabled)
      kernel::report(
          kernel::Verdict::kFenceContract, "released-while-waited-for",
          "the last reference of an unsignaled fence was dropped while somebody waits for it");
    // Whoever waits must not sleep for ever.
    unsigned long flags;
    kernel::spin_lock_irqsave(*fence.lock, flags);
    fence.error = -EDEADLK;
    fence_signal_locked(fence);
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
  }
  if (fence.ops->release != nullptr)
    fence.ops->release(fence);
  else
    kernel::call_rcu(fence.rcu, free_rcu);
}

// With the lock held. False: the fence is complete. Mirrors __dma_fence_enable_signaling.
bool enable_signaling_locked(Fence& fence) {
  const bool was_enabled = kernel::test_and_set_bit(kFenceEnableSignalBit, fence.flags);
  if (fence_test_signaled_flag(fence)) return false;
  if (!was_enabled && fence.ops->enable_signaling != nullptr &&
      !fence.ops->enable_signaling(fence)) {
    fence_signal_locked(fence);
    return false;
  }
  return true;
}

struct WaitCb {
  FenceCb base;
  const sched::Context* task;
};

void wake_waiter(Fence&, FenceCb& cb) {
  kernel::wake_up_process(*reinterpret_cast<WaitCb*>(&cb)->task);
}

// Mirrors dma_fence_default_wait.
int64_t default_wait(Fence& fence, bool interruptible, uint64_t timeout) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  if (fence_test_signaled_flag(fence)) {
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
    return timeout ? static_cast<int64_t>(timeout) : 1;
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
  if (signaled) return timeout ? static_cast<int64_t>(timeout) : 1;
  return interrupted ? -kernel::kErestartsys : 0;
}

// --- the stub ---

const char* stub_name(Fence&) { return "stub"; }
const FenceOps kStubOps = {stub_name, stub_name, nullptr, nullptr, nullptr};
constexpr kernel::Holder kStubHolder{"the global stub"};
kernel::SpinLock stub_lock;
Fence* stub;

}  // namespace

uint64_t fence_context_alloc(unsigned count) {
  return kernel::atomic64_fetch_add(count, context_counter);
}

void fence_init(Fence& fence, const FenceOps& ops, kernel::SpinLock& lock, uint64_t context,
                uint64_t seqno, const char* type, kernel::Holder creator) {
  init(fence, ops, lock, context, seqno, 0, type, creator);
}

void fence_init64(Fence& fence, const FenceOps& ops, kernel::SpinLock& lock, uint64_t context,
                  uint64_t seqno, const char* type, kernel::Holder creator) {
  init(fence, ops, lock, context, seqno, 1ul << kFenceSeqno64Bit, type, creator);
}

Fence* fence_get(Fence* fence, kernel::Holder holder) {
  if (fence != nullptr) kernel::kref_get(fence->refcount, holder);
  return fence;
}

void fence_put(Fence* fence, kernel::Holder holder) {
  if (fence != nullptr) kernel::kref_put(fence->refcount, holder, release);
}

Fence* fence_get_rcu(Fence* fence, kernel::Holder holder) {
  kernel::rcu_assert_reader("dma_fence_get_rcu");
  return kernel::kref_get_unless_zero(fence->refcount, holder) ? fence : nullptr;
}

Fence* fence_get_rcu_safe(Fence* const& slot, kernel::Holder holder) {
  for (;;) {
    Fence* fence = kernel::rcu_dereference(slot);
    if (fence == nullptr) return nullptr;
    if (fence_get_rcu(fence, holder) == nullptr) continue;
    // The fence may have been freed and its memory reused before the reference was taken.
    if (fence == kernel::rcu_dereference(slot)) return fence;
    fence_put(fence, holder);
  }
}

void fence_signal_locked(Fence& fence) {
  kernel::lockdep_assert_held(*fence.lock);
  if (kernel::test_and_set_bit(kFenceSignaledBit, fence.flags)) return;
  kernel::ListHead cb_list;
  kernel::list_replace_init(fence.cb_list, cb_list);
  fence.timestamp = sched::now();
  kernel::set_bit(kFenceTimestampBit, fence.flags);
  list_for_each_entry_safe(cb, next, cb_list, FenceCb, node) {
    kernel::init_list_head(cb->node);
    sched::point(sched::Point::kCallback);
    cb->func(fence, *cb);
  }
}

bool fence_check_and_signal(Fence& fence) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const bool before = fence_test_signaled_flag(fence);
  fence_signal_locked(fence);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return before;
}

void fence_signal(Fence& fence) { fence_check_and_signal(fence); }

bool fence_test_signaled_flag(const Fence& fence) {
  return kernel::test_bit(kFenceSignaledBit, fence.flags);
}

bool fence_is_signaled(Fence& fence) {
  if (fence_test_signaled_flag(fence)) return true;
  if (fence.ops->signaled == nullptr || !fence.ops->signaled(fence)) return false;
  fence_signal(fence);
  return true;
}

bool fence_is_signaled_locked(Fence& fence) {
  if (fence_test_signaled_flag(fence)) return true;
  if (fence.ops->signaled == nullptr || !fence.ops->signaled(fence)) return false;
  fence_signal_locked(fence);
  return true;
}

int fence_add_callback(Fence& fence, FenceCb& cb, void (*func)(Fence& fence, FenceCb& cb)) {
  if (WARN_ON(func == nullptr)) return -EINVAL;
  kernel::init_list_head(cb.node);
  if (fence_test_signaled_flag(fence)) return -ENOENT;
  int error = 0;
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  if (enable_signaling_locked(fence)) {
    cb.func = func;
    kernel::list_add_tail(cb.node, fence.cb_list);
  } else {
    error = -ENOENT;
  }
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return error;
}

bool fence_remove_callback(Fence& fence, FenceCb& cb) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const bool queued = !kernel::list_empty(cb.node);
  if (queued) kernel::list_del_init(cb.node);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return queued;
}

void fence_enable_sw_signaling(Fence& fence) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  enable_signaling_locked(fence);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
}

void fence_set_error(Fence& fence, int error) {
  if (WARN_ON(fence_test_signaled_flag(fence))) return;
  if (WARN_ON(error >= 0 || error < -4095)) return;
  fence.error = error;
}

int fence_get_status(Fence& fence) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const int status = !fence_is_signaled_locked(fence) ? 0 : fence.error != 0 ? fence.error : 1;
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return status;
}

int64_t fence_wait_timeout(Fence& fence, bool interruptible, uint64_t timeout) {
  kernel::might_sleep("dma_fence_wait_timeout");
  fence_enable_sw_signaling(fence);
  if (timeout > kernel::kMaxScheduleTimeout) timeout = kernel::kMaxScheduleTimeout;
  return default_wait(fence, interruptible, timeout);
}

int fence_wait(Fence& fence, bool interruptible) {
  const int64_t left = fence_wait_timeout(fence, interruptible, kernel::kMaxScheduleTimeout);
  return left < 0 ? static_cast<int>(left) : 0;
}

bool seqno_is_later(const Fence& fence, uint64_t f1, uint64_t f2) {
  if (kernel::test_bit(kFenceSeqno64Bit, fence.flags)) return f1 > f2;
  return static_cast<int32_t>(static_cast<uint32_t>(f1) - static_cast<uint32_t>(f2)) > 0;
}

bool fence_is_later_or_same(const Fence& f1, const Fence& f2) {
  return &f1 == &f2 || !seqno_is_later(f1, f2.seqno, f1.seqno);
}

int stub_init() {
  kernel::spin_lock_init(stub_lock, "dma_fence_stub_lock");
  stub = kernel::kzalloc_obj<Fence>("dma_fence");
  if (stub == nullptr) return -ENOMEM;
  fence_init(*stub, kStubOps, stub_lock, 0, 0, "stub fence", kStubHolder);
  kernel::set_bit(kFenceEnableSignalBit, stub->flags);
  fence_signal(*stub);
  return 0;
}

void stub_fini() {
  fence_put(stub, kStubHolder);
  stub = nullptr;
}

Fence* fence_get_stub(kernel::Holder holder) { return fence_get(stub, holder); }

void fence_reset() { context_counter = 1; }

}  // namespace dma
