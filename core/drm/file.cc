#include "core/drm/file.h"

#include "core/drm/gem.h"
#include "core/drm/syncobj.h"
#include "core/kernel/list.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kDescriptor{"file descriptor"};

void release(kernel::Kref& kref) {
  File& file = *container_of(&kref, File, refcount);
  if (file.driver_release != nullptr) file.driver_release(file);
  syncobj_release_all(file);
  gem_release_all(file);
  if (file.driver_postclose != nullptr) file.driver_postclose(file);
  kernel::xa_destroy(file.object_idr);
  kernel::xa_destroy(file.syncobj_xa);
  kernel::kfree(&file);
}

}  // namespace

File* file_alloc(kernel::UserMemory* mm) {
  File* file = kernel::kzalloc_obj<File>("drm_file");
  if (file == nullptr) return nullptr;
  kernel::kref_init(file->refcount, "file", kDescriptor);
  kernel::xa_init(file->syncobj_xa, "xa_lock(syncobj_xa)");
  kernel::xa_init(file->object_idr, "table_lock");
  file->mm = mm;
  return file;
}

void file_free(File& file) { kernel::kref_put(file.refcount, kDescriptor, release); }

}  // namespace drm
