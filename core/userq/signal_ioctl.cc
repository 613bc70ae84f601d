#include "core/userq/signal_ioctl.h"

#include <cerrno>

#include "core/drm/syncobj.h"
#include "core/kernel/atomic.h"
#include "core/userq/gem_handles.h"
#include "core/userq/queue.h"

namespace userq {

namespace {

constexpr kernel::Holder kCreator{"creator (signal ioctl)"};

// The value that the user last wrote: the sequence number of the new fence. -EINVAL: the address is
// not mapped any more. Mirrors amdgpu_userq_fence_read_wptr.
int read_wptr(Queue& queue, uint64_t* wptr) {
  Vm& vm = queue.fpriv->vm;
  kernel::mutex_lock(vm.root_bo_resv);
  const uint8_t* memory = vm_lookup(vm, queue.wptr_va, sizeof *wptr);
  // The user's memory: other threads write it as they like.
  if (memory != nullptr) *wptr = kernel::read_once(*reinterpret_cast<const uint64_t*>(memory));
  kernel::mutex_unlock(vm.root_bo_resv);
  return memory != nullptr ? 0 : -EINVAL;
}

// The fence exists from userq_fence_init() on, whatever follows.
int create_fence(Queue& queue, dma::Fence** out) {
  uint64_t wptr = 0;
  int error = read_wptr(queue, &wptr);
  if (error != 0) return error;
  UserqFence* fence = nullptr;
  error = userq_fence_alloc(queue, &fence);
  if (error != 0) return error;
  kernel::mutex_lock(queue.userq_mgr->userq_mutex);
  userq_fence_init(queue, *fence, wptr, kCreator);
  kernel::mutex_unlock(queue.userq_mgr->userq_mutex);
  *out = &fence->base;
  return 0;
}

}  // namespace

int signal_ioctl(drm::File& file, drm_amdgpu_userq_signal& args) {
  if (args.num_bo_read_handles > kUserqMaxHandles || args.num_bo_write_handles > kUserqMaxHandles)
    return -EINVAL;
  drm::SyncobjArray syncobjs;
  int error = drm::syncobj_array_find(file, args.syncobj_handles, args.num_syncobj_handles,
                                      syncobjs, {kUserqIoctl});
  if (error != 0) return error;
  error = gem_objects_lookup(args.bo_read_handles, args.num_bo_read_handles);
  if (error == 0) error = gem_objects_lookup(args.bo_write_handles, args.num_bo_write_handles);
  Queue* queue = nullptr;
  if (error == 0) {
    queue = queue_get(to_fpriv(file).userq_mgr, args.queue_id);
    if (queue == nullptr) error = -ENOENT;
  }
  dma::Fence* fence = nullptr;
  if (error == 0) error = create_fence(*queue, &fence);
  if (error == 0) {
    for (uint32_t i = 0; i < syncobjs.count; ++i)
      drm::syncobj_replace_fence(*syncobjs.syncobjs[i], fence);
    dma::fence_put(fence, kCreator);
  }
  if (queue != nullptr) queue_put(*queue, kUserqIoctl);
  drm::syncobj_array_free(syncobjs, {kUserqIoctl});
  return error;
}

}  // namespace userq
