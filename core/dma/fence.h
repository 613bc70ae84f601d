// dma_fence: something that will complete once, and callbacks for when it does.
//
// A fence has a context (a timeline) and a sequence number in it, and a lock: one that it borrows
// from whoever made it, or its own. Its memory is freed by RCU: with an RCU reader a fence pointer
// can be looked at, and taken with fence_get_rcu(), which fails once the count is zero.
//
// A fence whose ops have neither `wait` nor `release` lets go of its ops when it is signaled: from
// then on it needs nothing of its maker. `ops` is therefore an RCU pointer that may be null.
#pragma once

#include <cstdint>

#include "core/kernel/atomic.h"
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
  // held; called at most once. May be nullptr.
  bool (*enable_signaling)(Fence& fence);
  // Frees the memory, after a grace period. May be nullptr: fence_free().
  void (*release)(Fence& fence);
  // Replaces the sleep of fence_wait_timeout(); results as there. May be nullptr.
  int64_t (*wait)(Fence& fence, bool interruptible, uint64_t timeout) = nullptr;
  // A hint that somebody would like the fence to be complete at this time. RCU reader. May be
  // nullptr.
  void (*set_deadline)(Fence& fence, uint64_t deadline) = nullptr;
};

// Bits of Fence::flags.
enum FenceFlag : unsigned {
  kFenceSignaledBit,
  kFenceTimestampBit,
  kFenceEnableSignalBit,
  kFenceSeqno64Bit,
};

struct Fence {
  kernel::SpinLock* lock;    // inline_lock, or the maker's
  const FenceOps* ops;       // RCU, changed under lock; nullptr: signaled and detached
  kernel::ListHead cb_list;  // under lock, while unsignaled
  uint64_t timestamp;        // virtual nanoseconds; valid with kFenceTimestampBit
  uint64_t context;
  uint64_t seqno;
  unsigned long flags;
  kernel::Kref refcount;
  int error;  // 0 or -errno; fixed once signaled
  kernel::RcuHead rcu;
  kernel::SpinLock inline_lock;
};

struct FenceCb {
  kernel::ListHead node;
  void (*func)(Fence& fence, FenceCb& cb);
};

// Reserves `count` fresh contexts and returns the first. Mirrors dma_fence_context_alloc.
uint64_t fence_context_alloc(unsigned count);

// One reference, for `creator`. `type` names the fence in reports; a literal. `lock` nullptr: the
// fence uses a lock of its own, whose class is `type`. Mirrors dma_fence_init / dma_fence_init64:
// with the 64-bit flag sequence numbers compare as plain u64, without it as wrapping u32.
void fence_init(Fence& fence, const FenceOps& ops, kernel::SpinLock* lock, uint64_t context,
                uint64_t seqno, const char* type, kernel::Holder creator);
void fence_init64(Fence& fence, const FenceOps& ops, kernel::SpinLock* lock, uint64_t context,
                  uint64_t seqno, const char* type, kernel::Holder creator);

// References. Any context. fence_put(nullptr, ...) does nothing.
Fence* fence_get(Fence* fence, kernel::Holder holder);
void fence_put(Fence* fence, kernel::Holder holder);
// nullptr if the count is zero. RCU reader.
Fence* fence_get_rcu(Fence* fence, kernel::Holder holder);
// The fence that `*slot` points at, with a reference; retries while the pointer changes. RCU
// reader.
Fence* fence_get_rcu_safe(Fence* const& slot, kernel::Holder holder);
// Frees the fence, and whatever it is the first member of, after a grace period. For release ops;
// any context. Mirrors dma_fence_free.
void fence_free(Fence& fence);
// The ledger's name of the fence, for holders that are fields of it.
inline uint32_t fence_object(const Fence& fence) { return fence.refcount.object; }

// Completes the fence: flag, timestamp, callbacks. Effective once. Any context; by somebody who
// holds a reference. Mirrors dma_fence_signal.
void fence_signal(Fence& fence);
// The same with the fence's lock held.
void fence_signal_locked(Fence& fence);
// The same as of a past time. Mirror dma_fence_signal_timestamp and its _locked.
void fence_signal_timestamp(Fence& fence, uint64_t timestamp);
void fence_signal_timestamp_locked(Fence& fence, uint64_t timestamp);
// Completes the fence; true: it was complete before. Mirrors dma_fence_check_and_signal.
bool fence_check_and_signal(Fence& fence);

// Flag only. Mirrors dma_fence_test_signaled_flag.
bool fence_test_signaled_flag(const Fence& fence);
// The same for a check of ours, which must leave the run as it is: no scheduling point.
bool fence_peek_signaled(const Fence& fence);
// Flag, or else the `signaled` op; if that says done, completes the fence (and takes its lock for
// that).
bool fence_is_signaled(Fence& fence);
// The same with the fence's lock held.
bool fence_is_signaled_locked(Fence& fence);
// When the fence was completed; it must be complete. Any context. Mirrors dma_fence_timestamp.
uint64_t fence_timestamp(Fence& fence);

// 0: `func` will run once, with the fence's lock held and interrupts off. -ENOENT: the fence is
// complete, `func` will not run. -EINVAL: bad arguments. Any context. Mirrors
// dma_fence_add_callback.
int fence_add_callback(Fence& fence, FenceCb& cb, void (*func)(Fence& fence, FenceCb& cb));
// True: the callback was still queued and will not run. Otherwise it has run, or never will; it no
// longer runs.
bool fence_remove_callback(Fence& fence, FenceCb& cb);
// Mirrors dma_fence_enable_sw_signaling.
void fence_enable_sw_signaling(Fence& fence);

// Fixes the error, -4095..-1, before the fence is signaled. Lock of the fence held, or sole owner.
void fence_set_error(Fence& fence, int error);
// 0 pending, 1 complete, <0 complete with this error. Any context.
int fence_get_status(Fence& fence);
// The same with the fence's lock held.
int fence_get_status_locked(Fence& fence);

// Hands a deadline (virtual nanoseconds) to the `set_deadline` op of an unsignaled fence. Any
// context. Mirrors dma_fence_set_deadline.
void fence_set_deadline(Fence& fence, uint64_t deadline);

// What the fence's maker calls itself and the timeline; "detached-driver" and "signaled-timeline"
// once the fence is signaled. RCU reader, for as long as the string is used. Mirror
// dma_fence_driver_name and dma_fence_timeline_name.
const char* fence_driver_name(Fence& fence);
const char* fence_timeline_name(Fence& fence);

// Waits until the fence is complete. What is left of `timeout` (at least 1); 0: it is over;
// -ERESTARTSYS: interruptible, and a signal is pending. Timeout 0 polls. May sleep. Mirrors
// dma_fence_wait_timeout.
int64_t fence_wait_timeout(Fence& fence, bool interruptible, uint64_t timeout);
// 0 or -ERESTARTSYS. Mirrors dma_fence_wait.
int fence_wait(Fence& fence, bool interruptible);
// Waits until one of the fences is complete; `*index`, unless nullptr, is then the first that is.
// Results as above, and -EINVAL: no fences; -ENOMEM. May sleep. Mirrors dma_fence_wait_any_timeout.
int64_t fence_wait_any_timeout(Fence* const* fences, uint32_t count, bool interruptible,
                               uint64_t timeout, uint32_t* index);

// A section that some fence's signaling depends on: no waiting for fences in it, and no memory that
// may have to be reclaimed. Sections nest. Mirror dma_fence_begin_signalling and its end.
bool fence_begin_signalling();
void fence_end_signalling(bool cookie);

// Whether seqno f1 comes after f2 on a timeline with the given comparison. Mirrors
// __dma_fence_is_later.
bool seqno_is_later(const Fence& fence, uint64_t f1, uint64_t f2);
// Whether f1 comes after f2. Of one context; otherwise a warning, and false. Mirrors
// dma_fence_is_later.
bool fence_is_later(const Fence& f1, const Fence& f2);
// Whether f1 comes after f2 or is f2; another fence with the same seqno is neither. Mirrors
// dma_fence_is_later_or_same.
bool fence_is_later_or_same(const Fence& f1, const Fence& f2);
// The later of two fences of one context if it is unsignaled, else nullptr. Takes no reference.
// Mirrors dma_fence_later.
Fence* fence_later(Fence& f1, Fence& f2);

// Whose ops a fence has.
inline bool fence_has_ops(const Fence& fence, const FenceOps& ops) {
  return kernel::read_once(fence.ops) == &ops;
}
// Fences made of fences: fence_array.h, fence_chain.h. These keep their ops.
extern const FenceOps kFenceArrayOps;
extern const FenceOps kFenceChainOps;
inline bool fence_is_array(const Fence& fence) { return fence_has_ops(fence, kFenceArrayOps); }
inline bool fence_is_chain(const Fence& fence) { return fence_has_ops(fence, kFenceChainOps); }
inline bool fence_is_container(const Fence& fence) {
  return fence_is_array(fence) || fence_is_chain(fence);
}

// The global fence that is complete from the start. `stub_init` once per device; 0 or -ENOMEM.
int stub_init();
void stub_fini();
Fence* fence_get_stub(kernel::Holder holder);
// A fence of its own that is complete since `timestamp`, with a reference for `holder`; nullptr: no
// memory. Mirrors dma_fence_allocate_private_stub.
Fence* fence_allocate_private_stub(uint64_t timestamp, kernel::Holder holder);

// Starts a new run: contexts count from 1 again.
void fence_reset();

}  // namespace dma
