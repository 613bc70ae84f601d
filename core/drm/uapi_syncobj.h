// Argument structs of the syncobj ioctls, laid out as in the kernel's UAPI.
#pragma once

#include <cstdint>

namespace drm {

inline constexpr uint32_t kSyncobjCreateSignaled = 1u << 0;

struct drm_syncobj_create {
  uint32_t handle;
  uint32_t flags;
};

struct drm_syncobj_destroy {
  uint32_t handle;
  uint32_t pad;
};

// reset and signal
struct drm_syncobj_array {
  uint64_t handles;  // user address of uint32_t[count_handles]
  uint32_t count_handles;
  uint32_t pad;
};

}  // namespace drm
