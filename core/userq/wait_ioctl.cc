#include "core/userq/wait_ioctl.h"

#include <algorithm>
#include <cerrno>

#include "core/dma/fence_unwrap.h"
#include "core/kernel/errno.h"
#include "core/kernel/slab.h"
#include "core/kernel/uaccess.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/queue.h"
#include "core/userq/wait_collect.h"

namespace userq {

namespace {

constexpr uint64_t kMaxCount = UINT16_MAX;

// Phase 1: how many fences there are to wait for.
int count_phase(const WaitSources& sources, drm_amdgpu_userq_wait& args) {
  uint64_t count;
  const int error = count_fences(sources, &count);
  if (error == 0) args.num_fences = static_cast<uint16_t>(std::min(count, kMaxCount));
  return error;
}

// The queue's next fence has to keep the driver's slot alive. A driver that the queue already holds
// is not taken twice, so that waiting without ever signaling does not pile up references.
int hold_fence_driver(Queue& waitq, FenceDriver& fence_drv) {
  const kernel::Holder holder = queue_holds(waitq, kQueueFenceDrvXa);
  kernel::mutex_lock(waitq.fence_drv_lock);
  uint64_t index;
  FenceDriver* held;
  bool present = false;
  xa_for_each(waitq.fence_drv_xa, index, held) present = present || held == &fence_drv;
  int error = 0;
  if (!present) {
    // The reference comes first: once the entry is visible a signal ioctl may take it over and drop
    // it.
    fence_driver_get(fence_drv, holder);
    uint32_t id;
    error = kernel::xa_alloc(waitq.fence_drv_xa, &id, &fence_drv, 0, UINT32_MAX);
    if (error != 0) fence_driver_put(fence_drv, holder);
  }
  kernel::mutex_unlock(waitq.fence_drv_lock);
  return error;
}

// Turns the collected fences into infos; foreign ones, which no slot stands for, are waited for.
int fill_infos(Queue& waitq, const Collected& collected, drm_amdgpu_userq_fence_info* infos,
               uint16_t* num_infos) {
  *num_infos = 0;
  for (uint32_t i = 0; i < collected.count; ++i) {
    dma::Fence& fence = *collected.fences[i];
    UserqFence* userq_fence = to_userq_fence(fence);
    const int error = userq_fence == nullptr ? dma::fence_wait(fence, true)
                                             : hold_fence_driver(waitq, *userq_fence->fence_drv);
    if (error != 0) return error;
    if (userq_fence != nullptr) infos[(*num_infos)++] = {userq_fence->fence_drv->va, fence.seqno};
  }
  return 0;
}

int fill_for_queue(drm::File& file, const Collected& collected, drm_amdgpu_userq_fence_info* infos,
                   drm_amdgpu_userq_wait& args) {
  Queue* waitq = queue_get(to_fpriv(file).userq_mgr, args.waitq_id);
  if (waitq == nullptr) return -EINVAL;
  uint16_t num_infos;
  int error = fill_infos(*waitq, collected, infos, &num_infos);
  // After a failed copy the references stay with the queue until its next fence, or its end.
  if (error == 0) error = kernel::copy_to_user(args.out_fences, infos, num_infos * sizeof *infos);
  if (error == 0) args.num_fences = num_infos;
  queue_put(*waitq, kUserqIoctl);
  return error;
}

// Phase 2: the fences, of each context the latest.
int fill_phase(const WaitSources& sources, drm_amdgpu_userq_wait& args) {
  Collected collected{nullptr, 0, args.num_fences};
  drm_amdgpu_userq_fence_info* infos = nullptr;
  int error = 0;
  if (!kernel::kmalloc_array(infos, args.num_fences, "fence_info array") ||
      !kernel::kmalloc_array(collected.fences, args.num_fences, "fence array"))
    error = -ENOMEM;
  if (error == 0) error = collect_fences(sources, collected);
  if (error == 0) {
    collected.count = dma::fence_dedup_array(collected.fences, collected.count, kCollected);
    error = fill_for_queue(*sources.file, collected, infos, args);
  }
  for (uint32_t i = 0; i < collected.count; ++i) dma::fence_put(collected.fences[i], kCollected);
  kernel::kfree(collected.fences);
  kernel::kfree(infos);
  return error;
}

int wait(WaitSources& sources, drm_amdgpu_userq_wait& args) {
  const int error = userq_bos_lookup(*sources.file, args.bo_read_handles, args.num_bo_read_handles,
                                     args.bo_write_handles, args.num_bo_write_handles, sources.bos);
  if (error != 0) return error;
  const int result = args.num_fences == 0 ? count_phase(sources, args) : fill_phase(sources, args);
  userq_bos_free(sources.bos);
  return result;
}

}  // namespace

int wait_ioctl(drm::File& file, drm_amdgpu_userq_wait& args) {
  if (!userq_enabled(*to_fpriv(file).userq_mgr.adev)) return -kernel::kEnotsupp;
  if (args.num_bo_read_handles > kUserqMaxHandles || args.num_bo_write_handles > kUserqMaxHandles)
    return -EINVAL;
  uint32_t *handles, *timeline_handles = nullptr;
  uint64_t* timeline_points = nullptr;
  int error = kernel::memdup_array_user(handles, args.syncobj_handles, args.num_syncobj_handles);
  if (error == 0)
    error = kernel::memdup_array_user(timeline_handles, args.syncobj_timeline_handles,
                                      args.num_syncobj_timeline_handles);
  if (error == 0)
    error = kernel::memdup_array_user(timeline_points, args.syncobj_timeline_points,
                                      args.num_syncobj_timeline_handles);
  if (error == 0) {
    WaitSources sources{&file,
                        timeline_handles,
                        timeline_points,
                        args.num_syncobj_timeline_handles,
                        handles,
                        args.num_syncobj_handles,
                        {}};
    error = wait(sources, args);
  }
  kernel::kfree(timeline_points);
  kernel::kfree(timeline_handles);
  kernel::kfree(handles);
  return error;
}

}  // namespace userq
