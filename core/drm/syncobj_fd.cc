// Syncobjs and their fences as file descriptors.
#include <cerrno>

#include "core/drm/sync_file.h"
#include "core/drm/syncobj_internal.h"

namespace drm {

namespace {

constexpr kernel::Holder kIoctl{kSyncobjIoctl};
constexpr uint32_t kAllFlags = kSyncobjHandleFlagsSyncFile | kSyncobjHandleFlagsTimeline;

constexpr DescriptorType kSyncobjFileType{syncobj_free};

// The descriptor takes over the reference of the lookup. Mirrors drm_syncobj_handle_to_fd.
int handle_to_fd(File& file, uint32_t handle, int32_t* p_fd) {
  Syncobj* syncobj = syncobj_find(file, handle, kIoctl);
  if (syncobj == nullptr) return -EINVAL;
  const int fd = get_unused_fd(file.files);
  if (fd < 0) {
    syncobj_put(*syncobj, kIoctl);
    return fd;
  }
  fd_install(*file.files, fd, kSyncobjFileType, syncobj->refcount, kIoctl);
  *p_fd = fd;
  return 0;
}

// Mirrors drm_syncobj_fd_to_handle.
int fd_to_handle(File& file, int32_t fd, uint32_t* handle) {
  kernel::Kref* object;
  if (fdget(file.files, fd, kSyncobjFileType, &object, kIoctl) != 0) return -EINVAL;
  Syncobj& syncobj = *container_of(object, Syncobj, refcount);
  const int error = syncobj_get_handle(file, syncobj, handle);
  syncobj_put(syncobj, kIoctl);
  return error;
}

int install_fence(Syncobj& syncobj, dma::Fence& fence, uint64_t point) {
  if (point == 0) {
    syncobj_replace_fence(syncobj, &fence);
    return 0;
  }
  return syncobj_add_flattened_point(syncobj, fence, point);
}

// Mirrors drm_syncobj_import_sync_file_fence.
int import_sync_file_fence(File& file, int32_t fd, uint32_t handle, uint64_t point) {
  dma::Fence* fence = sync_file_get_fence(file.files, fd, kIoctl);
  if (fence == nullptr) return -EINVAL;
  Syncobj* syncobj = syncobj_find(file, handle, kIoctl);
  int error = -ENOENT;
  if (syncobj != nullptr) {
    error = install_fence(*syncobj, *fence, point);
    syncobj_put(*syncobj, kIoctl);
  }
  dma::fence_put(fence, kIoctl);
  return error;
}

int install_sync_file(File& file, uint32_t handle, uint64_t point, int fd) {
  dma::Fence* fence;
  const int error = syncobj_find_fence(file, handle, point, 0, &fence, kIoctl);
  if (error != 0) return error;
  SyncFile* sync_file = sync_file_create(*fence, kIoctl);
  dma::fence_put(fence, kIoctl);
  if (sync_file == nullptr) return -EINVAL;  // as upstream
  fd_install(*file.files, fd, kSyncFileType, sync_file->refcount, kIoctl);
  return 0;
}

// Mirrors drm_syncobj_export_sync_file.
int export_sync_file(File& file, uint32_t handle, uint64_t point, int32_t* p_fd) {
  const int fd = get_unused_fd(file.files);
  if (fd < 0) return fd;
  const int error = install_sync_file(file, handle, point, fd);
  if (error != 0)
    put_unused_fd(*file.files, fd);
  else
    *p_fd = fd;
  return error;
}

// What the two ioctls refuse alike: a point is for sync files, and has a flag.
bool is_refused(const drm_syncobj_handle& args) {
  if (args.pad != 0 || (args.flags & ~kAllFlags) != 0) return true;
  return (args.flags & kSyncobjHandleFlagsSyncFile) == 0 && args.point != 0;
}

uint64_t point_of(const drm_syncobj_handle& args) {
  return (args.flags & kSyncobjHandleFlagsTimeline) != 0 ? args.point : 0;
}

}  // namespace

int syncobj_handle_to_fd_ioctl(File& file, drm_syncobj_handle& args) {
  if (is_refused(args)) return -EINVAL;
  if ((args.flags & kSyncobjHandleFlagsSyncFile) != 0)
    return export_sync_file(file, args.handle, point_of(args), &args.fd);
  return handle_to_fd(file, args.handle, &args.fd);
}

int syncobj_fd_to_handle_ioctl(File& file, drm_syncobj_handle& args) {
  if (is_refused(args)) return -EINVAL;
  if ((args.flags & kSyncobjHandleFlagsSyncFile) != 0)
    return import_sync_file_fence(file, args.fd, args.handle, point_of(args));
  return fd_to_handle(file, args.fd, &args.handle);
}

}  // namespace drm
