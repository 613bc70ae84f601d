// The kernel's XArray: a map from index to pointer, a radix tree of 64 slots a node. Lookup needs
// only an RCU reader; changes take the array's own lock.
#pragma once

#include <cstdint>

#include "core/kernel/rcu.h"
#include "core/kernel/spinlock.h"

namespace kernel {

struct XArray {
  SpinLock xa_lock;
  void* xa_head;  // an entry (index 0 only), or a tagged node
  bool lock_irq;  // changes take the lock with interrupts off (XA_FLAGS_LOCK_IRQ)
};

enum class XaFlags : uint8_t { kNone, kLockIrq };

// `name` is the lock's, for instance "xa_lock(userq_xa)".
void xa_init(XArray& xa, const char* name, XaFlags flags = XaFlags::kNone);
// Forgets all entries, frees the nodes and ends the array's life.
void xa_destroy(XArray& xa);

// Callable with the lock held, or else as an RCU reader of the returned entry.
void* xa_load(const XArray& xa, uint64_t index);
bool xa_empty(const XArray& xa);
// The same for a checker that must leave the run as it is: no scheduling point. Nobody changes the
// array.
void* xa_peek(const XArray& xa, uint64_t index);
// The first entry at or after *index; updates *index. nullptr: none.
void* xa_find(const XArray& xa, uint64_t* index);

// Each takes the lock. 0, -EBUSY (nothing free, or taken), -ENOMEM.
int xa_alloc(XArray& xa, uint32_t* id, void* entry, uint32_t min, uint32_t max);
int xa_insert(XArray& xa, uint64_t index, void* entry);
// The former entry.
void* xa_erase(XArray& xa, uint64_t index);

// The same with the lock already held.
int xa_alloc_locked(XArray& xa, uint32_t* id, void* entry, uint32_t min, uint32_t max);
int xa_insert_locked(XArray& xa, uint64_t index, void* entry);
// Takes the place of what is there, if anything; in that case no memory is needed. 0 or -ENOMEM.
int xa_store_locked(XArray& xa, uint64_t index, void* entry);
void* xa_erase_locked(XArray& xa, uint64_t index);
// Empties the array under its lock; it stays usable.
void xa_clear_locked(XArray& xa);

inline void xa_lock(XArray& xa) { spin_lock(xa.xa_lock); }
inline void xa_unlock(XArray& xa) { spin_unlock(xa.xa_lock); }
inline void xa_lock_irqsave(XArray& xa, unsigned long& flags) {
  spin_lock_irqsave(xa.xa_lock, flags);
}
inline void xa_unlock_irqrestore(XArray& xa, unsigned long flags) {
  spin_unlock_irqrestore(xa.xa_lock, flags);
}

}  // namespace kernel

// Walks all entries in the order of their indices; entries may be erased in the body.
#define xa_for_each(xa, index, entry)                                                  \
  for (index = 0, entry = static_cast<decltype(entry)>(::kernel::xa_find(xa, &index)); \
       entry != nullptr;                                                               \
       ++index, entry = static_cast<decltype(entry)>(::kernel::xa_find(xa, &index)))
