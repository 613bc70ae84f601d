// The wait ioctl: which slots and values a queue has to wait for before it may go on.
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_userq.h"

namespace userq {

// num_fences == 0 counts, else fills. 0 or -errno; spec: behaviour 1.9. Mirrors
// amdgpu_userq_wait_ioctl.
int wait_ioctl(drm::File& file, drm_amdgpu_userq_wait& args);

}  // namespace userq
