// drm_syncobj: a container that userspace names by handle and that holds one fence at a time.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"
#include "core/drm/file.h"
#include "core/drm/uapi_syncobj.h"

namespace drm {

struct Syncobj {
  kernel::Kref refcount;
  dma::Fence* fence;         // nullptr: not submitted. Written under `lock`, read by RCU readers
  kernel::ListHead cb_list;  // waiters for a fence, under `lock`
  kernel::SpinLock lock;
};

// Bits of `flags` of syncobj_find_fence().
inline constexpr uint32_t kSyncobjWaitFlagsWaitForSubmit = 1u << 1;

// How long find_fence waits for a submission.
inline constexpr uint64_t kSyncobjWaitForSubmitTimeout = 5 * kernel::kSecond;

inline constexpr char kSyncobjHandle[] = "syncobj_xa";
inline constexpr char kSyncobjFence[] = "syncobj.fence";
inline constexpr char kSyncobjWaiter[] = "syncobj waiter";

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

// Puts `fence` (or nullptr) in place of the present one and wakes who waits for a submission.
void syncobj_replace_fence(Syncobj& syncobj, dma::Fence* fence);
// The present fence with a reference, or nullptr.
dma::Fence* syncobj_fence_get(Syncobj& syncobj, kernel::Holder holder);

// The fence behind a handle, with a reference for `holder`. With kSyncobjWaitFlagsWaitForSubmit
// waits, for at most 5 s, until there is one. -ENOENT no such handle; -EINVAL bad flags, or nothing
// submitted and not asked to wait; -ETIME; -ERESTARTSYS. May sleep, with no lock held. Mirrors
// drm_syncobj_find_fence.
int syncobj_find_fence(File& file, uint32_t handle, uint32_t flags, dma::Fence** fence,
                       kernel::Holder holder);

// The ioctls; `args` is in kernel memory. 0 or -errno.
int syncobj_create_ioctl(File& file, drm_syncobj_create& args);
int syncobj_destroy_ioctl(File& file, drm_syncobj_destroy& args);
int syncobj_reset_ioctl(File& file, drm_syncobj_array& args);
int syncobj_signal_ioctl(File& file, drm_syncobj_array& args);

// File close: drops every handle.
void syncobj_release_all(File& file);

}  // namespace drm
