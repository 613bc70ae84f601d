// Argument structs of the driver's GEM ioctls, laid out as in the kernel's UAPI.
#pragma once

#include <cstdint>

namespace userq {

// drm_amdgpu_gem_create_in.domains
inline constexpr uint64_t kGemDomainGtt = 0x2;
inline constexpr uint64_t kGemDomainVram = 0x4;
inline constexpr uint64_t kGemDomainDoorbell = 0x40;

// drm_amdgpu_gem_create_in.domain_flags
inline constexpr uint64_t kGemCreateCpuAccessRequired = 1u << 0;
inline constexpr uint64_t kGemCreateVmAlwaysValid =
    1u << 6;  // shares the reservation of the VM's root
inline constexpr uint64_t kGemCreateExplicitSync = 1u << 7;

struct drm_amdgpu_gem_create_in {
  uint64_t bo_size;
  uint64_t alignment;
  uint64_t domains;
  uint64_t domain_flags;
};
struct drm_amdgpu_gem_create_out {
  uint32_t handle;
  uint32_t pad;
};
union drm_amdgpu_gem_create {
  drm_amdgpu_gem_create_in in;
  drm_amdgpu_gem_create_out out;
};

// drm_amdgpu_gem_userptr.flags
inline constexpr uint32_t kGemUserptrReadonly = 1u << 0;
inline constexpr uint32_t kGemUserptrAnononly = 1u << 1;
inline constexpr uint32_t kGemUserptrValidate = 1u << 2;  // the pages must be there now
inline constexpr uint32_t kGemUserptrRegister = 1u << 3;  // be told when they go

struct drm_amdgpu_gem_userptr {
  uint64_t addr;
  uint64_t size;
  uint32_t flags;
  uint32_t handle;
};

// drm_amdgpu_gem_va.operation
inline constexpr uint32_t kVaOpMap = 1;
inline constexpr uint32_t kVaOpUnmap = 2;
inline constexpr uint32_t kVaOpClear = 3;
inline constexpr uint32_t kVaOpReplace = 4;

// drm_amdgpu_gem_va.flags
inline constexpr uint32_t kVmDelayUpdate = 1u << 0;
inline constexpr uint32_t kVmPageReadable = 1u << 1;
inline constexpr uint32_t kVmPageWriteable = 1u << 2;
inline constexpr uint32_t kVmPageExecutable = 1u << 3;
inline constexpr uint32_t kVmPagePrt = 1u << 4;  // backed by nothing: reads as 0, drops writes
inline constexpr uint32_t kVmMtypeMask = 0xfu << 5;
inline constexpr uint32_t kVmPageNoalloc = 1u << 9;

struct drm_amdgpu_gem_va {
  uint32_t handle;
  uint32_t pad;
  uint32_t operation;
  uint32_t flags;
  uint64_t va_address;
  uint64_t offset_in_bo;
  uint64_t map_size;
  uint64_t vm_timeline_point;        // 0: the syncobj is binary
  uint32_t vm_timeline_syncobj_out;  // gets the fence of the update; 0: none
  uint32_t num_syncobj_handles;
  uint64_t input_fence_syncobj_handles;  // user address of uint32_t[num_syncobj_handles]
};

static_assert(sizeof(drm_amdgpu_gem_create) == 32);
static_assert(sizeof(drm_amdgpu_gem_userptr) == 24);
static_assert(sizeof(drm_amdgpu_gem_va) == 64);

}  // namespace userq
