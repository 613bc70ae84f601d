// Buffer objects of the driver: memory that the GPU and the process share, named by GEM handles.
#pragma once

#include <cstdint>

#include "core/drm/gem.h"
#include "core/kernel/list.h"
#include "core/userq/uapi_gem.h"

namespace userq {

struct Device;

inline constexpr uint64_t kGpuPageSize = 4096;
inline constexpr uint64_t kMaxBoSize = 256 * kGpuPageSize;

struct Bo {
  drm::GemObject gem;
  Device* adev;
  uint8_t* memory;  // nullptr: a doorbell object, or a userptr object whose pages never were there
  uint32_t doorbell_base;  // doorbell objects: index of their first doorbell
  bool is_doorbell;
  kernel::UserMemory* usermm;  // userptr objects: of the process whose memory it is; else nullptr
  bool userptr_gone;  // the process unmapped the pages. Under the reservation, as all that follows
  bool evicted;       // out of the GPU's reach until it is validated
  unsigned pin_count;
  kernel::ListHead bo_vas;  // BoVa::bo_link: the address spaces that it is in
  Bo* vm_root;  // always valid in this VM: shares the root's reservation, holds a reference
};

inline constexpr char kBoVmRoot[] = "bo.vm_root";

inline Bo& to_bo(drm::GemObject& gem) { return *container_of(&gem, Bo, gem); }

// A zeroed object with one reference, for `creator`; the size becomes whole pages. -ENOMEM, also if
// it is larger than kMaxBoSize; -ENOSPC: no doorbell page is free. Process context. Mirrors
// amdgpu_bo_create.
int bo_create(Device& adev, uint64_t size, uint64_t domains, Bo* vm_root, Bo** out,
              kernel::Holder creator);
// The same around memory of a process; where it has none, the pages count as gone from the start.
int bo_create_userptr(Device& adev, kernel::UserMemory& mm, uint64_t addr, uint64_t size, Bo** out,
                      kernel::Holder creator);
// For GemObjectFuncs: the end of an object. It must be neither pinned nor in an address space:
// warned of. Mirrors amdgpu_bo_destroy; but the memory goes at once, not after its fences.
void bo_free(drm::GemObject& obj);
inline void bo_get(Bo& bo, kernel::Holder holder) { drm::gem_object_get(bo.gem, holder); }
inline void bo_put(Bo* bo, kernel::Holder holder) {
  if (bo != nullptr) drm::gem_object_put(&bo->gem, holder);
}

// The reservation; process context. 0 or, with `interruptible`, -EINTR. Mirrors amdgpu_bo_reserve.
int bo_reserve(Bo& bo, bool interruptible);
void bo_unreserve(Bo& bo);

// A pinned object stays where it is. Reserved. -EPERM: memory of a process; -ENOMEM. Mirror
// amdgpu_bo_pin and amdgpu_bo_unpin.
int bo_pin(Bo& bo);
void bo_unpin(Bo& bo);

// Brings the memory back into the GPU's reach. Reserved. -ENOMEM. Mirrors ttm_bo_validate.
int bo_validate(Bo& bo);
// The GPU needs the room: waits until nobody uses the object, for which queues may have to leave
// the GPU, and moves the memory away. Reserved. -EBUSY: pinned; -ENOMEM. Mirrors ttm_bo_evict.
int bo_evict(Bo& bo);
// The process unmapped the pages: waits as bo_evict() does. From here on the object cannot be used.
// Process context, not reserved. Mirrors amdgpu_hmm_invalidate_gfx.
void bo_userptr_unmapped(Bo& bo);

}  // namespace userq
