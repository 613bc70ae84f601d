#include "core/userq/mes.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"

namespace userq {

namespace {

Gpu& gpu_of(Queue& queue) { return queue.userq_mgr->adev->gpu; }

// Mirrors mes_userq_mqd_create.
int mqd_create(Queue& queue, const drm_amdgpu_userq_in& in) {
  // The hardware knows no other rings.
  WARN_ON(queue.queue_size < kUserqMinQueueSize ||
          (queue.queue_size & (queue.queue_size - 1)) != 0);
  Mqd* mqd = kernel::kzalloc_obj<Mqd>("mqd");
  if (mqd == nullptr) return -ENOMEM;
  mqd->fence_addr = queue.fence_drv->cpu_addr;
  mqd->doorbell_index = queue.doorbell_index;
  mqd->engine = queue.queue_type;
  mqd->priority = in.flags & kUserqCreateFlagsPriorityMask;
  mqd->vram_lost_counter = kernel::read_once(queue.userq_mgr->adev->vram_lost_counter);
  queue.mqd = mqd;
  return 0;
}

void mqd_destroy(Queue& queue) {
  kernel::kfree(queue.mqd);
  queue.mqd = nullptr;
}

// Mirrors mes_userq_map.
int map(Queue& queue) {
  const Mqd& mqd = *queue.mqd;
  if (mqd.vram_lost_counter != kernel::read_once(queue.userq_mgr->adev->vram_lost_counter))
    return -ECANCELED;
  return gpu_map_queue(gpu_of(queue), mqd.doorbell_index, mqd.engine, mqd.fence_addr);
}

int unmap(Queue& queue) { return gpu_unmap_queue(gpu_of(queue), queue.doorbell_index); }
int preempt(Queue& queue) { return gpu_preempt_queue(gpu_of(queue), queue.doorbell_index); }
int restore(Queue& queue) { return gpu_restore_queue(gpu_of(queue), queue.doorbell_index); }

// Mirrors mes_userq_detect_and_reset.
int detect_and_reset(Device& adev, uint32_t queue_type) {
  uint32_t doorbells[kMaxDoorbells];
  uint32_t count = 0;
  const int error = gpu_reset_hung_queues(adev.gpu, queue_type, doorbells, &count);
  for (uint32_t i = 0; i < count; ++i) {
    Queue* queue = queue_at(adev, doorbells[i]);
    if (queue != nullptr) queue_set_hung(*queue);
  }
  return error;
}

}  // namespace

const UserqFuncs kMesUserqFuncs = {mqd_create, mqd_destroy,     map, unmap, preempt,
                                   restore,    detect_and_reset};

}  // namespace userq
