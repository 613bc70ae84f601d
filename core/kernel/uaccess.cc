#include "core/kernel/uaccess.h"

#include <cerrno>
#include <cstring>

#include "core/kernel/task.h"

namespace kernel {

namespace {

// The host address of a user range, or nullptr if any of it is unmapped or a fault is injected.
uint8_t* translate(uint64_t address, size_t size) {
  might_sleep("user copy");
  sched::point(sched::Point::kUserCopy);
  Task& t = task();
  if (t.fail_copy > 0 && --t.fail_copy == 0) return nullptr;
  const UserMemory* mm = t.mm;
  if (mm == nullptr || address < mm->base || size > mm->size ||
      address - mm->base > mm->size - size)
    return nullptr;
  return mm->data + (address - mm->base);
}

}  // namespace

int copy_from_user(void* to, uint64_t from, size_t size) {
  if (size == 0) return 0;
  const uint8_t* data = translate(from, size);
  if (data == nullptr) return -EFAULT;
  std::memcpy(to, data, size);
  return 0;
}

int copy_to_user(uint64_t to, const void* from, size_t size) {
  if (size == 0) return 0;
  uint8_t* data = translate(to, size);
  if (data == nullptr) return -EFAULT;
  std::memcpy(data, from, size);
  return 0;
}

int memdup_user_bytes(void** out, uint64_t from, size_t count, size_t size) {
  *out = nullptr;
  if (count == 0) return 0;
  if (count > SIZE_MAX / size) return -EOVERFLOW;
  void* copy = kmalloc(count * size, Gfp::kKernel, "user array");
  if (copy == nullptr) return -ENOMEM;
  if (copy_from_user(copy, from, count * size) != 0) {
    kfree(copy);
    return -EFAULT;
  }
  *out = copy;
  return 0;
}

}  // namespace kernel
