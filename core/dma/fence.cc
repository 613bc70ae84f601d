#include "core/dma/fence.h"

#include <cerrno>

#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"

namespace dma {

namespace {

uint64_t context_counter = 1;

void free_rcu(kernel::RcuHead& head) {
  Fence& fence = *container_of(&head, Fence, rcu);
  if (fence.lock == &fence.inline_lock) kernel::spin_lock_destroy(fence.inline_lock);
  kernel::kfree(&fence);
}

void init(Fence& fence, const FenceOps& ops, kernel::SpinLock* lock, uint64_t context,
          uint64_t seqno, unsigned long flags, const char* type, kernel::Holder creator) {
  if (lock == nullptr) kernel::spin_lock_init(fence.inline_lock, type);
  fence.lock = lock != nullptr ? lock : &fence.inline_lock;
  fence.ops = &ops;
  kernel::init_list_head(fence.cb_list);
  fence.timestamp = 0;
  fence.context = context;
  fence.seqno = seqno;
  fence.flags = flags;
  fence.error = 0;
  kernel::kref_init(fence.refcount, type, creator);
}

// What a callback has to leave as it was.
struct CallbackContext {
  uint32_t irq_off, preempt_off, rcu_depth;

  static CallbackContext now() {
    const sched::Context& self = *sched::current();
    return {self.irq_off, self.preempt_off, kernel::task().rcu_depth};
  }
  bool operator==(const CallbackContext&) const = default;
};

void run_callback(Fence& fence, FenceCb& cb) {
  const CallbackContext before = CallbackContext::now();
  sched::point(sched::Point::kCallback);
  cb.func(fence, cb);  // may free cb
  if (kernel::checks_enabled &&
      !(kernel::spin_is_held(*fence.lock) && CallbackContext::now() == before))
    kernel::report(kernel::Verdict::kFenceContract, "callback-changed-context",
                   "a fence callback returned without the fence's lock, or with other locks, "
                   "interrupts or RCU readers than it was called with");
}

// Mirrors dma_fence_signal_timestamp_locked.
void complete(Fence& fence, uint64_t timestamp) {
  kernel::lockdep_assert_held(*fence.lock);
  if (kernel::test_and_set_bit(kFenceSignaledBit, fence.flags)) return;
  kernel::observe_state("fence", fence_object(fence), "pending", "signaled", fence.error);
  // Nothing of the maker is needed from here on, unless it wants to hear of the end.
  if (fence.ops->release == nullptr && fence.ops->wait == nullptr)
    kernel::rcu_assign_pointer(fence.ops, static_cast<const FenceOps*>(nullptr));
  fence.timestamp = timestamp;
  // Fully ordered: who sees the bit sees the time.
  kernel::test_and_set_bit(kFenceTimestampBit, fence.flags);
  // Nobody adds any more: the flag is set. Nobody removes: that takes the lock.
  while (!kernel::list_empty(fence.cb_list)) {
    FenceCb& cb = *container_of(fence.cb_list.next, FenceCb, node);
    if (cb.node.prev != &fence.cb_list || cb.node.next->prev != &cb.node) {
      if (kernel::checks_enabled)
        kernel::report(kernel::Verdict::kFenceContract, "callback-added-twice",
                       "a callback was added to a second fence while it was queued on this one");
      break;  // its links lead elsewhere
    }
    kernel::list_del_init(cb.node);
    run_callback(fence, cb);
  }
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
    complete(fence, sched::now());
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
  }
  if (fence.ops != nullptr && fence.ops->release != nullptr)
    fence.ops->release(fence);
  else
    fence_free(fence);
}

// With the lock held. False: the fence is complete. Mirrors __dma_fence_enable_signaling.
bool enable_signaling_locked(Fence& fence) {
  kernel::lockdep_assert_held(*fence.lock);
  const bool was_enabled = kernel::test_and_set_bit(kFenceEnableSignalBit, fence.flags);
  if (fence_test_signaled_flag(fence)) return false;
  if (!was_enabled && fence.ops->enable_signaling != nullptr &&
      !fence.ops->enable_signaling(fence)) {
    fence_signal_locked(fence);
    return false;
  }
  return true;
}

// Whether the `signaled` op says done. Without ops the fence has been signaled meanwhile: upstream
// says no then, although the hardware was done before it was asked.
bool ask_signaled(Fence& fence) {
  kernel::rcu_read_lock();
  const FenceOps* ops = kernel::rcu_dereference(fence.ops);
  const bool done = ops == nullptr || (ops->signaled != nullptr && ops->signaled(fence));
  kernel::rcu_read_unlock();
  return done;
}

// The ops of a fence that may be asked for its names; nullptr: it is signaled. The ops come first:
// an unsignaled fence has them, but a flag that was clear says nothing of ops that are read later.
const FenceOps* naming_ops(Fence& fence, const char* caller) {
  kernel::rcu_assert_reader(caller);
  const FenceOps* ops = kernel::rcu_dereference(fence.ops);
  return fence_test_signaled_flag(fence) ? nullptr : ops;
}

// --- the stub ---

const char* stub_name(Fence&) { return "stub"; }
const FenceOps kStubOps = {stub_name, stub_name, nullptr, nullptr, nullptr};
constexpr kernel::Holder kStubHolder{"the global stub"};
Fence* stub;

}  // namespace

uint64_t fence_context_alloc(unsigned count) {
  return kernel::atomic64_fetch_add(count, context_counter);
}

void fence_init(Fence& fence, const FenceOps& ops, kernel::SpinLock* lock, uint64_t context,
                uint64_t seqno, const char* type, kernel::Holder creator) {
  init(fence, ops, lock, context, seqno, 0, type, creator);
}

void fence_init64(Fence& fence, const FenceOps& ops, kernel::SpinLock* lock, uint64_t context,
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

void fence_free(Fence& fence) { kernel::call_rcu(fence.rcu, free_rcu); }

void fence_signal_timestamp_locked(Fence& fence, uint64_t timestamp) {
  if (kernel::kref_read(fence.refcount) == 0 && kernel::checks_enabled)
    kernel::report(kernel::Verdict::kFenceContract, "signaled-after-release",
                   "a fence is signaled by somebody who holds no reference: its count is zero");
  complete(fence, timestamp);
}

void fence_signal_locked(Fence& fence) { fence_signal_timestamp_locked(fence, sched::now()); }

void fence_signal_timestamp(Fence& fence, uint64_t timestamp) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  fence_signal_timestamp_locked(fence, timestamp);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
}

bool fence_check_and_signal(Fence& fence) {
  const bool cookie = fence_begin_signalling();
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const bool before = fence_test_signaled_flag(fence);
  fence_signal_locked(fence);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  fence_end_signalling(cookie);
  return before;
}

void fence_signal(Fence& fence) { fence_check_and_signal(fence); }

bool fence_peek_signaled(const Fence& fence) {
  return (__atomic_load_n(&fence.flags, __ATOMIC_RELAXED) >> kFenceSignaledBit & 1) != 0;
}

bool fence_test_signaled_flag(const Fence& fence) {
  return kernel::test_bit(kFenceSignaledBit, fence.flags);
}

bool fence_is_signaled(Fence& fence) {
  if (fence_test_signaled_flag(fence)) return true;
  if (!ask_signaled(fence)) return false;
  fence_signal(fence);
  return true;
}

bool fence_is_signaled_locked(Fence& fence) {
  kernel::lockdep_assert_held(*fence.lock);
  if (fence_test_signaled_flag(fence)) return true;
  if (!ask_signaled(fence)) return false;
  fence_signal_locked(fence);
  return true;
}

uint64_t fence_timestamp(Fence& fence) {
  if (WARN_ON(!fence_is_signaled(fence))) return sched::now();
  // Whoever signals it may not be that far yet; it holds the lock until then.
  while ((kernel::load_acquire(fence.flags) >> kFenceTimestampBit & 1) == 0) {
    unsigned long flags;
    kernel::spin_lock_irqsave(*fence.lock, flags);
    kernel::spin_unlock_irqrestore(*fence.lock, flags);
  }
  return fence.timestamp;
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

int fence_get_status_locked(Fence& fence) {
  if (!fence_is_signaled_locked(fence)) return 0;
  return fence.error != 0 ? fence.error : 1;
}

int fence_get_status(Fence& fence) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const int status = fence_get_status_locked(fence);
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return status;
}

void fence_set_deadline(Fence& fence, uint64_t deadline) {
  kernel::rcu_read_lock();
  const FenceOps* ops = kernel::rcu_dereference(fence.ops);
  if (ops != nullptr && ops->set_deadline != nullptr && !fence_is_signaled(fence))
    ops->set_deadline(fence, deadline);
  kernel::rcu_read_unlock();
}

const char* fence_driver_name(Fence& fence) {
  const FenceOps* ops = naming_ops(fence, "dma_fence_driver_name");
  return ops != nullptr ? ops->get_driver_name(fence) : "detached-driver";
}

const char* fence_timeline_name(Fence& fence) {
  const FenceOps* ops = naming_ops(fence, "dma_fence_timeline_name");
  return ops != nullptr ? ops->get_timeline_name(fence) : "signaled-timeline";
}

bool seqno_is_later(const Fence& fence, uint64_t f1, uint64_t f2) {
  if (kernel::test_bit(kFenceSeqno64Bit, fence.flags)) return f1 > f2;
  return static_cast<int32_t>(static_cast<uint32_t>(f1) - static_cast<uint32_t>(f2)) > 0;
}

bool fence_is_later(const Fence& f1, const Fence& f2) {
  if (WARN_ON(f1.context != f2.context)) return false;
  return seqno_is_later(f1, f1.seqno, f2.seqno);
}

bool fence_is_later_or_same(const Fence& f1, const Fence& f2) {
  return &f1 == &f2 || fence_is_later(f1, f2);
}

Fence* fence_later(Fence& f1, Fence& f2) {
  if (WARN_ON(f1.context != f2.context)) return nullptr;
  Fence& later = fence_is_later(f1, f2) ? f1 : f2;
  return fence_is_signaled(later) ? nullptr : &later;
}

int stub_init() {
  stub = fence_allocate_private_stub(sched::now(), kStubHolder);
  return stub != nullptr ? 0 : -ENOMEM;
}

void stub_fini() {
  fence_put(stub, kStubHolder);
  stub = nullptr;
}

Fence* fence_get_stub(kernel::Holder holder) { return fence_get(stub, holder); }

Fence* fence_allocate_private_stub(uint64_t timestamp, kernel::Holder holder) {
  Fence* fence = kernel::kzalloc_obj<Fence>("dma_fence");
  if (fence == nullptr) return nullptr;
  fence_init(*fence, kStubOps, nullptr, 0, 0, "stub fence", holder);
  kernel::set_bit(kFenceEnableSignalBit, fence->flags);
  fence_signal_timestamp(*fence, timestamp);
  return fence;
}

void fence_reset() { context_counter = 1; }

}  // namespace dma
