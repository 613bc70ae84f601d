// The signal ioctl: the work that the user has put into a queue so far gets a fence, which goes to
// syncobjs.
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_userq.h"

namespace userq {

// 0 or -errno; spec: behaviour 1.8. Mirrors amdgpu_userq_signal_ioctl.
int signal_ioctl(drm::File& file, drm_amdgpu_userq_signal& args);

}  // namespace userq
