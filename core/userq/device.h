// The device: what all files share.
#pragma once

#include <cstdint>

#include "core/kernel/workqueue.h"
#include "core/kernel/xarray.h"
#include "core/userq/gpu.h"
#include "core/userq/seq64.h"
#include "core/userq/uapi_userq.h"

namespace userq {

struct Device {
  Seq64 seq64;
  kernel::XArray userq_doorbell_xa;  // doorbell index -> Queue; lock taken with interrupts off
  kernel::Workqueue reset_wq;        // of the reset domain; ordered
  uint64_t job_timeout[kHwIpCount];  // nanoseconds, by engine
  Gpu gpu;
};

// A device with `num_seq64` fence slots. nullptr: no memory. Process context.
Device* device_init(uint32_t num_seq64);
// All files are closed and a grace period is over. Returns how many fence slots are still taken.
uint32_t device_fini(Device* adev);

}  // namespace userq
