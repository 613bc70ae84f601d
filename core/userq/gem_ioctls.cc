#include "core/userq/gem_ioctls.h"

#include <cerrno>

#include "core/dma/fence_chain.h"
#include "core/drm/syncobj.h"
#include "core/kernel/slab.h"
#include "core/userq/fpriv.h"

namespace userq {

namespace {

constexpr kernel::Holder kGemIoctl{"running gem ioctl"};

constexpr uint64_t kGemDomainMemory = kGemDomainGtt | kGemDomainVram;
constexpr uint64_t kGemCreateFlags =
    kGemCreateCpuAccessRequired | kGemCreateVmAlwaysValid | kGemCreateExplicitSync;
constexpr uint32_t kGemUserptrFlags =
    kGemUserptrReadonly | kGemUserptrAnononly | kGemUserptrValidate | kGemUserptrRegister;
constexpr uint32_t kVaFlags = kVmDelayUpdate | kVmPageReadable | kVmPageWriteable |
                              kVmPageExecutable | kVmMtypeMask | kVmPageNoalloc;
constexpr uint32_t kVaPrtFlags = kVmDelayUpdate | kVmPagePrt;

// From here on only the handle holds the object; if there is none, nobody does.
int create_handle(drm::File& file, Bo& bo, uint32_t* handle) {
  const int error = drm::gem_handle_create(file, bo.gem, handle);
  bo_put(&bo, kGemIoctl);
  return error;
}

int check_va_args(const drm_amdgpu_gem_va& args) {
  if (args.va_address < kVaReservedBottom || args.va_address >= kVaEnd ||
      args.map_size > kVaEnd - args.va_address)
    return -EINVAL;
  if ((args.flags & ~kVaFlags) != 0 && (args.flags & ~kVaPrtFlags) != 0) return -EINVAL;
  switch (args.operation) {
    case kVaOpMap:
    case kVaOpUnmap:
    case kVaOpClear:
    case kVaOpReplace:
      return 0;
    default:
      return -EINVAL;
  }
}

// The update comes after these fences. Mirrors amdgpu_gem_add_input_fence.
int wait_for_input_fences(drm::File& file, const drm_amdgpu_gem_va& args) {
  uint32_t* handles;
  int error = kernel::memdup_array_user(handles, args.input_fence_syncobj_handles,
                                        args.num_syncobj_handles);
  for (uint32_t i = 0; error == 0 && i < args.num_syncobj_handles; ++i) {
    dma::Fence* fence;
    error = drm::syncobj_find_fence(file, handles[i], 0, 0, &fence, kGemIoctl);
    if (error != 0) break;
    dma::fence_wait(*fence, false);
    dma::fence_put(fence, kGemIoctl);
  }
  kernel::kfree(handles);
  return error;
}

// Where the fence of the update goes.
struct Timeline {
  drm::Syncobj* syncobj;   // holds a reference; nullptr: nobody wants it
  dma::FenceChain* chain;  // for a point; nullptr: the syncobj is binary
};

// Mirrors amdgpu_gem_update_timeline_node.
int find_timeline(drm::File& file, const drm_amdgpu_gem_va& args, Timeline& timeline) {
  if (args.vm_timeline_syncobj_out == 0) return 0;
  timeline.syncobj = drm::syncobj_find(file, args.vm_timeline_syncobj_out, kGemIoctl);
  if (timeline.syncobj == nullptr) return -ENOENT;
  if (args.vm_timeline_point == 0) return 0;
  timeline.chain = dma::fence_chain_alloc();
  return timeline.chain != nullptr ? 0 : -ENOMEM;
}

// The update is complete at once.
void publish_update(Timeline& timeline, uint64_t point) {
  if (timeline.syncobj == nullptr) return;
  dma::Fence* fence = dma::fence_get_stub(kGemIoctl);
  if (timeline.chain != nullptr) {
    drm::syncobj_add_point(*timeline.syncobj, *timeline.chain, *fence, point);
    timeline.chain = nullptr;
  } else {
    drm::syncobj_replace_fence(*timeline.syncobj, fence);
  }
  dma::fence_put(fence, kGemIoctl);
}

void release_timeline(Timeline& timeline) {
  dma::fence_chain_free(timeline.chain);
  if (timeline.syncobj != nullptr) drm::syncobj_put(*timeline.syncobj, kGemIoctl);
}

// With the root reserved, and the object if there is one. `bo` nullptr: PRT, or a clear.
int update_va(Vm& vm, Bo* bo, const drm_amdgpu_gem_va& args) {
  BoVa* bo_va = bo != nullptr ? vm_bo_find(vm, *bo) : &vm.prt_va;
  if (bo_va == nullptr) return -ENOENT;
  switch (args.operation) {
    case kVaOpMap:
      return vm_bo_map(*bo_va, args.va_address, args.offset_in_bo, args.map_size, args.flags);
    case kVaOpUnmap:
      return vm_bo_unmap(*bo_va, args.va_address);
    case kVaOpClear:
      return vm_bo_clear_mappings(vm, args.va_address, args.map_size);
    default:
      return vm_bo_replace_map(*bo_va, args.va_address, args.offset_in_bo, args.map_size,
                               args.flags);
  }
}

// Locks, updates, unlocks.
int perform_va_op(drm::File& file, Bo* bo, const drm_amdgpu_gem_va& args) {
  Vm& vm = to_fpriv(file).vm;
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecInterruptibleWait | drm::kExecIgnoreDuplicates);
  int error = 0;
  drm_exec_until_all_locked(exec) {
    if (bo != nullptr) error = drm::exec_lock_obj(exec, bo->gem);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
    error = vm_lock_pd(vm, exec, 0);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  Timeline timeline{};
  if (error == 0) error = find_timeline(file, args, timeline);
  if (error == 0) error = update_va(vm, bo, args);
  if (error == 0 && (args.flags & kVmDelayUpdate) == 0)
    publish_update(timeline, args.vm_timeline_point);
  release_timeline(timeline);
  drm::exec_fini(exec);
  return error;
}

}  // namespace

int gem_create_ioctl(drm::File& file, drm_amdgpu_gem_create& args) {
  const drm_amdgpu_gem_create_in in = args.in;
  if ((in.domain_flags & ~kGemCreateFlags) != 0) return -EINVAL;
  if (in.domains != kGemDomainDoorbell &&
      (in.domains == 0 || (in.domains & ~kGemDomainMemory) != 0))
    return -EINVAL;
  if (in.bo_size == 0) return -EINVAL;
  Fpriv& fpriv = to_fpriv(file);
  const bool always_valid = (in.domain_flags & kGemCreateVmAlwaysValid) != 0;
  Bo* bo;
  int error = bo_create(*fpriv.userq_mgr.adev, in.bo_size, in.domains,
                        always_valid ? fpriv.vm.root : nullptr, &bo, kGemIoctl);
  if (error != 0) return error;
  uint32_t handle = 0;
  error = create_handle(file, *bo, &handle);
  if (error == 0) args.out = {handle, 0};
  return error;
}

int gem_userptr_ioctl(drm::File& file, drm_amdgpu_gem_userptr& args) {
  if (args.addr % kGpuPageSize != 0 || args.size % kGpuPageSize != 0 || args.size == 0)
    return -EINVAL;
  if ((args.flags & ~kGemUserptrFlags) != 0) return -EINVAL;
  if ((args.flags & (kGemUserptrReadonly | kGemUserptrRegister)) == 0) return -EACCES;
  Bo* bo;
  const int error = bo_create_userptr(*to_fpriv(file).userq_mgr.adev, *file.mm, args.addr,
                                      args.size, &bo, kGemIoctl);
  if (error != 0) return error;
  if ((args.flags & kGemUserptrValidate) != 0 && bo->userptr_gone) {
    bo_put(bo, kGemIoctl);
    return -EFAULT;
  }
  return create_handle(file, *bo, &args.handle);
}

int gem_va_ioctl(drm::File& file, drm_amdgpu_gem_va& args) {
  int error = check_va_args(args);
  if (error != 0) return error;
  drm::GemObject* obj = nullptr;
  if (args.operation != kVaOpClear && (args.flags & kVmPagePrt) == 0) {
    obj = drm::gem_object_lookup(file, args.handle, kGemIoctl);
    if (obj == nullptr) return -ENOENT;
  }
  error = wait_for_input_fences(file, args);
  if (error == 0) error = perform_va_op(file, obj != nullptr ? &to_bo(*obj) : nullptr, args);
  drm::gem_object_put(obj, kGemIoctl);
  return error;
}

}  // namespace userq
