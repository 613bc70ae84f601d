// dma_resv: the fences of a buffer, each with what it uses the buffer for, and the ww lock over
// them.
//
// Fences are added and replaced with the lock held. Without it they can be looked at as an RCU
// reader; such a walk starts over when the list was replaced meanwhile.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"
#include "core/kernel/ww_mutex.h"

namespace dma {

// What a fence uses a buffer for. Asking for one usage means all with a smaller or equal number.
enum class ResvUsage : uint8_t {
  kKernel,    // memory management: nobody may touch the buffer before
  kWrite,     // implicit synchronization, writer
  kRead,      // implicit synchronization, reader
  kBookkeep,  // explicit synchronization and preemption fences: only memory management waits
};

// The class of all reservation locks; wait-die.
extern kernel::WwClass reservation_ww_class;

struct ResvList;

struct Resv {
  kernel::WwMutex lock;
  ResvList* fences;     // changed under lock, read by RCU readers; nullptr: none yet
  uint32_t generation;  // of the newest list; under lock
  unsigned reserved;    // slots reserved since the lock was taken and not used yet; under lock
  uint32_t object;      // the ledger's number of the object that this reservation belongs to
};

// Role of a reservation as a holder of fences.
inline constexpr char kResvFences[] = "resv.fences";

// `object`: the ledger's number of the owner, which names it as a holder. Mirrors dma_resv_init.
void resv_init(Resv& obj, uint32_t object);
// Puts all fences. Nobody uses it any more; not locked. Mirrors dma_resv_fini.
void resv_fini(Resv& obj);

// The lock; process context. 0; -EDEADLK: back off, drop all locks of `ctx` and take this one with
// the slow variant; -EALREADY: held by `ctx` already. The interruptible ones: -EINTR. Mirror
// dma_resv_lock and its kin. The unlock gives back the slots that were reserved and not used.
int resv_lock(Resv& obj, kernel::WwAcquireCtx* ctx);
int resv_lock_interruptible(Resv& obj, kernel::WwAcquireCtx* ctx);
void resv_lock_slow(Resv& obj, kernel::WwAcquireCtx& ctx);
int resv_lock_slow_interruptible(Resv& obj, kernel::WwAcquireCtx& ctx);
bool resv_trylock(Resv& obj);
void resv_unlock(Resv& obj);
bool resv_is_locked(const Resv& obj);
void resv_assert_held(const Resv& obj);

// Makes sure that `num_fences`, at least 1, can be added before the unlock. Calls do not add up:
// the largest counts. -ENOMEM: the fences are as before. Process context, lock held. Mirrors
// dma_resv_reserve_fences.
int resv_reserve_fences(Resv& obj, unsigned num_fences);
// Adds a fence, with a reference of its own. It takes the slot of an older or the same one of its
// context with the same or a larger usage number, or of one that is signaled, or else a reserved
// slot: a kernel with debugging notices a missing reservation, and so do we (warn-on); the fence is
// not added then. Lock held. Mirrors dma_resv_add_fence.
void resv_add_fence(Resv& obj, Fence& fence, ResvUsage usage);
// Every fence of `context` gives way to `replacement`, which takes `usage`. The caller knows that
// nobody needs to wait for the old ones any more. Lock held. Mirrors dma_resv_replace_fences.
void resv_replace_fences(Resv& obj, uint64_t context, Fence& replacement, ResvUsage usage);

// A walk over the fences with usage <= the one asked for.
struct ResvIter {
  Resv* obj;
  ResvUsage usage;        // asked for
  Fence* fence;           // of an unlocked walk, which holds a reference: the present one
  ResvUsage fence_usage;  // of the present one
  unsigned index;         // of the next slot
  ResvList* fences;       // of an unlocked walk: valid within the RCU reader that read it
  uint32_t generation;    // of `fences`
  unsigned num_fences;    // in `fences` when the walk (re)started
  bool is_restarted;      // the present fence is the first one
};
// Role of an unlocked walk that holds its present fence.
inline constexpr char kResvIter[] = "dma_resv_iter";

// Yields signaled fences, too. Lock held; no references are taken. Mirror dma_resv_iter_first and
// _next, and dma_resv_for_each_fence:
//   resv_for_each_fence(cursor, obj, usage, fence) { ... cursor.fence_usage ... }
Fence* resv_iter_first(ResvIter& cursor, Resv& obj, ResvUsage usage);
Fence* resv_iter_next(ResvIter& cursor);

// The same without the lock: yields unsignaled fences only, each with a reference of the cursor.
// `is_restarted` says that the walk began, or began again: what it gathered so far is void.
// resv_iter_end() drops what a walk left early holds. Any context in which the fences may be put.
// Lists are told apart by a generation: upstream compares addresses, even of lists freed meanwhile.
void resv_iter_begin(ResvIter& cursor, Resv& obj, ResvUsage usage);
void resv_iter_end(ResvIter& cursor);
Fence* resv_iter_first_unlocked(ResvIter& cursor);
Fence* resv_iter_next_unlocked(ResvIter& cursor);

// All unsignaled fences of a usage in an array (kfree'd by the caller), each with a reference for
// `holder`; none: 0, and the array may be nullptr. -ENOMEM: nothing is held, the array is nullptr.
// Process context, without the lock. Mirrors dma_resv_get_fences.
int resv_get_fences(Resv& obj, ResvUsage usage, unsigned* num_fences, Fence*** fences,
                    kernel::Holder holder);
// The same as one fence: nullptr if there is none, an array if there are several. Mirrors
// dma_resv_get_singleton.
int resv_get_singleton(Resv& obj, ResvUsage usage, Fence** fence, kernel::Holder holder);
// Makes `dst` hold the unsignaled fences of `src`. -ENOMEM: `dst` is as before. Lock of dst held.
// Mirrors dma_resv_copy_fences.
int resv_copy_fences(Resv& dst, Resv& src);

// Waits for all fences of a usage. What is left of `timeout`, at least 1; 0: over; -ERESTARTSYS.
// Timeout 0 polls: 1 if idle. With or without the lock. Mirrors dma_resv_wait_timeout.
int64_t resv_wait_timeout(Resv& obj, ResvUsage usage, bool interruptible, uint64_t timeout);
// Tells all unsignaled fences of a usage that somebody needs them by `deadline`. Mirrors
// dma_resv_set_deadline.
void resv_set_deadline(Resv& obj, ResvUsage usage, uint64_t deadline);
// Whether all fences of a usage are signaled. Any context. Mirrors dma_resv_test_signaled.
bool resv_test_signaled(Resv& obj, ResvUsage usage);

// Starts a new run: tickets count from 1 again.
void resv_reset();

}  // namespace dma

#define resv_for_each_fence(cursor, obj, usage, fence)                       \
  for (fence = ::dma::resv_iter_first(cursor, obj, usage); fence != nullptr; \
       fence = ::dma::resv_iter_next(cursor))

#define resv_for_each_fence_unlocked(cursor, fence)                       \
  for (fence = ::dma::resv_iter_first_unlocked(cursor); fence != nullptr; \
       fence = ::dma::resv_iter_next_unlocked(cursor))
