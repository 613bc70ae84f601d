#include "core/userq/vm.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace userq {

namespace {

constexpr kernel::Holder kUserStore{"process's store"};

void assert_root_held(const Vm& vm) { dma::resv_assert_held(*vm.root->gem.resv); }

void init_bo_va(BoVa& bo_va, Vm& vm, Bo* bo) {
  bo_va.vm = &vm;
  bo_va.bo = bo;
  bo_va.ref_count = 1;
  kernel::init_list_head(bo_va.mappings);
}

// Mirrors amdgpu_vm_verify_parameters.
int verify_parameters(const Bo* bo, uint64_t saddr, uint64_t offset, uint64_t size) {
  if (saddr % kGpuPageSize != 0 || offset % kGpuPageSize != 0 || size % kGpuPageSize != 0)
    return -EINVAL;
  if (size == 0 || saddr + size < saddr || offset + size < offset) return -EINVAL;
  if (bo != nullptr && offset + size > bo->gem.size) return -EINVAL;
  return saddr + size <= kVaEnd ? 0 : -EINVAL;
}

// The first mapping that ends at or after a page, or the end of the list.
VmMapping* first_from(Vm& vm, uint64_t page) {
  list_for_each_entry(mapping, vm.mappings, VmMapping, link) {
    if (mapping->last >= page) return mapping;
  }
  return container_of(&vm.mappings, VmMapping, link);
}

VmMapping* next(VmMapping* mapping) { return container_of(mapping->link.next, VmMapping, link); }

// Whether a mapping, or the end of the list, has pages up to `last`. It comes from first_from().
bool begins_by(const Vm& vm, const VmMapping* mapping, uint64_t last) {
  return &mapping->link != &vm.mappings && mapping->start <= last;
}

// Makes a mapping of pages that nothing is mapped to.
void insert(BoVa& bo_va, VmMapping& mapping, uint64_t start, uint64_t last, uint64_t offset,
            uint32_t flags) {
  mapping.bo_va = &bo_va;
  mapping.start = start;
  mapping.last = last;
  mapping.offset = offset;
  mapping.flags = flags;
  kernel::list_add_tail(mapping.link, first_from(*bo_va.vm, start)->link);
  kernel::list_add_tail(mapping.bo_va_link, bo_va.mappings);
}

void remove(VmMapping& mapping) {
  kernel::list_del(mapping.link);
  kernel::list_del(mapping.bo_va_link);
  kernel::kfree(&mapping);
}

// The queues that live in an object leave the GPU before it loses its addresses; they cannot come
// back while the root is reserved. Mirrors amdgpu_userq_gem_va_unmap_validate.
void wait_for_queues(const BoVa& bo_va) {
  if (!bo_va.userq_va_mapped) return;
  dma::resv_wait_timeout(*bo_va.bo->gem.resv, dma::ResvUsage::kBookkeep, false,
                         kernel::kMaxScheduleTimeout);
}

// What is left of mappings that are only partly in a range.
struct Rest {
  VmMapping* before;
  VmMapping* after;
};

// Removes [start, last] from the mappings; what stays at the ends uses up the parts of `rest`.
void cut_out(Vm& vm, uint64_t start, uint64_t last, Rest& rest) {
  for (VmMapping* mapping = first_from(vm, start); begins_by(vm, mapping, last);
       mapping = first_from(vm, start)) {
    const VmMapping old = *mapping;
    remove(*mapping);
    if (old.start < start) {
      insert(*old.bo_va, *rest.before, old.start, start - 1, old.offset, old.flags);
      rest.before = nullptr;
    }
    if (old.last > last) {
      insert(*old.bo_va, *rest.after, last + 1, old.last,
             old.offset + (last + 1 - old.start) * kGpuPageSize, old.flags);
      rest.after = nullptr;
    }
  }
}

// The mapping in which a user queue can live in [va, va + size), or nullptr. In pages: any part of
// one takes all of it.
VmMapping* queue_va_mapping(Vm& vm, uint64_t va, uint64_t size) {
  va &= kGmcHoleMask;
  if (size == 0 || va + size < va) return nullptr;
  VmMapping* mapping = vm_bo_lookup_mapping(vm, va / kGpuPageSize);
  const bool covers = mapping != nullptr && (va + size - 1) / kGpuPageSize <= mapping->last;
  return covers && mapping->bo_va->bo != nullptr ? mapping : nullptr;
}

// The object behind [va, va + size) and the place in it; nullptr: none. Root reservation held; the
// object's own is needed to look at its memory.
Bo* lookup(Vm& vm, uint64_t va, uint64_t size, uint64_t* offset) {
  VmMapping* mapping = queue_va_mapping(vm, va, size);
  if (mapping == nullptr) return nullptr;
  *offset = mapping->offset + (va & kGmcHoleMask) - mapping->start * kGpuPageSize;
  return mapping->bo_va->bo;
}

}  // namespace

int vm_init(Vm& vm, Device& adev) {
  kernel::init_list_head(vm.mappings);
  kernel::init_list_head(vm.bo_vas);
  init_bo_va(vm.prt_va, vm, nullptr);
  return bo_create(adev, kGpuPageSize, kGemDomainVram, nullptr, &vm.root, {kVmRoot});
}

void vm_fini(Vm& vm) {
  WARN_ON(!kernel::list_empty(vm.bo_vas));
  list_for_each_entry_safe(mapping, following, vm.prt_va.mappings, VmMapping, bo_va_link)
    remove(*mapping);
  bo_put(vm.root, {kVmRoot});
}

int vm_lock_pd(Vm& vm, drm::Exec& exec, unsigned num_fences) {
  return num_fences > 0 ? drm::exec_prepare_obj(exec, vm.root->gem, num_fences)
                        : drm::exec_lock_obj(exec, vm.root->gem);
}

int vm_lock_individual(Vm& vm, drm::Exec& exec, unsigned num_fences) {
  assert_root_held(vm);
  list_for_each_entry(bo_va, vm.bo_vas, BoVa, vm_link) {
    const int error = drm::exec_prepare_obj(exec, bo_va->bo->gem, num_fences);
    if (error != 0) return error;
  }
  return 0;
}

BoVa* vm_bo_find(Vm& vm, Bo& bo) {
  dma::resv_assert_held(*bo.gem.resv);
  list_for_each_entry(bo_va, bo.bo_vas, BoVa, bo_link) {
    if (bo_va->vm == &vm) return bo_va;
  }
  return nullptr;
}

BoVa* vm_bo_add(Vm& vm, Bo& bo) {
  assert_root_held(vm);
  dma::resv_assert_held(*bo.gem.resv);
  BoVa* bo_va = kernel::kzalloc_obj<BoVa>("bo_va");
  if (bo_va == nullptr) return nullptr;
  init_bo_va(*bo_va, vm, &bo);
  kernel::list_add_tail(bo_va->vm_link, vm.bo_vas);
  kernel::list_add_tail(bo_va->bo_link, bo.bo_vas);
  return bo_va;
}

void vm_bo_del(BoVa& bo_va) {
  assert_root_held(*bo_va.vm);
  dma::resv_assert_held(*bo_va.bo->gem.resv);
  wait_for_queues(bo_va);
  list_for_each_entry_safe(mapping, following, bo_va.mappings, VmMapping, bo_va_link)
    remove(*mapping);
  kernel::list_del(bo_va.vm_link);
  kernel::list_del(bo_va.bo_link);
  kernel::kfree(&bo_va);
}

int vm_bo_map(BoVa& bo_va, uint64_t saddr, uint64_t offset, uint64_t size, uint32_t flags) {
  Vm& vm = *bo_va.vm;
  assert_root_held(vm);
  const int error = verify_parameters(bo_va.bo, saddr, offset, size);
  if (error != 0) return error;
  const uint64_t start = saddr / kGpuPageSize;
  const uint64_t last = (saddr + size - 1) / kGpuPageSize;
  if (begins_by(vm, first_from(vm, start), last)) return -EINVAL;
  VmMapping* mapping = kernel::kzalloc_obj<VmMapping>("bo_va_mapping");
  if (mapping == nullptr) return -ENOMEM;
  insert(bo_va, *mapping, start, last, offset, flags);
  return 0;
}

int vm_bo_replace_map(BoVa& bo_va, uint64_t saddr, uint64_t offset, uint64_t size, uint32_t flags) {
  assert_root_held(*bo_va.vm);
  int error = verify_parameters(bo_va.bo, saddr, offset, size);
  if (error != 0) return error;
  // All the memory first: nothing is removed in vain.
  VmMapping* mapping = kernel::kzalloc_obj<VmMapping>("bo_va_mapping");
  if (mapping == nullptr) return -ENOMEM;
  error = vm_bo_clear_mappings(*bo_va.vm, saddr, size);
  if (error != 0) {
    kernel::kfree(mapping);
    return error;
  }
  insert(bo_va, *mapping, saddr / kGpuPageSize, (saddr + size - 1) / kGpuPageSize, offset, flags);
  return 0;
}

int vm_bo_unmap(BoVa& bo_va, uint64_t saddr) {
  assert_root_held(*bo_va.vm);
  list_for_each_entry(mapping, bo_va.mappings, VmMapping, bo_va_link) {
    if (mapping->start != saddr / kGpuPageSize) continue;
    wait_for_queues(bo_va);
    remove(*mapping);
    return 0;
  }
  return -ENOENT;
}

int vm_bo_clear_mappings(Vm& vm, uint64_t saddr, uint64_t size) {
  assert_root_held(vm);
  const int error = verify_parameters(nullptr, saddr, 0, size);
  if (error != 0) return error;
  Rest rest{kernel::kzalloc_obj<VmMapping>("bo_va_mapping"),
            kernel::kzalloc_obj<VmMapping>("bo_va_mapping")};
  const bool ok = rest.before != nullptr && rest.after != nullptr;
  const uint64_t start = saddr / kGpuPageSize;
  const uint64_t last = (saddr + size - 1) / kGpuPageSize;
  if (ok) {
    for (VmMapping* mapping = first_from(vm, start); begins_by(vm, mapping, last);
         mapping = next(mapping))
      wait_for_queues(*mapping->bo_va);
    cut_out(vm, start, last, rest);
  }
  kernel::kfree(rest.before);
  kernel::kfree(rest.after);
  return ok ? 0 : -ENOMEM;
}

VmMapping* vm_bo_lookup_mapping(Vm& vm, uint64_t page) {
  assert_root_held(vm);
  VmMapping* mapping = first_from(vm, page);
  return begins_by(vm, mapping, page) ? mapping : nullptr;
}

uint8_t* vm_lookup(Vm& vm, uint64_t va, uint64_t size) {
  uint64_t offset;
  Bo* bo = lookup(vm, va, size, &offset);
  return bo != nullptr && bo->memory != nullptr ? bo->memory + offset : nullptr;
}

int vm_validate_queue_va(Vm& vm, uint64_t va, uint64_t size) {
  VmMapping* mapping = queue_va_mapping(vm, va, size);
  if (mapping == nullptr) return -EINVAL;
  mapping->bo_va->userq_va_mapped = true;
  return 0;
}

bool vm_queue_va_mapped(Vm& vm, uint64_t va, uint64_t size) {
  const VmMapping* mapping = queue_va_mapping(vm, va, size);
  return mapping != nullptr && mapping->bo_va->userq_va_mapped;
}

// The process's page tables know the object, not the GPU's addresses: one lock at a time will do.
int vm_user_store64(Vm& vm, uint64_t va, uint64_t value) {
  if (va % sizeof value != 0) return -EINVAL;
  uint64_t offset;
  bo_reserve(*vm.root, false);
  Bo* bo = lookup(vm, va, sizeof value, &offset);
  if (bo != nullptr) bo_get(*bo, kUserStore);
  bo_unreserve(*vm.root);
  if (bo == nullptr) return -EINVAL;
  bo_reserve(*bo, false);
  uint8_t* memory = bo->memory;
  if (memory != nullptr) kernel::write_once(*reinterpret_cast<uint64_t*>(memory + offset), value);
  bo_unreserve(*bo);
  bo_put(bo, kUserStore);
  return memory != nullptr ? 0 : -EINVAL;
}

}  // namespace userq
