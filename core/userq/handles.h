// Handle arrays that the signal and wait ioctls get from userspace.
#pragma once

#include <cstdint>

#include "core/drm/syncobj.h"

namespace userq {

// The objects behind a user array of syncobj handles, each with a reference held by the ioctl.
struct SyncobjArray {
  drm::Syncobj** syncobjs;
  uint32_t count;
};

// -EFAULT, -ENOMEM, -ENOENT; nothing is held then.
int syncobj_array_lookup(drm::File& file, uint64_t user_handles, uint32_t count,
                         SyncobjArray& array);
void syncobj_array_put(SyncobjArray& array);

// The buffer objects behind a user array of GEM handles. No file has a GEM object yet, so every
// handle is unknown: -ENOENT, or -EFAULT, -ENOMEM while copying the handles. 0 handles: 0.
int gem_objects_lookup(uint64_t user_handles, uint32_t count);

}  // namespace userq
