// The driver's GEM ioctls: objects, and their addresses on the GPU.
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_gem.h"

namespace userq {

// A new object with a handle. -EINVAL: bad size, alignment, domains or flags; -ENOMEM; -ENOSPC: no
// doorbell page is free; -EINTR. Mirrors amdgpu_gem_create_ioctl.
int gem_create_ioctl(drm::File& file, drm_amdgpu_gem_create& args);
// A new object around memory of the process. -EINVAL: not page aligned, or bad flags; -EACCES:
// writable, and the driver shall not be told when the pages go; -EFAULT: the pages shall be there
// now and are not; -ENOMEM, -EINTR. Mirrors amdgpu_gem_userptr_ioctl.
int gem_userptr_ioctl(drm::File& file, drm_amdgpu_gem_userptr& args);
// Maps, unmaps, clears, replaces. -EINVAL: bad address, size, offset, flags or operation, overlaps,
// or an input fence that was never submitted; -ENOENT: no such object, mapping or syncobj; -ENOMEM,
// -EFAULT, -EINTR. Mirrors amdgpu_gem_va_ioctl.
int gem_va_ioctl(drm::File& file, drm_amdgpu_gem_va& args);

}  // namespace userq
