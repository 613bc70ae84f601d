// drm_syncobj: a container that userspace names by handle and that holds one fence at a time.
//
// As a binary syncobj it holds the fence of the last submission. As a timeline it holds a chain of
// fences, each with a point. The two are one object: the point 0 means whatever fence is there.
#pragma once

#include <cstdint>

#include "core/dma/fence_chain.h"
#include "core/drm/file.h"
#include "core/drm/uapi_syncobj.h"

namespace drm {

struct Syncobj {
  kernel::Kref refcount;
  dma::Fence* fence;            // nullptr: not submitted. Written under `lock`, read by RCU readers
  kernel::ListHead cb_list;     // tasks that wait for a point to be submitted, under `lock`
  kernel::ListHead ev_fd_list;  // event counters that do, under `lock`
  kernel::SpinLock lock;
};

// How long find_fence waits for a submission.
inline constexpr uint64_t kSyncobjWaitForSubmitTimeout = 5 * kernel::kSecond;

// Roles as holders: of a syncobj, the handle table of a file; of a fence, the syncobj, a wait that
// is under way, and an event counter that waits.
inline constexpr char kSyncobjHandle[] = "syncobj_xa";
inline constexpr char kSyncobjFence[] = "syncobj.fence";
inline constexpr char kSyncobjWaiter[] = "syncobj waiter";
inline constexpr char kSyncobjEventfd[] = "syncobj eventfd entry";

// All below: process context.

// With kSyncobjCreateSignaled it holds a complete fence. 0 or -ENOMEM; one reference, for
// `creator`. Mirrors drm_syncobj_create.
int syncobj_create(Syncobj** out, uint32_t flags, kernel::Holder creator);
// Gives it a handle in the file, which holds a reference of its own. 0 or -ENOMEM. Mirrors
// drm_syncobj_get_handle.
int syncobj_get_handle(File& file, Syncobj& syncobj, uint32_t* handle);

// The object behind a handle, with a reference for `holder`; nullptr: no such handle.
Syncobj* syncobj_find(File& file, uint32_t handle, kernel::Holder holder);
void syncobj_put(Syncobj& syncobj, kernel::Holder holder);

// The objects behind an array of handles in user memory, each with a reference.
struct SyncobjArray {
  Syncobj** syncobjs;
  uint32_t count;
};
// -EFAULT, -ENOMEM, -EOVERFLOW, -ENOENT; nothing is held then. Mirrors drm_syncobj_array_find.
int syncobj_array_find(File& file, uint64_t user_handles, uint32_t count, SyncobjArray& array,
                       kernel::Holder holder);
void syncobj_array_free(SyncobjArray& array, kernel::Holder holder);

// Adds a point to the timeline: `chain`, allocated and not initialised, becomes a node over what is
// there now, and contains `fence`, which is no chain. A point that does not come after the last one
// starts a timeline of its own (fence_chain.h). Wakes who waits for a point that is there now.
// Mirrors drm_syncobj_add_point.
void syncobj_add_point(Syncobj& syncobj, dma::FenceChain& chain, dma::Fence& fence, uint64_t point);
// Puts `fence` (or nullptr) in place of the present one, and of the timeline; wakes as above.
// Mirrors drm_syncobj_replace_fence.
void syncobj_replace_fence(Syncobj& syncobj, dma::Fence* fence);
// A fence of its own that is complete. 0 or -ENOMEM. Mirrors drm_syncobj_assign_null_handle.
int syncobj_assign_null_handle(Syncobj& syncobj);
// The present fence with a reference, or nullptr. Any context.
dma::Fence* syncobj_fence_get(Syncobj& syncobj, kernel::Holder holder);

// The fence of a point behind a handle, with a reference for `holder`; a stub if the point is
// reached. With kSyncobjWaitFlagsWaitForSubmit, the only flag, waits for at most 5 s until there is
// one, and no lock may be held. -ENOENT no such handle; -EINVAL bad flags, or nothing submitted and
// not asked to wait; -ETIME; -ERESTARTSYS; *fence is nullptr then. A submission that races with the
// timeout or the signal wins: upstream returns the error then and drops the reference nowhere.
// Mirrors drm_syncobj_find_fence.
int syncobj_find_fence(File& file, uint32_t handle, uint64_t point, uint32_t flags,
                       dma::Fence** fence, kernel::Holder holder);

// The ioctls; `args` is in kernel memory. 0 or -errno. Whatever fails, nothing is leaked. Arrays
// are looked up before anything is done: -EINVAL (no handles), -EFAULT, -ENOMEM, -ENOENT then
// change nothing.

// -EINVAL, -ENOMEM.
int syncobj_create_ioctl(File& file, drm_syncobj_create& args);
// -EINVAL, also for a handle that is unknown. Who waits goes on waiting.
int syncobj_destroy_ioctl(File& file, drm_syncobj_destroy& args);

// syncobj_fd.cc: between handles and descriptors. -EINVAL (bad flags, unknown handle, not such a
// descriptor), -EMFILE, -ENOMEM; with sync files also -ENOENT (unknown handle).
int syncobj_handle_to_fd_ioctl(File& file, drm_syncobj_handle& args);
int syncobj_fd_to_handle_ioctl(File& file, drm_syncobj_handle& args);

// -EINVAL, -EFAULT, -ENOMEM, -ENOENT.
int syncobj_reset_ioctl(File& file, drm_syncobj_array& args);
// The same. Out of memory at the n-th syncobj, those before it are signaled.
int syncobj_signal_ioctl(File& file, drm_syncobj_array& args);
// The same, but all or none.
int syncobj_timeline_signal_ioctl(File& file, drm_syncobj_timeline_array& args);
// The same errors. The value of a timeline is its last point that is reached, with
// kSyncobjQueryFlagsLastSubmitted the last one; a binary syncobj has 0. A copy that faults leaves
// those before it written.
int syncobj_query_ioctl(File& file, drm_syncobj_timeline_array& args);
// -EINVAL, -ENOENT, -ENOMEM, and the errors of find_fence. Bad flags are refused before the lookup:
// some upstream versions leak the looked-up syncobj then.
int syncobj_transfer_ioctl(File& file, drm_syncobj_transfer& args);

// syncobj_wait.cc: waits until one or all of the points are reached, or with
// kSyncobjWaitFlagsWaitAvailable until they are submitted. A fence is looked up once: what replaces
// it later is not waited for. No handles: 0 at once. -EINVAL: bad flags, or a point is not
// submitted and neither that flag nor kSyncobjWaitFlagsWaitForSubmit is given; -EFAULT, -ENOMEM,
// -ENOENT, -ETIME, -ERESTARTSYS. The padding is not looked at.
int syncobj_wait_ioctl(File& file, drm_syncobj_wait& args);
int syncobj_timeline_wait_ioctl(File& file, drm_syncobj_timeline_wait& args);

// syncobj_eventfd.cc: once the point is reached, or with kSyncobjWaitFlagsWaitAvailable submitted,
// the counter behind the descriptor is raised by 1. It waits as long as the syncobj lives, and from
// the submission on as long as the fence is pending. -EINVAL (bad flags, no event counter),
// -ENOENT, -EBADF, -ENOMEM.
int syncobj_eventfd_ioctl(File& file, drm_syncobj_eventfd& args);

// File close: drops every handle. Mirrors drm_syncobj_release.
void syncobj_release_all(File& file);

}  // namespace drm
