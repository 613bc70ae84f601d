#include "core/userq/device.h"

#include "core/dma/fence.h"
#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/userq/mes.h"

namespace userq {

namespace {

constexpr uint64_t kJobTimeout = 2 * kernel::kSecond;

bool hardware_in_use(const Gpu& gpu) {
  for (uint32_t doorbell = 0; doorbell < kMaxDoorbells; ++doorbell)
    if (gpu_queue_state(gpu, doorbell) != HwState::kUnmapped) return true;
  return false;
}

// If references leaked, the ledger says more about the cause than what follows from it.
void check_device_idle(Device& adev) {
  const bool queues_left = !kernel::xa_empty(adev.userq_doorbell_xa);
  const bool mapped = adev.gpu_recovery && hardware_in_use(adev.gpu);
  const bool powered = kernel::read_once(adev.pm_usage) != 0;
  if (!queues_left && !mapped && !powered) return;
  if (kernel::checks_enabled) kernel::ledger_check_empty();
  WARN_ON(queues_left);
  WARN_ON(mapped);
  WARN_ON(powered);
}

}  // namespace

Device* device_init(const DeviceConfig& config) {
  Device* adev = kernel::kzalloc_obj<Device>("device");
  if (adev == nullptr) return nullptr;
  if (seq64_init(adev->seq64, config.num_seq64) != 0) {
    kernel::kfree(adev);
    return nullptr;
  }
  if (dma::stub_init() != 0) {
    seq64_fini(adev->seq64);
    kernel::kfree(adev);
    return nullptr;
  }
  kernel::xa_init(adev->userq_doorbell_xa, "xa_lock(userq_doorbell_xa)", kernel::XaFlags::kLockIrq);
  kernel::init_rwsem(adev->reset_domain.sem, "reset_domain.sem");
  adev->reset_domain.wq = {"reset_domain.wq", true};
  for (uint64_t& timeout : adev->job_timeout) timeout = kJobTimeout;
  for (uint32_t engine = 0; engine < kHwIpCount; ++engine)
    if ((config.userq_engines >> engine & 1) != 0) adev->userq_funcs[engine] = &kMesUserqFuncs;
  adev->tmz = config.tmz;
  adev->gpu_recovery = config.gpu_recovery;
  kernel::mutex_init(adev->stop_mutex, "stop_mutex");
  return adev;
}

uint32_t device_fini(Device* adev) {
  const uint32_t slots = seq64_used(adev->seq64);
  dma::stub_fini();
  check_device_idle(*adev);
  kernel::mutex_destroy(adev->stop_mutex);
  kernel::rwsem_destroy(adev->reset_domain.sem);
  kernel::xa_destroy(adev->userq_doorbell_xa);
  seq64_fini(adev->seq64);
  kernel::kfree(adev);
  return slots;
}

bool userq_enabled(const Device& adev) {
  for (const UserqFuncs* funcs : adev.userq_funcs)
    if (funcs != nullptr) return true;
  return false;
}

void pm_runtime_get(Device& adev) { kernel::atomic_add_return(1, adev.pm_usage); }
void pm_runtime_put(Device& adev) { WARN_ON(kernel::atomic_add_return(-1, adev.pm_usage) < 0); }

}  // namespace userq
