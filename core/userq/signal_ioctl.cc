#include "core/userq/signal_ioctl.h"

#include <cerrno>
#include <cstring>

#include "core/drm/syncobj.h"
#include "core/kernel/errno.h"
#include "core/userq/device.h"
#include "core/userq/evict.h"
#include "core/userq/fpriv.h"
#include "core/userq/queue.h"
#include "core/userq/userq_bos.h"

namespace userq {

namespace {

constexpr kernel::Holder kCreator{"creator (signal ioctl)"};

// The value that the user last wrote: the sequence number of the new fence. The address space and
// the buffer are both locked, so that the mapping stays until it is read. -EINVAL: there is none
// any more; -ENOMEM. Mirrors amdgpu_userq_fence_read_wptr.
int read_wptr(Queue& queue, uint64_t* wptr) {
  Vm& vm = queue.fpriv->vm;
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecIgnoreDuplicates);
  const VmMapping* mapping = nullptr;
  int error = 0;
  drm_exec_until_all_locked(exec) {
    error = vm_lock_pd(vm, exec, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
    mapping = vm_bo_lookup_mapping(vm, queue.wptr_va / kGpuPageSize);
    if (mapping == nullptr || mapping->bo_va->bo == nullptr) {
      error = -EINVAL;
      break;
    }
    error = drm::exec_lock_obj(exec, mapping->bo_va->bo->gem);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  const uint8_t* memory = error == 0 ? vm_lookup(vm, queue.wptr_va, sizeof *wptr) : nullptr;
  // The address is the user's and need not be aligned.
  if (memory != nullptr)
    std::memcpy(wptr, memory, sizeof *wptr);
  else if (error == 0)
    error = -EINVAL;
  drm::exec_fini(exec);
  return error;
}

// The fence exists from userq_fence_init() on, whatever follows.
int create_fence(Queue& queue, dma::Fence** out) {
  uint64_t wptr = 0;
  int error = read_wptr(queue, &wptr);
  if (error != 0) return error;
  UserqFence* fence = nullptr;
  error = userq_fence_alloc(queue, &fence);
  if (error != 0) return error;
  error = ensure_ev_fence(*queue.fpriv);
  if (error != 0) {
    userq_fence_free(queue, *fence);
    return error;
  }
  userq_fence_init(queue, *fence, wptr, kCreator);
  kernel::mutex_unlock(queue.userq_mgr->userq_mutex);
  *out = &fence->base;
  return 0;
}

void add_fence(const drm::GemObjects& objects, dma::Fence& fence, dma::ResvUsage usage) {
  for (uint32_t i = 0; i < objects.count; ++i)
    dma::resv_add_fence(*objects.objects[i]->resv, fence, usage);
}

// Puts the fence where others look for it: all places, or none if the buffers cannot be locked.
int publish(dma::Fence& fence, const UserqBos& bos, const drm::SyncobjArray& syncobjs) {
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecInterruptibleWait);
  const int error = userq_bos_lock(exec, bos);
  if (error == 0) {
    add_fence(bos.read, fence, dma::ResvUsage::kRead);
    add_fence(bos.write, fence, dma::ResvUsage::kWrite);
    for (uint32_t i = 0; i < syncobjs.count; ++i)
      drm::syncobj_replace_fence(*syncobjs.syncobjs[i], &fence);
  }
  drm::exec_fini(exec);
  return error;
}

int signal(drm::File& file, uint32_t queue_id, const UserqBos& bos,
           const drm::SyncobjArray& syncobjs) {
  Queue* queue = queue_get(to_fpriv(file).userq_mgr, queue_id);
  if (queue == nullptr) return -ENOENT;
  dma::Fence* fence = nullptr;
  int error = create_fence(*queue, &fence);
  if (error == 0) {
    error = publish(*fence, bos, syncobjs);
    dma::fence_put(fence, kCreator);
  }
  queue_put(*queue, kUserqIoctl);
  return error;
}

}  // namespace

int signal_ioctl(drm::File& file, drm_amdgpu_userq_signal& args) {
  if (!userq_enabled(*to_fpriv(file).userq_mgr.adev)) return -kernel::kEnotsupp;
  if (args.num_bo_read_handles > kUserqMaxHandles || args.num_bo_write_handles > kUserqMaxHandles)
    return -EINVAL;
  drm::SyncobjArray syncobjs;
  int error = drm::syncobj_array_find(file, args.syncobj_handles, args.num_syncobj_handles,
                                      syncobjs, {kUserqIoctl});
  if (error != 0) return error;
  UserqBos bos;
  error = userq_bos_lookup(file, args.bo_read_handles, args.num_bo_read_handles,
                           args.bo_write_handles, args.num_bo_write_handles, bos);
  if (error == 0) {
    error = signal(file, args.queue_id, bos, syncobjs);
    userq_bos_free(bos);
  }
  drm::syncobj_array_free(syncobjs, {kUserqIoctl});
  return error;
}

}  // namespace userq
