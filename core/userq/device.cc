#include "core/userq/device.h"

#include "core/dma/fence.h"
#include "core/kernel/slab.h"

namespace userq {

namespace {
constexpr uint64_t kJobTimeout = 2 * kernel::kSecond;
}  // namespace

Device* device_init(uint32_t num_seq64) {
  Device* adev = kernel::kzalloc_obj<Device>("device");
  if (adev == nullptr) return nullptr;
  if (seq64_init(adev->seq64, num_seq64) != 0) {
    kernel::kfree(adev);
    return nullptr;
  }
  kernel::xa_init(adev->userq_doorbell_xa, "xa_lock(userq_doorbell_xa)", kernel::XaFlags::kLockIrq);
  adev->reset_wq = {"reset_domain.wq", true};
  for (uint64_t& timeout : adev->job_timeout) timeout = kJobTimeout;
  if (dma::stub_init() != 0) {
    kernel::xa_destroy(adev->userq_doorbell_xa);
    seq64_fini(adev->seq64);
    kernel::kfree(adev);
    return nullptr;
  }
  return adev;
}

uint32_t device_fini(Device* adev) {
  const uint32_t slots = seq64_used(adev->seq64);
  dma::stub_fini();
  kernel::xa_destroy(adev->userq_doorbell_xa);
  seq64_fini(adev->seq64);
  kernel::kfree(adev);
  return slots;
}

}  // namespace userq
