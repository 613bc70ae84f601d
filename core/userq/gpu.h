// The GPU as the driver sees it: hardware queues that, while they run, write their progress to a
// fence slot, and the firmware that puts them on the hardware and takes them off. Not driver code:
// this is the device on the other side of the bus, so its accesses to memory are those of a bus
// master (atomic, unordered), and each function here is one step of it.
#pragma once

#include <cstdint>

#include "core/userq/doorbell.h"

namespace userq {

inline constexpr uint32_t kMaxDoorbells = kDoorbellPages * kDoorbellsPerPage;

enum class HwState : uint8_t {
  kUnmapped,
  kRunning,
  kPreempted,  // mapped, but stopped
  kHung,       // mapped, but makes no progress and obeys no request until it is reset
};

struct HwQueue {
  HwState state;
  uint32_t engine;       // kHwIp..., as all that follows since it was mapped
  uint64_t* fence_addr;  // the slot
  // What the slot held when the queue's interrupt was last delivered; 0 if it went back since then.
  uint64_t irq_value;
};

struct Gpu {
  HwQueue queues[kMaxDoorbells];  // by doorbell index
  uint32_t fail_request;          // 1: the next firmware request fails; n: the n-th
};

// --- the firmware; by doorbell ---

// 0; -ETIMEDOUT: no answer. Then nothing was mapped; a queue that was to be unmapped, preempted or
// restored hangs from here on, if it did not already. Unmapping what is not mapped succeeds.
int gpu_map_queue(Gpu& gpu, uint32_t doorbell, uint32_t engine, uint64_t* fence_addr);
int gpu_unmap_queue(Gpu& gpu, uint32_t doorbell);
int gpu_preempt_queue(Gpu& gpu, uint32_t doorbell);
int gpu_restore_queue(Gpu& gpu, uint32_t doorbell);
// Resets the hung queues of an engine, which unmaps them, and lists their doorbells; there is room
// for kMaxDoorbells. -ETIMEDOUT: none was reset.
int gpu_reset_hung_queues(Gpu& gpu, uint32_t engine, uint32_t* doorbells, uint32_t* count);

// A reset of it all, without the firmware's help: nothing is mapped.
void gpu_reset(Gpu& gpu);

// The interrupt of a doorbell, if there is such a one, reaches the driver, which sees all progress
// up to here.
void gpu_irq_delivered(Gpu& gpu, uint32_t doorbell);

// --- what happens to it ---

// The queue behind the doorbell finished work: it writes its progress. Nothing unless it runs.
void gpu_write_rptr(Gpu& gpu, uint32_t doorbell, uint64_t value);
// The queue behind the doorbell hangs, if it is mapped.
void gpu_hang_queue(Gpu& gpu, uint32_t doorbell);
// The n-th firmware request from now on fails; 0: none.
void gpu_fail_request(Gpu& gpu, uint32_t n);

HwState gpu_queue_state(const Gpu& gpu, uint32_t doorbell);

}  // namespace userq
