// The signal ioctl: the work that the user has put into a queue so far gets a fence, which goes to
// syncobjs and to buffers.
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_userq.h"

namespace userq {

// An error leaves everything as it was, but: once the fence exists it lives on, with what it
// inherited from the queue, even if the buffers cannot then be locked (-EALREADY: one is named
// twice; -EINTR, -ENOMEM); nobody else sees it. And if the file's queues cannot come back (-ENOMEM
// of ensure_ev_fence), what this one waited for is dropped. 0 or -errno; spec: behaviour 1.8.
// Mirrors amdgpu_userq_signal_ioctl.
int signal_ioctl(drm::File& file, drm_amdgpu_userq_signal& args);

}  // namespace userq
