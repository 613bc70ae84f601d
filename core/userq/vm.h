// The GPU address space of a file: which addresses are backed by which buffer objects.
//
// All of it is under the reservation of the root page directory ("the root reservation"). What a
// mapping's object holds is under that object's own reservation.
#pragma once

#include <cstdint>

#include "core/drm/exec.h"
#include "core/userq/bo.h"

namespace userq {

// Addresses that a process can map: above the reserved bottom, below the driver's own area, which
// begins with the fence slots (seq64).
inline constexpr uint64_t kVaReservedBottom = 64 * 1024;
inline constexpr uint64_t kVaEnd = 0x8000'0000'0000;
// The GPU looks at these bits of an address only.
inline constexpr uint64_t kGmcHoleMask = 0xffff'ffff'ffff;

struct Vm;

// An object in an address space, whether or not an address is mapped to it.
struct BoVa {
  kernel::ListHead vm_link;   // in Vm::bo_vas
  kernel::ListHead bo_link;   // in Bo::bo_vas; under the object's reservation, too
  kernel::ListHead mappings;  // VmMapping::bo_va_link
  Vm* vm;
  Bo* bo;                // kept by the handles that `ref_count` counts; nullptr: Vm::prt_va
  unsigned ref_count;    // opens by handles of the file
  bool userq_va_mapped;  // a user queue lives in it. Stays
};

struct VmMapping {
  kernel::ListHead link;  // in Vm::mappings
  kernel::ListHead bo_va_link;
  BoVa* bo_va;
  uint64_t start;  // first and last page
  uint64_t last;
  uint64_t offset;  // of the first page in the object, bytes
  uint32_t flags;   // kVmPage...
};

struct Vm {
  Bo* root;                   // the page directory; holds a reference
  kernel::ListHead mappings;  // by address
  kernel::ListHead bo_vas;
  BoVa prt_va;  // mappings that no object is behind
};

inline constexpr char kVmRoot[] = "vm.root";

// -ENOMEM. Process context.
int vm_init(Vm& vm, Device& adev);
// All objects are out of it.
void vm_fini(Vm& vm);

// Locks the root with room for fences. Mirrors amdgpu_vm_lock_pd.
int vm_lock_pd(Vm& vm, drm::Exec& exec, unsigned num_fences);
// Locks all objects in the address space. Root reservation held. Mirrors amdgpu_vm_lock_individual.
int vm_lock_individual(Vm& vm, drm::Exec& exec, unsigned num_fences);
// Whether the object shares the root reservation. Mirrors amdgpu_vm_is_bo_always_valid.
inline bool vm_is_bo_always_valid(const Vm& vm, const Bo& bo) { return bo.vm_root == vm.root; }

// Root reservation and the object's held. `vm_bo_add` gives a count of 1, or nullptr: no memory.
// `vm_bo_del` takes the mappings along, as vm_bo_unmap() does. Mirror amdgpu_vm_bo_find and its
// kin.
BoVa* vm_bo_find(Vm& vm, Bo& bo);
BoVa* vm_bo_add(Vm& vm, Bo& bo);
void vm_bo_del(BoVa& bo_va);

// Maps [saddr, saddr + size) to an object from `offset` on. -EINVAL: not page aligned, empty, wraps
// around, beyond the object or the address space, or overlaps; -ENOMEM. `vm_bo_replace_map` removes
// what overlaps instead. Root reservation and the object's held. Mirror amdgpu_vm_bo_map and
// amdgpu_vm_bo_replace_map.
int vm_bo_map(BoVa& bo_va, uint64_t saddr, uint64_t offset, uint64_t size, uint32_t flags);
int vm_bo_replace_map(BoVa& bo_va, uint64_t saddr, uint64_t offset, uint64_t size, uint32_t flags);
// Removes the mapping of the object that starts at `saddr`. -ENOENT. If a user queue lives in the
// object, waits for all of its fences first, so that the queues have left the GPU. Reservations as
// above. Mirrors amdgpu_vm_bo_unmap.
int vm_bo_unmap(BoVa& bo_va, uint64_t saddr);
// Removes what is mapped in [saddr, saddr + size), and waits for user queues there; upstream does
// not, and takes the memory from under them. -EINVAL, -ENOMEM. Root reservation held. Mirrors
// amdgpu_vm_bo_clear_mappings.
int vm_bo_clear_mappings(Vm& vm, uint64_t saddr, uint64_t size);

// The mapping that a page is in; nullptr: none. Root reservation held. Mirrors
// amdgpu_vm_bo_lookup_mapping.
VmMapping* vm_bo_lookup_mapping(Vm& vm, uint64_t page);
// The memory behind [va, va + size); nullptr unless one mapping of an object with memory covers it.
// Root reservation held; valid as long as the object's is held, too.
uint8_t* vm_lookup(Vm& vm, uint64_t va, uint64_t size);

// Whether a user queue can live in [va, va + size): one mapping of an object covers it. Marks the
// object. 0 or -EINVAL. Root reservation held. Mirrors amdgpu_userq_input_va_validate, which rounds
// a size below a page down to nothing.
int vm_validate_queue_va(Vm& vm, uint64_t va, uint64_t size);
// Whether one still can: the same of an object that is marked. Root reservation held. Mirrors
// amdgpu_userq_buffer_va_mapped.
bool vm_queue_va_mapped(Vm& vm, uint64_t va, uint64_t size);

// The process stores through its CPU mapping of the memory behind `va`. -EINVAL: not mapped, or
// misaligned. Process context, nothing reserved.
int vm_user_store64(Vm& vm, uint64_t va, uint64_t value);

}  // namespace userq
