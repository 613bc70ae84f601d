// What the firmware scheduler (MES) does for user queues, as a table of functions for each engine.
#pragma once

#include <cstdint>

#include "core/userq/uapi_userq.h"

namespace userq {

struct Device;
struct Queue;

// The queue as the firmware sees it (memory queue descriptor). Lives in VRAM.
struct Mqd {
  uint64_t* fence_addr;  // where the queue writes its progress
  uint32_t doorbell_index;
  uint32_t engine;
  uint32_t priority;
  uint32_t vram_lost_counter;  // the device's, when it was made: it is gone if that went on
};

// Mirrors amdgpu_userq_funcs. Errors are the firmware's, -ETIMEDOUT, unless said otherwise.
struct UserqFuncs {
  // Makes and frees Queue::mqd. -ENOMEM. Process context.
  int (*mqd_create)(Queue& queue, const drm_amdgpu_userq_in& in);
  void (*mqd_destroy)(Queue& queue);
  // -ECANCELED: the descriptor was lost with the VRAM.
  int (*map)(Queue& queue);
  int (*unmap)(Queue& queue);
  int (*preempt)(Queue& queue);
  int (*restore)(Queue& queue);
  // The firmware finds the hung queues of an engine and resets them: they are HUNG then. An error:
  // only a reset of the GPU helps. Write side of the reset semaphore held.
  int (*detect_and_reset)(Device& adev, uint32_t queue_type);
};

extern const UserqFuncs kMesUserqFuncs;

}  // namespace userq
