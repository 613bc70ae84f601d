#include "core/drm/syncobj.h"

#include <cerrno>

#include "core/kernel/errno.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"

namespace drm {

namespace {

struct WaitEntry {
  kernel::ListHead node;
  const sched::Context* task;
  dma::Fence* fence;
};

constexpr kernel::Holder kIoctl{"syncobj ioctl"};

kernel::Holder fence_slot(const Syncobj& syncobj) {
  return {kSyncobjFence, syncobj.refcount.object};
}

// Mirrors drm_syncobj_free.
void release(kernel::Kref& kref) {
  Syncobj& syncobj = *container_of(&kref, Syncobj, refcount);
  syncobj_replace_fence(syncobj, nullptr);
  kernel::spin_lock_destroy(syncobj.lock);
  kernel::kfree(&syncobj);
}

Syncobj* create(dma::Fence* fence) {
  Syncobj* syncobj = kernel::kzalloc_obj<Syncobj>("syncobj");
  if (syncobj == nullptr) return nullptr;
  kernel::kref_init(syncobj->refcount, "syncobj", kIoctl);
  kernel::init_list_head(syncobj->cb_list);
  kernel::spin_lock_init(syncobj->lock, "syncobj->lock");
  if (fence != nullptr) syncobj_replace_fence(*syncobj, fence);
  return syncobj;
}

// Registers `wait` unless there is a fence already, which then goes to wait.fence.
void add_wait(Syncobj& syncobj, WaitEntry& wait) {
  kernel::spin_lock(syncobj.lock);
  if (syncobj.fence != nullptr)
    wait.fence = dma::fence_get(syncobj.fence, {kSyncobjWaiter});
  else
    kernel::list_add_tail(wait.node, syncobj.cb_list);
  kernel::spin_unlock(syncobj.lock);
}

void remove_wait(Syncobj& syncobj, WaitEntry& wait) {
  kernel::spin_lock(syncobj.lock);
  if (!kernel::list_empty(wait.node)) kernel::list_del_init(wait.node);
  kernel::spin_unlock(syncobj.lock);
}

int wait_for_submit(Syncobj& syncobj, dma::Fence** fence, kernel::Holder holder) {
  WaitEntry wait{{}, sched::current(), nullptr};
  kernel::init_list_head(wait.node);
  add_wait(syncobj, wait);
  int error = 0;
  for (uint64_t timeout = kSyncobjWaitForSubmitTimeout;;) {
    kernel::set_current_state();
    if (kernel::read_once(wait.fence) != nullptr) break;
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
  // From here on nobody writes wait.fence. A submission may have come between the last look and the
  // removal: its reference must not get lost, and a fence is better than an error.
  if (wait.fence == nullptr) return error;
  kernel::kref_move(wait.fence->refcount, {kSyncobjWaiter}, holder);
  *fence = wait.fence;
  return 0;
}

}  // namespace

Syncobj* syncobj_find(File& file, uint32_t handle, kernel::Holder holder) {
  kernel::xa_lock(file.syncobj_xa);
  Syncobj* syncobj = static_cast<Syncobj*>(kernel::xa_load(file.syncobj_xa, handle));
  if (syncobj != nullptr) kernel::kref_get(syncobj->refcount, holder);
  kernel::xa_unlock(file.syncobj_xa);
  return syncobj;
}

void syncobj_put(Syncobj& syncobj, kernel::Holder holder) {
  kernel::kref_put(syncobj.refcount, holder, release);
}

int syncobj_array_find(File& file, uint64_t user_handles, uint32_t count, SyncobjArray& array,
                       kernel::Holder holder) {
  array = {nullptr, 0};
  uint32_t* handles;
  int error = kernel::memdup_array_user(handles, user_handles, count);
  if (error != 0) return error;
  if (!kernel::kmalloc_array(array.syncobjs, count, "syncobj array")) error = -ENOMEM;
  while (error == 0 && array.count < count) {
    Syncobj* syncobj = syncobj_find(file, handles[array.count], holder);
    if (syncobj == nullptr)
      error = -ENOENT;
    else
      array.syncobjs[array.count++] = syncobj;
  }
  if (error != 0) syncobj_array_free(array, holder);
  kernel::kfree(handles);
  return error;
}

void syncobj_array_free(SyncobjArray& array, kernel::Holder holder) {
  for (uint32_t i = 0; i < array.count; ++i) syncobj_put(*array.syncobjs[i], holder);
  kernel::kfree(array.syncobjs);
  array = {nullptr, 0};
}

void syncobj_replace_fence(Syncobj& syncobj, dma::Fence* fence) {
  dma::fence_get(fence, fence_slot(syncobj));
  kernel::spin_lock(syncobj.lock);
  dma::Fence* old = syncobj.fence;
  kernel::rcu_assign_pointer(syncobj.fence, fence);
  if (fence != nullptr && fence != old) {
    list_for_each_entry_safe(wait, next, syncobj.cb_list, WaitEntry, node) {
      kernel::list_del_init(wait->node);
      dma::fence_get(fence, {kSyncobjWaiter});
      kernel::write_once(wait->fence, fence);
      kernel::wake_up_process(*wait->task);
    }
  }
  kernel::spin_unlock(syncobj.lock);
  dma::fence_put(old, fence_slot(syncobj));
}

dma::Fence* syncobj_fence_get(Syncobj& syncobj, kernel::Holder holder) {
  kernel::rcu_read_lock();
  dma::Fence* fence = dma::fence_get_rcu_safe(syncobj.fence, holder);
  kernel::rcu_read_unlock();
  return fence;
}

int syncobj_find_fence(File& file, uint32_t handle, uint32_t flags, dma::Fence** fence,
                       kernel::Holder holder) {
  *fence = nullptr;
  if ((flags & ~kSyncobjWaitFlagsWaitForSubmit) != 0) return -EINVAL;
  Syncobj* syncobj = syncobj_find(file, handle, kIoctl);
  if (syncobj == nullptr) return -ENOENT;
  *fence = syncobj_fence_get(*syncobj, holder);
  int error = 0;
  if (*fence == nullptr)
    error = (flags & kSyncobjWaitFlagsWaitForSubmit) != 0 ? wait_for_submit(*syncobj, fence, holder)
                                                          : -EINVAL;
  syncobj_put(*syncobj, kIoctl);
  return error;
}

int syncobj_create_ioctl(File& file, drm_syncobj_create& args) {
  if ((args.flags & ~kSyncobjCreateSignaled) != 0) return -EINVAL;
  Syncobj* syncobj;
  if ((args.flags & kSyncobjCreateSignaled) != 0) {
    dma::Fence* stub = dma::fence_get_stub(kIoctl);
    syncobj = create(stub);
    dma::fence_put(stub, kIoctl);
  } else {
    syncobj = create(nullptr);
  }
  if (syncobj == nullptr) return -ENOMEM;
  const kernel::Holder handle{kSyncobjHandle, file_object(file)};
  kernel::kref_get(syncobj->refcount, handle);
  const int error = kernel::xa_alloc(file.syncobj_xa, &args.handle, syncobj, 1, UINT32_MAX);
  if (error != 0) syncobj_put(*syncobj, handle);
  syncobj_put(*syncobj, kIoctl);
  return error;
}

int syncobj_destroy_ioctl(File& file, drm_syncobj_destroy& args) {
  if (args.pad != 0) return -EINVAL;
  Syncobj* syncobj = static_cast<Syncobj*>(kernel::xa_erase(file.syncobj_xa, args.handle));
  if (syncobj == nullptr) return -EINVAL;
  syncobj_put(*syncobj, {kSyncobjHandle, file_object(file)});
  return 0;
}

int syncobj_reset_ioctl(File& file, drm_syncobj_array& args) {
  if (args.pad != 0 || args.count_handles == 0) return -EINVAL;
  SyncobjArray array;
  const int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  if (error != 0) return error;
  for (uint32_t i = 0; i < array.count; ++i) syncobj_replace_fence(*array.syncobjs[i], nullptr);
  syncobj_array_free(array, kIoctl);
  return 0;
}

int syncobj_signal_ioctl(File& file, drm_syncobj_array& args) {
  if (args.pad != 0 || args.count_handles == 0) return -EINVAL;
  SyncobjArray array;
  const int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  if (error != 0) return error;
  for (uint32_t i = 0; i < array.count; ++i) {
    dma::Fence* stub = dma::fence_get_stub(kIoctl);
    syncobj_replace_fence(*array.syncobjs[i], stub);
    dma::fence_put(stub, kIoctl);
  }
  syncobj_array_free(array, kIoctl);
  return 0;
}

void syncobj_release_all(File& file) {
  uint64_t index;
  Syncobj* syncobj;
  xa_for_each(file.syncobj_xa, index, syncobj) {
    kernel::xa_erase(file.syncobj_xa, index);
    syncobj_put(*syncobj, {kSyncobjHandle, file_object(file)});
  }
}

}  // namespace drm
