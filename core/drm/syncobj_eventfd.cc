// Event counters that wait for points of syncobjs.
#include <cerrno>

#include "core/drm/syncobj_internal.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kIoctl{kSyncobjIoctl};
constexpr kernel::Holder kEntry{kSyncobjEventfd};

void raise_and_free(SyncobjEventfdEntry& entry) {
  eventfd_signal(*entry.ev_fd_ctx);
  syncobj_eventfd_entry_free(entry);
}

// Mirrors syncobj_eventfd_entry_fence_func.
void fence_complete(dma::Fence&, dma::FenceCb& cb) {
  raise_and_free(*container_of(&cb, SyncobjEventfdEntry, fence_cb));
}

// Mirrors drm_syncobj_add_eventfd.
void add_eventfd(Syncobj& syncobj, SyncobjEventfdEntry& entry) {
  kernel::spin_lock(syncobj.lock);
  kernel::list_add_tail(entry.node, syncobj.ev_fd_list);
  syncobj_eventfd_entry_func(syncobj, entry);
  kernel::spin_unlock(syncobj.lock);
}

}  // namespace

void syncobj_eventfd_entry_free(SyncobjEventfdEntry& entry) {
  eventfd_ctx_put(*entry.ev_fd_ctx, kEntry);
  dma::fence_put(entry.fence, kEntry);
  // With the syncobj's lock held, or not in its list any more.
  kernel::list_del(entry.node);
  kernel::kfree(&entry);
}

void syncobj_eventfd_entry_func(Syncobj& syncobj, SyncobjEventfdEntry& entry) {
  dma::Fence* fence = syncobj_fence_at(syncobj, entry.point, kEntry);
  if (fence == nullptr) return;
  kernel::list_del_init(entry.node);
  entry.fence = fence;
  // Once the callback is added the entry may be gone.
  if ((entry.flags & kSyncobjWaitFlagsWaitAvailable) != 0 ||
      dma::fence_add_callback(*fence, entry.fence_cb, fence_complete) == -ENOENT)
    raise_and_free(entry);
}

int syncobj_eventfd_ioctl(File& file, drm_syncobj_eventfd& args) {
  if ((args.flags & ~kSyncobjWaitFlagsWaitAvailable) != 0) return -EINVAL;
  if (args.pad != 0) return -EINVAL;
  Syncobj* syncobj = syncobj_find(file, args.handle, kIoctl);
  if (syncobj == nullptr) return -ENOENT;
  EventFd* ctx;
  int error = eventfd_ctx_fdget(file.files, args.fd, &ctx, kEntry);
  if (error == 0) {
    auto* entry = kernel::kzalloc_obj<SyncobjEventfdEntry>("syncobj eventfd entry");
    if (entry != nullptr) {
      entry->ev_fd_ctx = ctx;
      entry->point = args.point;
      entry->flags = args.flags;
      add_eventfd(*syncobj, *entry);
    } else {
      eventfd_ctx_put(*ctx, kEntry);
      error = -ENOMEM;
    }
  }
  syncobj_put(*syncobj, kIoctl);
  return error;
}

}  // namespace drm
