// What the parts of drm_syncobj know of each other.
#pragma once

#include "core/drm/eventfd.h"
#include "core/drm/syncobj.h"

namespace drm {

inline constexpr char kSyncobjIoctl[] = "syncobj ioctl";

// The last reference is gone. Mirrors drm_syncobj_free.
void syncobj_free(kernel::Kref& kref);

// The fence that `point` waits for, with a reference for `holder`: the one that is there, or of a
// chain the node of the point; a stub if that is complete and gone. nullptr: not submitted.
dma::Fence* syncobj_fence_at(Syncobj& syncobj, uint64_t point, kernel::Holder holder);

// Adds a point that contains whatever `fence` is made of, for a node must not contain a chain:
// transfer does so upstream, the import of a sync file warns there instead. 0 or -ENOMEM.
int syncobj_add_flattened_point(Syncobj& syncobj, dma::Fence& fence, uint64_t point);

// A copy of the points of an array, freed with kfree(); the address 0 stands for zeros. -ENOMEM,
// -EFAULT.
int syncobj_points_from_user(uint64_t*& points, uint64_t user_points, uint32_t count);

// A task that waits for a point. Mirrors syncobj_wait_entry.
struct SyncobjWaitEntry {
  kernel::ListHead node;  // in cb_list, or empty
  const sched::Context* task;
  dma::Fence* fence;  // holds a reference, as kSyncobjWaiter, once the point is there
  dma::FenceCb fence_cb;
  uint64_t point;
};
// Gives an entry of cb_list its fence if the point is there now. Lock of the syncobj held. Mirrors
// syncobj_wait_syncobj_func.
void syncobj_wait_syncobj_func(Syncobj& syncobj, SyncobjWaitEntry& wait);

// An event counter that waits for a point. It has no reference of the syncobj, which frees the
// entries that it still has when it goes. Mirrors syncobj_eventfd_entry.
struct SyncobjEventfdEntry {
  kernel::ListHead node;  // in ev_fd_list until the point is there
  dma::Fence* fence;      // holds a reference, as kSyncobjEventfd, from then on
  dma::FenceCb fence_cb;
  EventFd* ev_fd_ctx;  // the same
  uint64_t point;
  uint32_t flags;
};
// Takes an entry of ev_fd_list on if the point is there now: waits for the fence, or is done with
// the entry and frees it. Lock of the syncobj held. Mirrors syncobj_eventfd_entry_func.
void syncobj_eventfd_entry_func(Syncobj& syncobj, SyncobjEventfdEntry& entry);
// Mirrors syncobj_eventfd_entry_free.
void syncobj_eventfd_entry_free(SyncobjEventfdEntry& entry);

}  // namespace drm
