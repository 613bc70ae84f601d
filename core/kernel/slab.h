// Kernel memory. Each object is an allocation of its own, so that AddressSanitizer and
// LeakSanitizer see it; live objects are known by type and by the operation that allocated them.
// The n-th allocation of an operation can be made to fail (Task::fail_alloc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace kernel {

enum class Gfp : uint8_t {
  kKernel,  // may sleep: process context only
  kAtomic,  // any context
};

// The modelled machine has no larger piece of memory: a hostile count ends in -ENOMEM here.
inline constexpr size_t kMaxAllocation = size_t{16} << 20;

// Uninitialised memory, or nullptr. `type` names the object in reports; it must be a literal.
void* kmalloc(size_t size, Gfp gfp, const char* type);
void* kzalloc(size_t size, Gfp gfp, const char* type);
// nullptr is allowed. Reports double-free of what is not live, and leaves it alone then: in a build
// without AddressSanitizer the heap would be damaged, and the run depend on it.
void kfree(void* object);

// Memory that may be no slab memory at all (vmalloc): kvfree() takes it, kfree() must not get it.
// That is reported as double-free, too, and AddressSanitizer sees it. kvfree() takes both kinds.
void* kvmalloc(size_t size, const char* type);
void kvfree(void* object);

// A zeroed, default-initialised object of type T, or nullptr.
template <typename T>
inline T* kzalloc_obj(const char* type, Gfp gfp = Gfp::kKernel) {
  static_assert(std::is_trivially_destructible_v<T>);
  void* memory = kzalloc(sizeof(T), gfp, type);
  return memory ? ::new (memory) T() : nullptr;
}

// Room for `count` objects, uninitialised; count 0 gives nullptr without an error. False: no
// memory.
template <typename T>
inline bool kmalloc_array(T*& array, size_t count, const char* type) {
  array = nullptr;
  if (count == 0) return true;
  if (count > SIZE_MAX / sizeof(T)) return false;
  array = static_cast<T*>(kmalloc(count * sizeof(T), Gfp::kKernel, type));
  return array != nullptr;
}

template <typename T>
inline bool kvmalloc_array(T*& array, size_t count, const char* type) {
  array = nullptr;
  if (count == 0) return true;
  if (count > SIZE_MAX / sizeof(T)) return false;
  array = static_cast<T*>(kvmalloc(count * sizeof(T), type));
  return array != nullptr;
}

size_t slab_live_objects();
// Reports object-leak if anything is live, but for types whose leak is suppressed.
void slab_check_empty();
// Starts a new run. `free_live`: frees what an abandoned run left behind.
void slab_reset(bool free_live);

}  // namespace kernel
