// User memory and the copies to and from it. Process context only: a copy may fault and sleep. The
// n-th copy of an operation can be made to fault (Task::fail_copy).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernel/slab.h"

namespace kernel {

// The mapped part of a process's address space; every other address faults.
struct UserMemory {
  uint64_t base = 0;
  uint64_t size = 0;
  uint8_t* data = nullptr;
};

// 0 or -EFAULT; to copy nothing is 0 whatever the address. The running task's `mm` says which
// process's memory is meant.
int copy_from_user(void* to, uint64_t from, size_t size);
int copy_to_user(uint64_t to, const void* from, size_t size);

// One value at a user address, which need not be aligned.
template <typename T>
inline int get_user(T& value, uint64_t from) {
  return copy_from_user(&value, from, sizeof value);
}
template <typename T>
inline int put_user(T value, uint64_t to) {
  return copy_to_user(to, &value, sizeof value);
}

// A copy of `count` user objects of `size` bytes; count 0 gives nullptr. -EOVERFLOW, -ENOMEM,
// -EFAULT.
int memdup_user_bytes(void** out, uint64_t from, size_t count, size_t size);

// The same for objects of type T. Freed with kfree().
template <typename T>
inline int memdup_array_user(T*& array, uint64_t from, size_t count) {
  void* copy = nullptr;
  const int error = memdup_user_bytes(&copy, from, count, sizeof(T));
  array = static_cast<T*>(copy);
  return error;
}

}  // namespace kernel
