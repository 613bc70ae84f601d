// The GPU as the driver sees it: hardware queues that, while mapped, write their progress to a
// fence slot. Not driver code: this is the device on the other side of the bus, so its accesses to
// memory are those of a bus master (atomic, unordered).
#pragma once

#include <cstdint>

namespace userq {

inline constexpr uint32_t kMaxDoorbells = 16;

struct HwQueue {
  uint64_t* fence_addr;  // nullptr: not mapped
};

struct Gpu {
  HwQueue queues[kMaxDoorbells];  // by doorbell index
};

// What the firmware does for the driver (userq_funcs->map and ->unmap).
void gpu_map_queue(Gpu& gpu, uint32_t doorbell, uint64_t* fence_addr);
void gpu_unmap_queue(Gpu& gpu, uint32_t doorbell);

// The queue behind the doorbell finished work: it writes its progress. Nothing happens unless it is
// mapped.
void gpu_write_rptr(Gpu& gpu, uint32_t doorbell, uint64_t value);

}  // namespace userq
