// The wait ioctl: what has this queue to wait for before its next work?
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_userq.h"

namespace userq {

// num_fences 0: counts the fences behind the syncobjs, timeline points and buffers. Otherwise fills
// out_fences with (slot address, value) pairs for the GPU to wait on, of each timeline the latest,
// and makes the queue hold the fence drivers of these slots until its next fence is complete;
// foreign fences and those beyond num_fences are waited for here. Chains and arrays are taken
// apart; upstream takes one in a boolean syncobj for foreign. After an error the queue may hold
// drivers that it did not hold before. 0 or -errno; spec: behaviour 1.9.
// Mirrors amdgpu_userq_wait_ioctl.
int wait_ioctl(drm::File& file, drm_amdgpu_userq_wait& args);

}  // namespace userq
