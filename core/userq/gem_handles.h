// GEM handle arrays that the signal and wait ioctls get from userspace.
#pragma once

#include <cstdint>

namespace userq {

// The buffer objects behind a user array of GEM handles. No file has a GEM object yet, so every
// handle is unknown: -ENOENT, or -EFAULT, -ENOMEM while copying the handles. 0 handles: 0.
int gem_objects_lookup(uint64_t user_handles, uint32_t count);

}  // namespace userq
