// Argument structs of the syncobj ioctls, laid out as in the kernel's UAPI.
#pragma once

#include <cstdint>

namespace drm {

// Flags of create.
inline constexpr uint32_t kSyncobjCreateSignaled = 1u << 0;

// Flags of the two waits; some are also flags of transfer and eventfd.
inline constexpr uint32_t kSyncobjWaitFlagsWaitAll = 1u << 0;        // for all, not for any
inline constexpr uint32_t kSyncobjWaitFlagsWaitForSubmit = 1u << 1;  // also until there is a fence
inline constexpr uint32_t kSyncobjWaitFlagsWaitAvailable = 1u << 2;  // only until there is a fence
inline constexpr uint32_t kSyncobjWaitFlagsWaitDeadline = 1u << 3;   // deadline_nsec is meant

// Flags of handle_to_fd and fd_to_handle.
inline constexpr uint32_t kSyncobjHandleFlagsSyncFile = 1u << 0;  // the descriptor is a sync file
inline constexpr uint32_t kSyncobjHandleFlagsTimeline = 1u << 1;  // point is meant

// Flags of query.
inline constexpr uint32_t kSyncobjQueryFlagsLastSubmitted = 1u << 0;

struct drm_syncobj_create {
  uint32_t handle;  // out
  uint32_t flags;
};

struct drm_syncobj_destroy {
  uint32_t handle;
  uint32_t pad;
};

// handle_to_fd and fd_to_handle
struct drm_syncobj_handle {
  uint32_t handle;
  uint32_t flags;
  int32_t fd;
  uint32_t pad;
  uint64_t point;
};

struct drm_syncobj_transfer {
  uint32_t src_handle;
  uint32_t dst_handle;
  uint64_t src_point;
  uint64_t dst_point;  // 0: the fence replaces what is there
  uint32_t flags;
  uint32_t pad;
};

// Times are absolute, in nanoseconds.
struct drm_syncobj_wait {
  uint64_t handles;      // user address of uint32_t[count_handles]
  int64_t timeout_nsec;  // 0 polls
  uint32_t count_handles;
  uint32_t flags;
  uint32_t first_signaled;  // out: the index of a handle
  uint32_t pad;
  uint64_t deadline_nsec;
};

struct drm_syncobj_timeline_wait {
  uint64_t handles;
  uint64_t points;  // user address of uint64_t[count_handles]; 0: all points are 0
  int64_t timeout_nsec;
  uint32_t count_handles;
  uint32_t flags;
  uint32_t first_signaled;
  uint32_t pad;
  uint64_t deadline_nsec;
};

struct drm_syncobj_eventfd {
  uint32_t handle;
  uint32_t flags;
  uint64_t point;
  int32_t fd;
  uint32_t pad;
};

// reset and signal
struct drm_syncobj_array {
  uint64_t handles;  // user address of uint32_t[count_handles]
  uint32_t count_handles;
  uint32_t pad;
};

// timeline_signal and query
struct drm_syncobj_timeline_array {
  uint64_t handles;
  uint64_t points;  // user address of uint64_t[count_handles]; for timeline_signal 0: all are 0
  uint32_t count_handles;
  uint32_t flags;
};

static_assert(sizeof(drm_syncobj_create) == 8 && sizeof(drm_syncobj_destroy) == 8);
static_assert(sizeof(drm_syncobj_handle) == 24 && sizeof(drm_syncobj_transfer) == 32);
static_assert(sizeof(drm_syncobj_wait) == 40 && sizeof(drm_syncobj_timeline_wait) == 48);
static_assert(sizeof(drm_syncobj_eventfd) == 24);
static_assert(sizeof(drm_syncobj_array) == 16 && sizeof(drm_syncobj_timeline_array) == 24);

}  // namespace drm
