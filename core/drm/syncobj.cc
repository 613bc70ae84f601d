#include "core/drm/syncobj.h"

#include <cerrno>

#include "core/dma/fence_unwrap.h"
#include "core/drm/syncobj_internal.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kLookup{"syncobj.fence lookup"};

kernel::Holder fence_slot(const Syncobj& syncobj) {
  return {kSyncobjFence, syncobj.refcount.object};
}

// The fence is another one now. With the lock held.
void fence_changed(Syncobj& syncobj) {
  list_for_each_entry_safe(wait, next, syncobj.cb_list, SyncobjWaitEntry, node)
    syncobj_wait_syncobj_func(syncobj, *wait);
  list_for_each_entry_safe(entry, following, syncobj.ev_fd_list, SyncobjEventfdEntry, node)
    syncobj_eventfd_entry_func(syncobj, *entry);
}

}  // namespace

void syncobj_free(kernel::Kref& kref) {
  Syncobj& syncobj = *container_of(&kref, Syncobj, refcount);
  syncobj_replace_fence(syncobj, nullptr);
  list_for_each_entry_safe(entry, next, syncobj.ev_fd_list, SyncobjEventfdEntry, node)
    syncobj_eventfd_entry_free(*entry);
  kernel::spin_lock_destroy(syncobj.lock);
  kernel::kfree(&syncobj);
}

int syncobj_create(Syncobj** out, uint32_t flags, kernel::Holder creator) {
  Syncobj* syncobj = kernel::kzalloc_obj<Syncobj>("syncobj");
  if (syncobj == nullptr) return -ENOMEM;
  kernel::kref_init(syncobj->refcount, "syncobj", creator);
  kernel::init_list_head(syncobj->cb_list);
  kernel::init_list_head(syncobj->ev_fd_list);
  kernel::spin_lock_init(syncobj->lock, "syncobj->lock");
  if ((flags & kSyncobjCreateSignaled) != 0) {
    const int error = syncobj_assign_null_handle(*syncobj);
    if (error != 0) {
      syncobj_put(*syncobj, creator);
      return error;
    }
  }
  *out = syncobj;
  return 0;
}

int syncobj_get_handle(File& file, Syncobj& syncobj, uint32_t* handle) {
  const kernel::Holder table{kSyncobjHandle, file_object(file)};
  kernel::kref_get(syncobj.refcount, table);
  const int error = kernel::xa_alloc(file.syncobj_xa, handle, &syncobj, 1, UINT32_MAX);
  if (error != 0) syncobj_put(syncobj, table);
  return error;
}

Syncobj* syncobj_find(File& file, uint32_t handle, kernel::Holder holder) {
  kernel::xa_lock(file.syncobj_xa);
  Syncobj* syncobj = static_cast<Syncobj*>(kernel::xa_load(file.syncobj_xa, handle));
  if (syncobj != nullptr) kernel::kref_get(syncobj->refcount, holder);
  kernel::xa_unlock(file.syncobj_xa);
  return syncobj;
}

void syncobj_put(Syncobj& syncobj, kernel::Holder holder) {
  kernel::kref_put(syncobj.refcount, holder, syncobj_free);
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

void syncobj_add_point(Syncobj& syncobj, dma::FenceChain& chain, dma::Fence& fence,
                       uint64_t point) {
  const kernel::Holder slot = fence_slot(syncobj);
  dma::fence_get(&fence, slot);
  kernel::spin_lock(syncobj.lock);
  dma::Fence* prev = syncobj_fence_get(syncobj, slot);
  dma::fence_chain_init(chain, prev, &fence, point, slot);
  kernel::rcu_assign_pointer(syncobj.fence, &chain.base);
  fence_changed(syncobj);
  kernel::spin_unlock(syncobj.lock);
  // A walk unlinks the nodes that are complete.
  dma::Fence* iter;
  fence_chain_for_each(iter, prev, kLookup) {}
  dma::fence_put(prev, slot);
}

void syncobj_replace_fence(Syncobj& syncobj, dma::Fence* fence) {
  dma::fence_get(fence, fence_slot(syncobj));
  kernel::spin_lock(syncobj.lock);
  dma::Fence* old = syncobj.fence;
  kernel::rcu_assign_pointer(syncobj.fence, fence);
  if (fence != old) fence_changed(syncobj);
  kernel::spin_unlock(syncobj.lock);
  dma::fence_put(old, fence_slot(syncobj));
}

int syncobj_assign_null_handle(Syncobj& syncobj) {
  dma::Fence* fence = dma::fence_allocate_private_stub(sched::now(), kLookup);
  if (fence == nullptr) return -ENOMEM;
  syncobj_replace_fence(syncobj, fence);
  dma::fence_put(fence, kLookup);
  return 0;
}

dma::Fence* syncobj_fence_get(Syncobj& syncobj, kernel::Holder holder) {
  kernel::rcu_read_lock();
  dma::Fence* fence = dma::fence_get_rcu_safe(syncobj.fence, holder);
  kernel::rcu_read_unlock();
  return fence;
}

dma::Fence* syncobj_fence_at(Syncobj& syncobj, uint64_t point, kernel::Holder holder) {
  dma::Fence* fence = syncobj_fence_get(syncobj, holder);
  if (fence == nullptr) return nullptr;
  if (dma::fence_chain_find_seqno(&fence, point, holder) != 0) {
    dma::fence_put(fence, holder);
    return nullptr;
  }
  return fence != nullptr ? fence : dma::fence_get_stub(holder);
}

int syncobj_add_flattened_point(Syncobj& syncobj, dma::Fence& fence, uint64_t point) {
  dma::Fence* head = &fence;
  dma::Fence* flat = dma::fence_unwrap_merge(&head, 1, kLookup);
  if (flat == nullptr) return -ENOMEM;
  dma::FenceChain* chain = dma::fence_chain_alloc();
  if (chain != nullptr) syncobj_add_point(syncobj, *chain, *flat, point);
  dma::fence_put(flat, kLookup);
  return chain != nullptr ? 0 : -ENOMEM;
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
