#include "core/drm/sync_file.h"

#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kLookup{"sync_file lookup"};

kernel::Holder fence_slot(const SyncFile& sync_file) {
  return {kSyncFileFence, sync_file.refcount.object};
}

void release(kernel::Kref& kref) {
  SyncFile& sync_file = *container_of(&kref, SyncFile, refcount);
  dma::fence_put(sync_file.fence, fence_slot(sync_file));
  kernel::kfree(&sync_file);
}

}  // namespace

const DescriptorType kSyncFileType{release};

SyncFile* sync_file_create(dma::Fence& fence, kernel::Holder creator) {
  SyncFile* sync_file = kernel::kzalloc_obj<SyncFile>("sync_file");
  if (sync_file == nullptr) return nullptr;
  kernel::kref_init(sync_file->refcount, "sync_file", creator);
  sync_file->fence = dma::fence_get(&fence, fence_slot(*sync_file));
  return sync_file;
}

dma::Fence* sync_file_get_fence(Descriptors* files, int fd, kernel::Holder holder) {
  kernel::Kref* object;
  if (fdget(files, fd, kSyncFileType, &object, kLookup) != 0) return nullptr;
  dma::Fence* fence = dma::fence_get(container_of(object, SyncFile, refcount)->fence, holder);
  kernel::kref_put(*object, kLookup, release);
  return fence;
}

}  // namespace drm
