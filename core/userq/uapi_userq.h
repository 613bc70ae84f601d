// Argument structs of the user-queue ioctls, laid out as in the kernel's UAPI.
#pragma once

#include <cstdint>

namespace userq {

// drm_amdgpu_userq_in.op
inline constexpr uint32_t kUserqOpCreate = 1;
inline constexpr uint32_t kUserqOpFree = 2;

// drm_amdgpu_userq_in.ip_type
inline constexpr uint32_t kHwIpGfx = 0;
inline constexpr uint32_t kHwIpCompute = 1;
inline constexpr uint32_t kHwIpDma = 2;
inline constexpr uint32_t kHwIpCount = 3;

// drm_amdgpu_userq_in.flags
inline constexpr uint32_t kUserqCreateFlagsPriorityMask = 0x3;
inline constexpr uint32_t kUserqCreatePriorityHigh = 3;  // for the privileged only
inline constexpr uint32_t kUserqCreateFlagsQueueSecure = 0x4;

// A queue's ring is at least one page.
inline constexpr uint64_t kUserqMinQueueSize = 4096;

// Most read or write handles of one signal or wait (AMDGPU_USERQ_MAX_HANDLES).
inline constexpr uint32_t kUserqMaxHandles = 1u << 16;

struct drm_amdgpu_userq_in {
  uint32_t op;
  uint32_t queue_id;
  uint32_t ip_type;
  uint32_t doorbell_handle;
  uint32_t doorbell_offset;
  uint32_t flags;
  uint64_t queue_va;
  uint64_t queue_size;
  uint64_t rptr_va;
  uint64_t wptr_va;
  uint64_t mqd;
  uint64_t mqd_size;
};

struct drm_amdgpu_userq_out {
  uint32_t queue_id;
  uint32_t pad;
};

union drm_amdgpu_userq {
  drm_amdgpu_userq_in in;
  drm_amdgpu_userq_out out;
};

struct drm_amdgpu_userq_signal {
  uint32_t queue_id;
  uint32_t pad;
  uint64_t syncobj_handles;  // user address of uint32_t[num_syncobj_handles]
  uint16_t num_syncobj_handles;
  uint16_t pad1[3];
  uint64_t bo_read_handles;   // user address of uint32_t[num_bo_read_handles]
  uint64_t bo_write_handles;  // user address of uint32_t[num_bo_write_handles]
  uint32_t num_bo_read_handles;
  uint32_t num_bo_write_handles;
};

struct drm_amdgpu_userq_fence_info {
  uint64_t va;     // GPU address of the fence slot to wait on
  uint64_t value;  // done when the slot holds at least this
};

struct drm_amdgpu_userq_wait {
  uint32_t waitq_id;
  uint32_t pad;
  uint64_t syncobj_handles;
  uint64_t syncobj_timeline_handles;
  uint64_t syncobj_timeline_points;
  uint64_t bo_read_handles;
  uint64_t bo_write_handles;
  uint16_t num_syncobj_timeline_handles;
  uint16_t num_fences;  // 0: count; else room in out_fences. Out: how many
  uint16_t num_syncobj_handles;
  uint16_t pad1;
  uint32_t num_bo_read_handles;
  uint32_t num_bo_write_handles;
  uint64_t out_fences;  // user address of drm_amdgpu_userq_fence_info[num_fences]
};

static_assert(sizeof(drm_amdgpu_userq_in) == 72);
static_assert(sizeof(drm_amdgpu_userq_signal) == 48);
static_assert(sizeof(drm_amdgpu_userq_fence_info) == 16);
static_assert(sizeof(drm_amdgpu_userq_wait) == 72);

}  // namespace userq
