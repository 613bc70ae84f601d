// The GPU address space of one process: which addresses are backed by which memory.
#pragma once

#include <cstdint>

#include "core/kernel/list.h"
#include "core/kernel/mutex.h"

namespace userq {

inline constexpr uint64_t kGpuPageSize = 4096;

struct VmMapping {
  kernel::ListHead link;
  uint64_t start;  // GPU address of the first byte
  uint64_t size;
  uint8_t* memory;
};

struct Vm {
  kernel::Mutex root_bo_resv;  // the reservation of the root page directory; protects `mappings`
  kernel::ListHead mappings;
};

void vm_init(Vm& vm);
void vm_fini(Vm& vm);

// Backs [start, start + size) with fresh zeroed memory. -EINVAL (not page aligned, empty,
// overlaps), -ENOMEM.
int vm_map(Vm& vm, uint64_t start, uint64_t size);
// The memory behind [va, va + size), or nullptr unless one mapping covers it. root_bo_resv held.
// Mirrors amdgpu_vm_bo_lookup_mapping.
uint8_t* vm_lookup(Vm& vm, uint64_t va, uint64_t size);
// The process stores through its CPU mapping of the memory behind `va`. -EINVAL: not mapped, or
// misaligned.
int vm_user_store64(Vm& vm, uint64_t va, uint64_t value);

}  // namespace userq
