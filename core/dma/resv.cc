#include "core/dma/resv.h"

#include <cerrno>

#include "core/dma/fence_array.h"
#include "core/kernel/atomic.h"
#include "core/kernel/list.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace dma {

kernel::WwClass reservation_ww_class{"reservation_ww_class_mutex", 0,
                                     "reservation_ww_class_acquire"};

// Of one size for life; replaced as a whole.
struct ResvList {
  kernel::RcuHead rcu;
  uint32_t generation;  // no other list of the reservation has the same, and none has 0
  unsigned num_fences;  // valid slots; written after the slot
  unsigned max_fences;
  // Each slot is fence and usage in one word: readers see a pair that belongs together.
  uintptr_t table[];
};

namespace {

constexpr uintptr_t kUsageMask = 3;
static_assert(alignof(Fence) > kUsageMask);

uintptr_t pack(Fence& fence, ResvUsage usage) {
  return reinterpret_cast<uintptr_t>(&fence) | static_cast<uintptr_t>(usage);
}

// Mirrors dma_resv_list_entry.
Fence& list_entry(const ResvList& list, unsigned index, ResvUsage* usage) {
  const uintptr_t slot = kernel::load_acquire(list.table[index]);
  *usage = static_cast<ResvUsage>(slot & kUsageMask);
  return *reinterpret_cast<Fence*>(slot & ~kUsageMask);
}

kernel::Holder slot_of(const Resv& obj) { return {kResvFences, obj.object}; }
kernel::Holder walk_of(const Resv& obj) { return {kResvIter, obj.object}; }

// Lock of `obj` held.
ResvList* list_alloc(Resv& obj, unsigned max_fences) {
  auto* list = static_cast<ResvList*>(kernel::kzalloc(
      sizeof(ResvList) + max_fences * sizeof(uintptr_t), kernel::Gfp::kKernel, "dma_resv_list"));
  if (list == nullptr) return nullptr;
  list->generation = ++obj.generation;
  list->max_fences = max_fences;
  return list;
}

void list_free_rcu(kernel::RcuHead& head) { kernel::kfree(container_of(&head, ResvList, rcu)); }

// Puts the fences of a list that belongs, or belonged, to `obj`. nullptr is allowed.
void list_free(const Resv& obj, ResvList* list) {
  if (list == nullptr) return;
  for (unsigned i = 0; i < list->num_fences; ++i) {
    ResvUsage usage;
    fence_put(&list_entry(*list, i, &usage), slot_of(obj));
  }
  kernel::call_rcu(list->rcu, list_free_rcu);
}

unsigned roundup_pow_of_two(unsigned n) { return n < 2 ? 1 : 1u << (32 - __builtin_clz(n - 1)); }

// --- the unlocked walk; within an RCU reader ---

// Mirrors dma_resv_iter_restart_unlocked.
void restart_unlocked(ResvIter& cursor) {
  cursor.index = 0;
  cursor.num_fences = 0;
  cursor.generation = 0;
  cursor.fences = kernel::rcu_dereference(cursor.obj->fences);
  if (cursor.fences != nullptr) {
    cursor.num_fences = kernel::load_acquire(cursor.fences->num_fences);
    cursor.generation = cursor.fences->generation;
  }
  cursor.is_restarted = true;
}

// Whether the reservation still has the list that is being walked.
bool is_current(const ResvIter& cursor) {
  const ResvList* list = kernel::rcu_dereference(cursor.obj->fences);
  return (list != nullptr ? list->generation : 0) == cursor.generation;
}

// On to the next unsignaled fence of the usage, or nullptr. Mirrors dma_resv_iter_walk_unlocked.
void walk_unlocked(ResvIter& cursor) {
  for (;;) {
    fence_put(cursor.fence, walk_of(*cursor.obj));
    cursor.fence = nullptr;
    if (cursor.index >= cursor.num_fences) return;
    Fence& fence = list_entry(*cursor.fences, cursor.index++, &cursor.fence_usage);
    cursor.fence = fence_get_rcu(&fence, walk_of(*cursor.obj));
    if (cursor.fence == nullptr) {
      // It was replaced, and was nobody else's.
      restart_unlocked(cursor);
      continue;
    }
    if (!fence_is_signaled(fence) && cursor.fence_usage <= cursor.usage) return;
  }
}

}  // namespace

void resv_init(Resv& obj, uint32_t object) {
  kernel::ww_mutex_init(obj.lock, reservation_ww_class);
  obj.fences = nullptr;
  obj.generation = 0;
  obj.reserved = 0;
  obj.object = object;
}

void resv_fini(Resv& obj) {
  list_free(obj, obj.fences);
  obj.fences = nullptr;
  kernel::ww_mutex_destroy(obj.lock);
}

int resv_lock(Resv& obj, kernel::WwAcquireCtx* ctx) { return kernel::ww_mutex_lock(obj.lock, ctx); }

int resv_lock_interruptible(Resv& obj, kernel::WwAcquireCtx* ctx) {
  return kernel::ww_mutex_lock_interruptible(obj.lock, ctx);
}

void resv_lock_slow(Resv& obj, kernel::WwAcquireCtx& ctx) {
  kernel::ww_mutex_lock_slow(obj.lock, ctx);
}

int resv_lock_slow_interruptible(Resv& obj, kernel::WwAcquireCtx& ctx) {
  return kernel::ww_mutex_lock_slow_interruptible(obj.lock, ctx);
}

bool resv_trylock(Resv& obj) { return kernel::ww_mutex_trylock(obj.lock, nullptr); }

void resv_unlock(Resv& obj) {
  obj.reserved = 0;
  kernel::ww_mutex_unlock(obj.lock);
}

bool resv_is_locked(const Resv& obj) { return kernel::ww_mutex_is_locked(obj.lock); }

void resv_assert_held(const Resv& obj) { kernel::lockdep_assert_held(obj.lock); }

int resv_reserve_fences(Resv& obj, unsigned num_fences) {
  resv_assert_held(obj);
  if (WARN_ON(num_fences == 0)) return -EINVAL;
  ResvList* old = obj.fences;
  const unsigned old_count = old != nullptr ? old->num_fences : 0;
  unsigned max;
  if (old != nullptr) {
    if (old_count + num_fences <= old->max_fences) {
      if (num_fences > obj.reserved) obj.reserved = num_fences;
      return 0;
    }
    max = old->max_fences * 2;
    if (max < old_count + num_fences) max = old_count + num_fences;
  } else {
    max = roundup_pow_of_two(num_fences);
    if (max < 4) max = 4;
  }
  ResvList* list = list_alloc(obj, max);
  if (list == nullptr) return -ENOMEM;

  // The references move along: the unsignaled fences to the front of the new list, the signaled
  // ones to its end, past what readers look at, until the old list is out of their sight.
  unsigned signaled = max;
  for (unsigned i = 0; i < old_count; ++i) {
    ResvUsage usage;
    Fence& fence = list_entry(*old, i, &usage);
    const unsigned slot = fence_is_signaled(fence) ? --signaled : list->num_fences++;
    list->table[slot] = pack(fence, usage);
  }
  kernel::rcu_assign_pointer(obj.fences, list);
  if (num_fences > obj.reserved) obj.reserved = num_fences;
  if (old == nullptr) return 0;
  for (unsigned i = signaled; i < max; ++i) {
    ResvUsage usage;
    fence_put(&list_entry(*list, i, &usage), slot_of(obj));
  }
  kernel::call_rcu(old->rcu, list_free_rcu);
  return 0;
}

void resv_add_fence(Resv& obj, Fence& fence, ResvUsage usage) {
  resv_assert_held(obj);
  WARN_ON(fence_is_container(fence));
  ResvList* list = obj.fences;
  const unsigned count = list != nullptr ? list->num_fences : 0;
  fence_get(&fence, slot_of(obj));
  for (unsigned i = 0; i < count; ++i) {
    ResvUsage old_usage;
    Fence& old = list_entry(*list, i, &old_usage);
    if ((old.context == fence.context && old_usage >= usage &&
         fence_is_later_or_same(fence, old)) ||
        fence_is_signaled(old)) {
      kernel::store_release(list->table[i], pack(fence, usage));
      fence_put(&old, slot_of(obj));
      return;
    }
  }
  if (WARN_ON(obj.reserved == 0)) {
    fence_put(&fence, slot_of(obj));
    return;
  }
  --obj.reserved;
  // The slot is nobody's business until it counts.
  kernel::write_once(list->table[count], pack(fence, usage));
  kernel::store_release(list->num_fences, count + 1);
}

void resv_replace_fences(Resv& obj, uint64_t context, Fence& replacement, ResvUsage usage) {
  resv_assert_held(obj);
  ResvList* list = obj.fences;
  for (unsigned i = 0; list != nullptr && i < list->num_fences; ++i) {
    ResvUsage old_usage;
    Fence& old = list_entry(*list, i, &old_usage);
    if (old.context != context) continue;
    fence_get(&replacement, slot_of(obj));
    kernel::store_release(list->table[i], pack(replacement, usage));
    fence_put(&old, slot_of(obj));
  }
}

Fence* resv_iter_first(ResvIter& cursor, Resv& obj, ResvUsage usage) {
  resv_iter_begin(cursor, obj, usage);
  cursor.fences = obj.fences;
  Fence* fence = resv_iter_next(cursor);
  cursor.is_restarted = true;
  return fence;
}

Fence* resv_iter_next(ResvIter& cursor) {
  resv_assert_held(*cursor.obj);
  cursor.is_restarted = false;
  while (cursor.fences != nullptr && cursor.index < cursor.fences->num_fences) {
    Fence& fence = list_entry(*cursor.fences, cursor.index++, &cursor.fence_usage);
    if (cursor.fence_usage <= cursor.usage) return &fence;
  }
  return nullptr;
}

void resv_iter_begin(ResvIter& cursor, Resv& obj, ResvUsage usage) {
  cursor = {};
  cursor.obj = &obj;
  cursor.usage = usage;
}

void resv_iter_end(ResvIter& cursor) {
  fence_put(cursor.fence, walk_of(*cursor.obj));
  cursor.fence = nullptr;
}

Fence* resv_iter_first_unlocked(ResvIter& cursor) {
  kernel::rcu_read_lock();
  do {
    restart_unlocked(cursor);
    walk_unlocked(cursor);
  } while (!is_current(cursor));
  kernel::rcu_read_unlock();
  return cursor.fence;
}

Fence* resv_iter_next_unlocked(ResvIter& cursor) {
  kernel::rcu_read_lock();
  cursor.is_restarted = false;
  bool restart = !is_current(cursor);
  do {
    if (restart) restart_unlocked(cursor);
    walk_unlocked(cursor);
    restart = true;
  } while (!is_current(cursor));
  kernel::rcu_read_unlock();
  return cursor.fence;
}

int resv_get_fences(Resv& obj, ResvUsage usage, unsigned* num_fences, Fence*** fences,
                    kernel::Holder holder) {
  *num_fences = 0;
  *fences = nullptr;
  ResvIter cursor;
  Fence* fence;
  resv_iter_begin(cursor, obj, usage);
  resv_for_each_fence_unlocked(cursor, fence) {
    if (cursor.is_restarted) {
      while (*num_fences > 0) fence_put((*fences)[--*num_fences], holder);
      Fence** larger;
      if (!kernel::kmalloc_array(larger, cursor.num_fences, "fence array")) {
        kernel::kfree(*fences);
        *fences = nullptr;
        resv_iter_end(cursor);
        return -ENOMEM;
      }
      kernel::kfree(*fences);
      *fences = larger;
    }
    (*fences)[(*num_fences)++] = fence_get(fence, holder);
  }
  return 0;
}

int resv_get_singleton(Resv& obj, ResvUsage usage, Fence** fence, kernel::Holder holder) {
  *fence = nullptr;
  unsigned count;
  Fence** fences;
  const int error = resv_get_fences(obj, usage, &count, &fences, holder);
  if (error != 0) return error;
  if (count <= 1) {
    if (count == 1) *fence = fences[0];
    kernel::kfree(fences);
    return 0;
  }
  FenceArray* array = fence_array_create(count, fences, fence_context_alloc(1), 1, false, holder);
  if (array == nullptr) {
    while (count > 0) fence_put(fences[--count], holder);
    kernel::kfree(fences);
    return -ENOMEM;
  }
  *fence = &array->base;
  return 0;
}

int resv_copy_fences(Resv& dst, Resv& src) {
  resv_assert_held(dst);
  ResvList* list = nullptr;
  ResvIter cursor;
  Fence* fence;
  resv_iter_begin(cursor, src, ResvUsage::kBookkeep);
  resv_for_each_fence_unlocked(cursor, fence) {
    if (cursor.is_restarted) {
      list_free(dst, list);
      list = list_alloc(dst, cursor.num_fences);
      if (list == nullptr) {
        resv_iter_end(cursor);
        return -ENOMEM;
      }
    }
    fence_get(fence, slot_of(dst));
    list->table[list->num_fences++] = pack(*fence, cursor.fence_usage);
  }
  ResvList* old = dst.fences;
  kernel::rcu_assign_pointer(dst.fences, list);
  dst.reserved = 0;
  list_free(dst, old);
  return 0;
}

int64_t resv_wait_timeout(Resv& obj, ResvUsage usage, bool interruptible, uint64_t timeout) {
  if (timeout > kernel::kMaxScheduleTimeout) timeout = kernel::kMaxScheduleTimeout;
  int64_t left = timeout > 0 ? static_cast<int64_t>(timeout) : 1;
  ResvIter cursor;
  Fence* fence;
  resv_iter_begin(cursor, obj, usage);
  resv_for_each_fence_unlocked(cursor, fence) {
    left = fence_wait_timeout(*fence, interruptible, timeout);
    if (left <= 0) {
      resv_iter_end(cursor);
      return left;
    }
    // A poll stays one.
    if (timeout > 0) timeout = static_cast<uint64_t>(left);
  }
  return left;
}

void resv_set_deadline(Resv& obj, ResvUsage usage, uint64_t deadline) {
  ResvIter cursor;
  Fence* fence;
  resv_iter_begin(cursor, obj, usage);
  resv_for_each_fence_unlocked(cursor, fence) {
    fence_set_deadline(*fence, deadline);
  }
}

bool resv_test_signaled(Resv& obj, ResvUsage usage) {
  ResvIter cursor;
  resv_iter_begin(cursor, obj, usage);
  const bool signaled = resv_iter_first_unlocked(cursor) == nullptr;
  resv_iter_end(cursor);
  return signaled;
}

void resv_reset() { reservation_ww_class.stamp = 0; }

}  // namespace dma
