#include "core/userq/vm.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/slab.h"

namespace userq {

void vm_init(Vm& vm) {
  kernel::mutex_init(vm.root_bo_resv, "root_bo_resv");
  kernel::init_list_head(vm.mappings);
}

void vm_fini(Vm& vm) {
  list_for_each_entry_safe(mapping, next, vm.mappings, VmMapping, link) {
    kernel::list_del(mapping->link);
    kernel::kfree(mapping->memory);
    kernel::kfree(mapping);
  }
  kernel::mutex_destroy(vm.root_bo_resv);
}

int vm_map(Vm& vm, uint64_t start, uint64_t size) {
  if (size == 0 || start % kGpuPageSize != 0 || size % kGpuPageSize != 0 || start + size < start)
    return -EINVAL;
  VmMapping* mapping = kernel::kzalloc_obj<VmMapping>("bo_va_mapping");
  uint8_t* memory = static_cast<uint8_t*>(kernel::kzalloc(size, kernel::Gfp::kKernel, "bo"));
  int error = mapping == nullptr || memory == nullptr ? -ENOMEM : 0;
  kernel::mutex_lock(vm.root_bo_resv);
  list_for_each_entry(other, vm.mappings, VmMapping, link) {
    if (error == 0 && start < other->start + other->size && other->start < start + size)
      error = -EINVAL;
  }
  if (error == 0) {
    mapping->start = start;
    mapping->size = size;
    mapping->memory = memory;
    kernel::list_add_tail(mapping->link, vm.mappings);
  }
  kernel::mutex_unlock(vm.root_bo_resv);
  if (error != 0) {
    kernel::kfree(memory);
    kernel::kfree(mapping);
  }
  return error;
}

uint8_t* vm_lookup(Vm& vm, uint64_t va, uint64_t size) {
  kernel::lockdep_assert_held(vm.root_bo_resv);
  list_for_each_entry(mapping, vm.mappings, VmMapping, link) {
    if (va < mapping->start || va - mapping->start >= mapping->size) continue;
    return size <= mapping->size - (va - mapping->start) ? mapping->memory + (va - mapping->start)
                                                         : nullptr;
  }
  return nullptr;
}

int vm_user_store64(Vm& vm, uint64_t va, uint64_t value) {
  if (va % sizeof value != 0) return -EINVAL;
  kernel::mutex_lock(vm.root_bo_resv);
  uint8_t* memory = vm_lookup(vm, va, sizeof value);
  if (memory != nullptr) kernel::write_once(*reinterpret_cast<uint64_t*>(memory), value);
  kernel::mutex_unlock(vm.root_bo_resv);
  return memory != nullptr ? 0 : -EINVAL;
}

}  // namespace userq
