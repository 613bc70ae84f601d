#include "core/userq/wait_ioctl.h"

#include <algorithm>
#include <cerrno>

#include "core/drm/syncobj.h"
#include "core/kernel/slab.h"
#include "core/kernel/uaccess.h"
#include "core/userq/gem_handles.h"
#include "core/userq/queue.h"

namespace userq {

namespace {

constexpr kernel::Holder kCollected{"collected by wait ioctl"};
constexpr uint32_t kMaxCount = UINT16_MAX;

// Fences on their way to the user; each holds a reference.
struct Collected {
  dma::Fence** fences;
  uint32_t count;
  uint32_t room;
};

void put_all(Collected& collected) {
  for (uint32_t i = 0; i < collected.count; ++i) dma::fence_put(collected.fences[i], kCollected);
}

// Phase 1: how many fences there are to wait for.
int count_fences(drm::File& file, const uint32_t* handles, drm_amdgpu_userq_wait& args) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < args.num_syncobj_handles; ++i) {
    dma::Fence* fence;
    const int error = drm::syncobj_find_fence(file, handles[i], drm::kSyncobjWaitFlagsWaitForSubmit,
                                              &fence, kCollected);
    if (error != 0) return error;
    dma::fence_put(fence, kCollected);
    ++count;
  }
  args.num_fences = static_cast<uint16_t>(std::min(count, kMaxCount));
  return 0;
}

// No room left: waited for here, instead of by the GPU.
int collect(Collected& collected, dma::Fence* fence) {
  if (collected.count < collected.room) {
    collected.fences[collected.count++] = fence;
    return 0;
  }
  const int error = dma::fence_wait(*fence, true);
  dma::fence_put(fence, kCollected);
  return error;
}

int collect_all(drm::File& file, const uint32_t* handles, uint32_t num_handles,
                Collected& collected) {
  for (uint32_t i = 0; i < num_handles; ++i) {
    dma::Fence* fence;
    int error = drm::syncobj_find_fence(file, handles[i], drm::kSyncobjWaitFlagsWaitForSubmit,
                                        &fence, kCollected);
    if (error == 0) error = collect(collected, fence);
    if (error != 0) return error;
  }
  return 0;
}

// By context, then by age. Fences that are equal in both have an order, too: the outcome must not
// depend on the library's sort.
bool before(const dma::Fence* a, const dma::Fence* b) {
  if (a->context != b->context) return a->context < b->context;
  if (a->seqno != b->seqno) return dma::seqno_is_later(*a, b->seqno, a->seqno);
  return dma::fence_object(*a) < dma::fence_object(*b);
}

// Of each context only the latest fence has to be waited for. Mirrors dma_fence_dedup_array.
void dedup(Collected& collected) {
  std::sort(collected.fences, collected.fences + collected.count, before);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < collected.count; ++i) {
    dma::Fence* fence = collected.fences[i];
    if (kept > 0 && collected.fences[kept - 1]->context == fence->context) {
      dma::fence_put(collected.fences[kept - 1], kCollected);
      --kept;
    }
    collected.fences[kept++] = fence;
  }
  collected.count = kept;
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

// Phase 2.
int fill_fences(drm::File& file, const uint32_t* handles, drm_amdgpu_userq_wait& args) {
  Collected collected{nullptr, 0, args.num_fences};
  drm_amdgpu_userq_fence_info* infos = nullptr;
  int error = 0;
  if (!kernel::kmalloc_array(infos, args.num_fences, "fence_info array") ||
      !kernel::kmalloc_array(collected.fences, args.num_fences, "fence array"))
    error = -ENOMEM;
  if (error == 0) error = collect_all(file, handles, args.num_syncobj_handles, collected);
  if (error == 0) {
    dedup(collected);
    error = fill_for_queue(file, collected, infos, args);
  }
  put_all(collected);
  kernel::kfree(collected.fences);
  kernel::kfree(infos);
  return error;
}

}  // namespace

int wait_ioctl(drm::File& file, drm_amdgpu_userq_wait& args) {
  if (args.num_bo_read_handles > kUserqMaxHandles || args.num_bo_write_handles > kUserqMaxHandles)
    return -EINVAL;
  // Timeline syncobjs do not exist yet.
  if (args.num_syncobj_timeline_handles != 0) return -EINVAL;
  uint32_t* handles;
  int error = kernel::memdup_array_user(handles, args.syncobj_handles, args.num_syncobj_handles);
  if (error != 0) return error;
  error = gem_objects_lookup(args.bo_read_handles, args.num_bo_read_handles);
  if (error == 0) error = gem_objects_lookup(args.bo_write_handles, args.num_bo_write_handles);
  if (error == 0)
    error =
        args.num_fences == 0 ? count_fences(file, handles, args) : fill_fences(file, handles, args);
  kernel::kfree(handles);
  return error;
}

}  // namespace userq
