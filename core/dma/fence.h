// dma_fence: something that will complete once, and callbacks for when it does.
//
// A fence has a context (a timeline) and a sequence number in it, and borrows a lock from whoever
// made it. Its memory is freed by RCU: with an RCU reader a fence pointer can be looked at, and
// taken with fence_get_rcu(), which fails once the count is zero.
#pragma once

#include <cstdint>

#include "core/kernel/kref.h"
#include "core/kernel/list.h"
#include "core/kernel/rcu.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/wait.h"

namespace dma {

struct Fence;

struct FenceOps {
  const char* (*get_driver_name)(Fence& fence);
  const char* (*get_timeline_name)(Fence& fence);
  // Whether the hardware is done. Called with or without the fence's lock; must not take it. May be
  // nullptr.
  bool (*signaled)(Fence& fence);
  // Makes sure that the fence will signal without being polled; false: it is done already. Lock
  // held. May be nullptr.
  bool (*enable_signaling)(Fence& fence);
  // Frees the memory, after a grace period. May be nullptr: kfree_rcu of the fence.
  void (*release)(Fence& fence);
};

// Bits of Fence::flags.
enum FenceFlag : unsigned {
  kFenceSignaledBit,
  kFenceTimestampBit,
  kFenceEnableSignalBit,
  kFenceSeqno64Bit,
};

struct Fence {
  kernel::SpinLock* lock;
  const FenceOps* ops;
  kernel::ListHead cb_list;  // under lock, while unsignaled
  uint64_t timestamp;        // virtual nanoseconds; valid with kFenceTimestampBit
  uint64_t context;
  uint64_t seqno;
  unsigned long flags;
  kernel::Kref refcount;
  int error;  // 0 or -errno; fixed once signaled
  kernel::RcuHead rcu;
};

struct FenceCb {
  kernel::ListHead node;
  void (*func)(Fence& fence, FenceCb& cb);
};

// Reserves `count` fresh contexts and returns the first. Mirrors dma_fence_context_alloc.
uint64_t fence_context_alloc(unsigned count);

// One reference, for `creator`. `type` names the fence in reports. Mirrors dma_fence_init /
// dma_fence_init64: with the 64-bit flag sequence numbers compare as plain u64, without it as
// wrapping u32.
void fence_init(Fence& fence, const FenceOps& ops, kernel::SpinLock& lock, uint64_t context,
                uint64_t seqno, const char* type, kernel::Holder creator);
void fence_init64(Fence& fence, const FenceOps& ops, kernel::SpinLock& lock, uint64_t context,
                  uint64_t seqno, const char* type, kernel::Holder creator);

// References. Any context. fence_put(nullptr, ...) does nothing.
Fence* fence_get(Fence* fence, kernel::Holder holder);
void fence_put(Fence* fence, kernel::Holder holder);
// nullptr if the count is zero. RCU reader.
Fence* fence_get_rcu(Fence* fence, kernel::Holder holder);
// The fence that `*slot` points at, with a reference; retries while the pointer changes. RCU
// reader.
Fence* fence_get_rcu_safe(Fence* const& slot, kernel::Holder holder);
// The ledger's name of the fence, for holders that are fields of it.
inline uint32_t fence_object(const Fence& fence) { return fence.refcount.object; }

// Completes the fence: flag, timestamp, callbacks. Effective once. Any context. Mirrors
// dma_fence_signal.
void fence_signal(Fence& fence);
// The same with the fence's lock held.
void fence_signal_locked(Fence& fence);
// Completes the fence; true: it was complete before. Mirrors dma_fence_check_and_signal.
bool fence_check_and_signal(Fence& fence);

// Flag only. Mirrors dma_fence_test_signaled_flag.
bool fence_test_signaled_flag(const Fence& fence);
// Flag, or else the `signaled` op; if that says done, completes the fence (and takes its lock for
// that).
bool fence_is_signaled(Fence& fence);
// The same with the fence's lock held.
bool fence_is_signaled_locked(Fence& fence);

// 0: `func` will run once, with the fence's lock held and interrupts off. -ENOENT: the fence is
// complete, `func` will not run. -EINVAL: bad arguments. Any context. Mirrors
// dma_fence_add_callback.
int fence_add_callback(Fence& fence, FenceCb& cb, void (*func)(Fence& fence, FenceCb& cb));
// True: the callback was still queued and will not run.
bool fence_remove_callback(Fence& fence, FenceCb& cb);
// Mirrors dma_fence_enable_sw_signaling.
void fence_enable_sw_signaling(Fence& fence);

// Fixes the error, -4095..-1, before the fence is signaled. Lock of the fence held, or sole owner.
void fence_set_error(Fence& fence, int error);
// 0 pending, 1 complete, <0 complete with this error. Any context.
int fence_get_status(Fence& fence);

// Waits until the fence is complete. What is left of `timeout` (at least 1); 0: it is over;
// -ERESTARTSYS: interruptible, and a signal is pending. Timeout 0 polls. May sleep. Mirrors
// dma_fence_wait_timeout.
int64_t fence_wait_timeout(Fence& fence, bool interruptible, uint64_t timeout);
// 0 or -ERESTARTSYS. Mirrors dma_fence_wait.
int fence_wait(Fence& fence, bool interruptible);

// Whether seqno f1 comes after f2 on a timeline with the given comparison.
bool seqno_is_later(const Fence& fence, uint64_t f1, uint64_t f2);
// Whether f1 is later than f2, or the same; both of one context.
bool fence_is_later_or_same(const Fence& f1, const Fence& f2);

// The global fence that is complete from the start. `stub_init` once per device; 0 or -ENOMEM.
int stub_init();
void stub_fini();
Fence* fence_get_stub(kernel::Holder holder);

// Starts a new run: contexts count from 1 again.
void fence_reset();

}  // namespace dma
