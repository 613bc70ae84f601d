#include "core/userq/gem_handles.h"

#include <cerrno>

#include "core/kernel/slab.h"
#include "core/kernel/uaccess.h"

namespace userq {

int gem_objects_lookup(uint64_t user_handles, uint32_t count) {
  if (count == 0) return 0;
  uint32_t* handles;
  const int error = kernel::memdup_array_user(handles, user_handles, count);
  kernel::kfree(handles);
  return error != 0 ? error : -ENOENT;
}

}  // namespace userq
