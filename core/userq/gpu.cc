#include "core/userq/gpu.h"

#include "core/kernel/atomic.h"

namespace userq {

void gpu_map_queue(Gpu& gpu, uint32_t doorbell, uint64_t* fence_addr) {
  kernel::write_once(gpu.queues[doorbell].fence_addr, fence_addr);
}

void gpu_unmap_queue(Gpu& gpu, uint32_t doorbell) {
  kernel::write_once(gpu.queues[doorbell].fence_addr, static_cast<uint64_t*>(nullptr));
}

void gpu_write_rptr(Gpu& gpu, uint32_t doorbell, uint64_t value) {
  uint64_t* fence_addr = kernel::read_once(gpu.queues[doorbell].fence_addr);
  if (fence_addr != nullptr) __atomic_store_n(fence_addr, value, __ATOMIC_RELAXED);
}

}  // namespace userq
