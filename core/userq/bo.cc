#include "core/userq/bo.h"

#include <cerrno>
#include <cstring>

#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/gem_object.h"

namespace userq {

namespace {

// An object without memory.
Bo* bo_alloc(Device& adev) {
  Bo* bo = kernel::kzalloc_obj<Bo>("bo");
  if (bo == nullptr) return nullptr;
  bo->adev = &adev;
  kernel::init_list_head(bo->bo_vas);
  return bo;
}

int alloc_memory(Bo& bo, uint64_t size) {
  if (bo.is_doorbell)
    return size > kGpuPageSize ? -ENOSPC
                               : doorbell_page_alloc(bo.adev->doorbells, &bo.doorbell_base);
  bo.memory = static_cast<uint8_t*>(kernel::kzalloc(size, kernel::Gfp::kKernel, "bo memory"));
  return bo.memory != nullptr ? 0 : -ENOMEM;
}

// The memory goes elsewhere: whoever still uses the old place is found out.
int move(Bo& bo) {
  if (bo.memory == nullptr || bo.usermm != nullptr) return 0;
  void* place = kernel::kmalloc(bo.gem.size, kernel::Gfp::kKernel, "bo memory");
  if (place == nullptr) return -ENOMEM;
  std::memcpy(place, bo.memory, bo.gem.size);
  kernel::kfree(bo.memory);
  bo.memory = static_cast<uint8_t*>(place);
  return 0;
}

uint64_t whole_pages(uint64_t size) {
  return (size + kGpuPageSize - 1) / kGpuPageSize * kGpuPageSize;
}

void wait_until_unused(Bo& bo) {
  dma::resv_wait_timeout(*bo.gem.resv, dma::ResvUsage::kBookkeep, false,
                         kernel::kMaxScheduleTimeout);
}

// The hardware must not have a queue on a doorbell that may go.
void check_doorbells_idle(const Bo& bo) {
  if (!bo.is_doorbell || !bo.adev->gpu_recovery) return;
  bool in_use = false;
  for (uint32_t i = 0; i < kDoorbellsPerPage; ++i)
    in_use |= gpu_queue_state(bo.adev->gpu, bo.doorbell_base + i) != HwState::kUnmapped;
  WARN_ON(in_use);
}

}  // namespace

int bo_create(Device& adev, uint64_t size, uint64_t domains, Bo* vm_root, Bo** out,
              kernel::Holder creator) {
  *out = nullptr;
  if (size > kMaxBoSize) return -ENOMEM;
  Bo* bo = bo_alloc(adev);
  if (bo == nullptr) return -ENOMEM;
  bo->is_doorbell = (domains & kGemDomainDoorbell) != 0;
  const int error = alloc_memory(*bo, whole_pages(size));
  if (error != 0) {
    kernel::kfree(bo);
    return error;
  }
  drm::gem_object_init(bo->gem, kGemObjectFuncs, whole_pages(size),
                       vm_root != nullptr ? vm_root->gem.resv : nullptr, creator);
  if (vm_root != nullptr) bo_get(*vm_root, {kBoVmRoot, drm::gem_object(bo->gem)});
  bo->vm_root = vm_root;
  *out = bo;
  return 0;
}

int bo_create_userptr(Device& adev, kernel::UserMemory& mm, uint64_t addr, uint64_t size, Bo** out,
                      kernel::Holder creator) {
  *out = nullptr;
  if (size > kMaxBoSize) return -ENOMEM;
  Bo* bo = bo_alloc(adev);
  if (bo == nullptr) return -ENOMEM;
  const uint64_t offset = addr - mm.base;
  const bool there = addr >= mm.base && offset <= mm.size && size <= mm.size - offset;
  bo->usermm = &mm;
  bo->memory = there ? mm.data + offset : nullptr;
  bo->userptr_gone = !there;
  drm::gem_object_init(bo->gem, kGemObjectFuncs, size, nullptr, creator);
  *out = bo;
  return 0;
}

void bo_free(drm::GemObject& obj) {
  Bo& bo = to_bo(obj);
  WARN_ON(bo.pin_count > 0);
  WARN_ON(!kernel::list_empty(bo.bo_vas));
  const kernel::Holder vm_root_holder{kBoVmRoot, drm::gem_object(obj)};
  drm::gem_object_release(obj);
  if (bo.is_doorbell) doorbell_page_free(bo.adev->doorbells, bo.doorbell_base);
  if (bo.usermm == nullptr) kernel::kfree(bo.memory);
  bo_put(bo.vm_root, vm_root_holder);
  kernel::kfree(&bo);
}

int bo_reserve(Bo& bo, bool interruptible) {
  return interruptible ? dma::resv_lock_interruptible(*bo.gem.resv, nullptr)
                       : dma::resv_lock(*bo.gem.resv, nullptr);
}

void bo_unreserve(Bo& bo) { dma::resv_unlock(*bo.gem.resv); }

int bo_pin(Bo& bo) {
  dma::resv_assert_held(*bo.gem.resv);
  if (bo.usermm != nullptr) return -EPERM;
  const int error = bo_validate(bo);
  if (error == 0) ++bo.pin_count;
  return error;
}

void bo_unpin(Bo& bo) {
  dma::resv_assert_held(*bo.gem.resv);
  if (WARN_ON(bo.pin_count == 0)) return;
  if (--bo.pin_count == 0) check_doorbells_idle(bo);
}

int bo_validate(Bo& bo) {
  dma::resv_assert_held(*bo.gem.resv);
  if (!bo.evicted) return 0;
  const int error = move(bo);
  if (error == 0) bo.evicted = false;
  return error;
}

int bo_evict(Bo& bo) {
  dma::resv_assert_held(*bo.gem.resv);
  if (bo.pin_count > 0) return -EBUSY;
  if (bo.evicted) return 0;
  wait_until_unused(bo);
  const int error = move(bo);
  if (error == 0) bo.evicted = true;
  return error;
}

void bo_userptr_unmapped(Bo& bo) {
  bo_reserve(bo, false);
  // First the mark: the queues that leave the GPU now must not come back with these pages.
  bo.userptr_gone = true;
  wait_until_unused(bo);
  bo_unreserve(bo);
}

}  // namespace userq
