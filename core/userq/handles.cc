#include "core/userq/handles.h"

#include <cerrno>

#include "core/kernel/slab.h"
#include "core/kernel/uaccess.h"
#include "core/userq/queue.h"

namespace userq {

int syncobj_array_lookup(drm::File& file, uint64_t user_handles, uint32_t count,
                         SyncobjArray& array) {
  array = {nullptr, 0};
  uint32_t* handles;
  int error = kernel::memdup_array_user(handles, user_handles, count);
  if (error != 0) return error;
  if (!kernel::kmalloc_array(array.syncobjs, count, "syncobj array")) error = -ENOMEM;
  while (error == 0 && array.count < count) {
    drm::Syncobj* syncobj = drm::syncobj_find(file, handles[array.count], {kUserqIoctl});
    if (syncobj == nullptr)
      error = -ENOENT;
    else
      array.syncobjs[array.count++] = syncobj;
  }
  if (error != 0) syncobj_array_put(array);
  kernel::kfree(handles);
  return error;
}

void syncobj_array_put(SyncobjArray& array) {
  for (uint32_t i = 0; i < array.count; ++i) drm::syncobj_put(*array.syncobjs[i], {kUserqIoctl});
  kernel::kfree(array.syncobjs);
  array = {nullptr, 0};
}

int gem_objects_lookup(uint64_t user_handles, uint32_t count) {
  if (count == 0) return 0;
  uint32_t* handles;
  const int error = kernel::memdup_array_user(handles, user_handles, count);
  kernel::kfree(handles);
  return error != 0 ? error : -ENOENT;
}

}  // namespace userq
