// Waiting for points of syncobjs.
#include <cerrno>

#include "core/drm/syncobj_internal.h"
#include "core/kernel/errno.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"

namespace drm {

namespace {

constexpr kernel::Holder kIoctl{kSyncobjIoctl};
constexpr kernel::Holder kWaiter{kSyncobjWaiter};

// Waiting for userspace with a lock held may wait for somebody who needs that lock.
void assert_may_wait_for_submit(const char* what) {
  kernel::might_sleep(what);
  kernel::lockdep_assert_none_held(what);
}

SyncobjWaitEntry make_entry(uint64_t point) { return {{}, sched::current(), nullptr, {}, point}; }

// Registers the entry, unless it has a fence or there is one now. Mirrors
// drm_syncobj_fence_add_wait.
void add_wait(Syncobj& syncobj, SyncobjWaitEntry& wait) {
  if (wait.fence != nullptr) return;
  kernel::spin_lock(syncobj.lock);
  wait.fence = syncobj_fence_at(syncobj, wait.point, kWaiter);
  if (wait.fence == nullptr) kernel::list_add_tail(wait.node, syncobj.cb_list);
  kernel::spin_unlock(syncobj.lock);
}

// From here on nobody else writes to the entry. Mirrors drm_syncobj_remove_wait.
void remove_wait(Syncobj& syncobj, SyncobjWaitEntry& wait) {
  kernel::spin_lock(syncobj.lock);
  if (!kernel::list_empty(wait.node)) kernel::list_del_init(wait.node);
  kernel::spin_unlock(syncobj.lock);
}

int wait_for_submit(Syncobj& syncobj, uint64_t point, dma::Fence** fence, kernel::Holder holder) {
  SyncobjWaitEntry wait = make_entry(point);
  kernel::init_list_head(wait.node);
  add_wait(syncobj, wait);
  int error = 0;
  for (uint64_t timeout = kSyncobjWaitForSubmitTimeout;;) {
    kernel::set_current_state();
    if (kernel::rcu_dereference(wait.fence) != nullptr) break;
    if (timeout == 0) {
      error = -ETIME;
      break;
    }
    if (kernel::signal_pending()) {
      error = -kernel::kErestartsys;
      break;
    }
    timeout = kernel::schedule_timeout("syncobj submission", timeout);
  }
  remove_wait(syncobj, wait);
  // A submission may have come between the last look and the removal: its reference must not get
  // lost, and a fence is better than an error.
  if (wait.fence == nullptr) return error;
  kernel::kref_move(wait.fence->refcount, kWaiter, holder);
  *fence = wait.fence;
  return 0;
}

// A wait for several points.
struct ArrayWait {
  const SyncobjArray& array;
  uint32_t flags;
  SyncobjWaitEntry* entries;
  uint32_t signaled;  // how many are done, at the last look
  uint32_t first;     // the first of them
};

bool waits_for_submit(const ArrayWait& wait) {
  return (wait.flags & (kSyncobjWaitFlagsWaitForSubmit | kSyncobjWaitFlagsWaitAvailable)) != 0;
}

bool is_available_enough(const ArrayWait& wait) {
  return (wait.flags & kSyncobjWaitFlagsWaitAvailable) != 0;
}

bool is_over(const ArrayWait& wait) {
  if ((wait.flags & kSyncobjWaitFlagsWaitAll) != 0) return wait.signaled == wait.array.count;
  return wait.signaled > 0;
}

void count_signaled(ArrayWait& wait, uint32_t index) {
  if (wait.signaled++ == 0) wait.first = index;
}

// The points that are submitted get their fences. -EINVAL: one is not, and that is not waited for.
int look_up_fences(ArrayWait& wait) {
  for (uint32_t i = 0; i < wait.array.count; ++i) {
    SyncobjWaitEntry& entry = wait.entries[i];
    entry.fence = syncobj_fence_at(*wait.array.syncobjs[i], entry.point, kWaiter);
    if (entry.fence == nullptr) {
      if (!waits_for_submit(wait)) return -EINVAL;
      continue;
    }
    if (is_available_enough(wait) || dma::fence_is_signaled(*entry.fence)) count_signaled(wait, i);
  }
  return 0;
}

void wake_waiter(dma::Fence&, dma::FenceCb& cb) {
  kernel::wake_up_process(*container_of(&cb, SyncobjWaitEntry, fence_cb)->task);
}

void look_at_fences(ArrayWait& wait) {
  wait.signaled = 0;
  for (uint32_t i = 0; i < wait.array.count; ++i) {
    SyncobjWaitEntry& entry = wait.entries[i];
    dma::Fence* fence = kernel::rcu_dereference(entry.fence);
    if (fence == nullptr) continue;
    // A fence need not notice its end before it is asked to signal: adding the callback asks it.
    if (is_available_enough(wait) || dma::fence_is_signaled(*fence) ||
        (entry.fence_cb.func == nullptr &&
         dma::fence_add_callback(*fence, entry.fence_cb, wake_waiter) != 0))
      count_signaled(wait, i);
  }
}

int sleep_until_over(ArrayWait& wait, uint64_t timeout) {
  for (;;) {
    kernel::set_current_state();
    look_at_fences(wait);
    if (is_over(wait)) return 0;
    if (timeout == 0) return -ETIME;
    if (kernel::signal_pending()) return -kernel::kErestartsys;
    timeout = kernel::schedule_timeout("syncobj array", timeout);
  }
}

int wait_with_entries(ArrayWait& wait, uint64_t timeout, const uint64_t* deadline) {
  const int error = look_up_fences(wait);
  if (error != 0 || is_over(wait)) return error;
  if (waits_for_submit(wait))
    for (uint32_t i = 0; i < wait.array.count; ++i)
      add_wait(*wait.array.syncobjs[i], wait.entries[i]);
  if (deadline != nullptr)
    for (uint32_t i = 0; i < wait.array.count; ++i) {
      dma::Fence* fence = kernel::rcu_dereference(wait.entries[i].fence);
      if (fence != nullptr) dma::fence_set_deadline(*fence, *deadline);
    }
  return sleep_until_over(wait, timeout);
}

void end_entry(Syncobj& syncobj, SyncobjWaitEntry& entry) {
  remove_wait(syncobj, entry);
  if (entry.fence_cb.func != nullptr) dma::fence_remove_callback(*entry.fence, entry.fence_cb);
  dma::fence_put(entry.fence, kWaiter);
}

// Mirrors drm_syncobj_array_wait_timeout.
int array_wait_timeout(const SyncobjArray& array, uint64_t user_points, uint32_t flags,
                       uint64_t timeout, uint32_t* first, const uint64_t* deadline) {
  ArrayWait wait{array, flags, nullptr, 0, 0};
  if (waits_for_submit(wait)) assert_may_wait_for_submit("drm_syncobj_array_wait_timeout");
  uint64_t* points;
  int error = syncobj_points_from_user(points, user_points, array.count);
  if (error != 0) return error;
  if (!kernel::kmalloc_array(wait.entries, array.count, "syncobj wait entries")) error = -ENOMEM;
  if (error == 0) {
    for (uint32_t i = 0; i < array.count; ++i) {
      wait.entries[i] = make_entry(points[i]);
      kernel::init_list_head(wait.entries[i].node);
    }
    error = wait_with_entries(wait, timeout, deadline);
    for (uint32_t i = 0; i < array.count; ++i) end_entry(*array.syncobjs[i], wait.entries[i]);
  }
  if (error == 0) *first = wait.first;
  kernel::kfree(wait.entries);
  kernel::kfree(points);
  return error;
}

// From an absolute time to what is left until then. Never for ever. Mirrors
// drm_timeout_abs_to_jiffies.
uint64_t timeout_left(int64_t timeout_nsec) {
  const uint64_t now = sched::now();
  if (timeout_nsec <= 0 || static_cast<uint64_t>(timeout_nsec) <= now) return 0;
  const uint64_t left = static_cast<uint64_t>(timeout_nsec) - now;
  return left < kernel::kMaxScheduleTimeout ? left : kernel::kMaxScheduleTimeout - 1;
}

// What the two ioctls have in common; `Args` are theirs.
template <typename Args>
int wait_ioctl(File& file, Args& args, uint64_t user_points, uint32_t possible_flags) {
  if ((args.flags & ~possible_flags) != 0) return -EINVAL;
  if (args.count_handles == 0) return 0;
  SyncobjArray array;
  int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  if (error != 0) return error;
  const bool has_deadline = (args.flags & kSyncobjWaitFlagsWaitDeadline) != 0;
  error = array_wait_timeout(array, user_points, args.flags, timeout_left(args.timeout_nsec),
                             &args.first_signaled, has_deadline ? &args.deadline_nsec : nullptr);
  syncobj_array_free(array, kIoctl);
  return error;
}

}  // namespace

void syncobj_wait_syncobj_func(Syncobj& syncobj, SyncobjWaitEntry& wait) {
  dma::Fence* fence = syncobj_fence_at(syncobj, wait.point, kWaiter);
  if (fence == nullptr) return;
  // The waiter looks at the fence without the lock.
  kernel::rcu_assign_pointer(wait.fence, fence);
  kernel::wake_up_process(*wait.task);
  kernel::list_del_init(wait.node);
}

int syncobj_find_fence(File& file, uint32_t handle, uint64_t point, uint32_t flags,
                       dma::Fence** fence, kernel::Holder holder) {
  *fence = nullptr;
  if ((flags & ~kSyncobjWaitFlagsWaitForSubmit) != 0) return -EINVAL;
  Syncobj* syncobj = syncobj_find(file, handle, kIoctl);
  if (syncobj == nullptr) return -ENOENT;
  const bool waits = (flags & kSyncobjWaitFlagsWaitForSubmit) != 0;
  if (waits) assert_may_wait_for_submit("drm_syncobj_find_fence");
  *fence = syncobj_fence_at(*syncobj, point, holder);
  int error = 0;
  if (*fence == nullptr) error = waits ? wait_for_submit(*syncobj, point, fence, holder) : -EINVAL;
  syncobj_put(*syncobj, kIoctl);
  return error;
}

int syncobj_wait_ioctl(File& file, drm_syncobj_wait& args) {
  return wait_ioctl(
      file, args, 0,
      kSyncobjWaitFlagsWaitAll | kSyncobjWaitFlagsWaitForSubmit | kSyncobjWaitFlagsWaitDeadline);
}

int syncobj_timeline_wait_ioctl(File& file, drm_syncobj_timeline_wait& args) {
  return wait_ioctl(file, args, args.points,
                    kSyncobjWaitFlagsWaitAll | kSyncobjWaitFlagsWaitForSubmit |
                        kSyncobjWaitFlagsWaitAvailable | kSyncobjWaitFlagsWaitDeadline);
}

}  // namespace drm
