// The ioctls on handles and their fences.
#include <cerrno>

#include "core/drm/syncobj_internal.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kIoctl{kSyncobjIoctl};

void free_chains(dma::FenceChain** chains, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) dma::fence_chain_free(chains[i]);
  kernel::kfree(chains);
}

// -ENOMEM: nothing is allocated.
int alloc_chains(dma::FenceChain**& chains, uint32_t count) {
  if (!kernel::kmalloc_array(chains, count, "chain array")) return -ENOMEM;
  for (uint32_t i = 0; i < count; ++i) {
    chains[i] = dma::fence_chain_alloc();
    if (chains[i] == nullptr) {
      free_chains(chains, i);
      return -ENOMEM;
    }
  }
  return 0;
}

int signal_points(const SyncobjArray& array, uint64_t user_points) {
  uint64_t* points;
  int error = syncobj_points_from_user(points, user_points, array.count);
  if (error != 0) return error;
  dma::FenceChain** chains;
  error = alloc_chains(chains, array.count);
  if (error == 0) {
    for (uint32_t i = 0; i < array.count; ++i) {
      dma::Fence* fence = dma::fence_get_stub(kIoctl);
      syncobj_add_point(*array.syncobjs[i], *chains[i], *fence, points[i]);
      dma::fence_put(fence, kIoctl);
    }
    kernel::kfree(chains);
  }
  kernel::kfree(points);
  return error;
}

// How far a timeline has come: to the point before its oldest pending node.
uint64_t signaled_point(dma::Fence& head) {
  dma::Fence* last = dma::fence_get(&head, kIoctl);
  dma::Fence* iter;
  fence_chain_for_each(iter, &head, kIoctl) {
    // Another timeline: points were added out of order.
    if (iter->context != head.context) {
      dma::fence_put(iter, kIoctl);
      break;
    }
    dma::fence_put(last, kIoctl);
    last = dma::fence_get(iter, kIoctl);
  }
  const uint64_t point =
      dma::fence_is_signaled(*last) ? last->seqno : dma::to_fence_chain(last)->prev_seqno;
  dma::fence_put(last, kIoctl);
  return point;
}

uint64_t query(Syncobj& syncobj, uint32_t flags) {
  dma::Fence* fence = syncobj_fence_get(syncobj, kIoctl);
  uint64_t point = 0;
  if (dma::to_fence_chain(fence) != nullptr)
    point = (flags & kSyncobjQueryFlagsLastSubmitted) != 0 ? fence->seqno : signaled_point(*fence);
  dma::fence_put(fence, kIoctl);
  return point;
}

// Mirrors drm_syncobj_transfer_to_timeline.
int transfer_to_timeline(File& file, const drm_syncobj_transfer& args, Syncobj& timeline) {
  dma::Fence* found;
  const int error =
      syncobj_find_fence(file, args.src_handle, args.src_point, args.flags, &found, kIoctl);
  if (error != 0) return error;
  const int added = syncobj_add_flattened_point(timeline, *found, args.dst_point);
  dma::fence_put(found, kIoctl);
  return added;
}

// Mirrors drm_syncobj_transfer_to_binary.
int transfer_to_binary(File& file, const drm_syncobj_transfer& args, Syncobj& binary) {
  dma::Fence* fence;
  const int error =
      syncobj_find_fence(file, args.src_handle, args.src_point, args.flags, &fence, kIoctl);
  if (error != 0) return error;
  syncobj_replace_fence(binary, fence);
  dma::fence_put(fence, kIoctl);
  return 0;
}

}  // namespace

int syncobj_points_from_user(uint64_t*& points, uint64_t user_points, uint32_t count) {
  if (user_points != 0) return kernel::memdup_array_user(points, user_points, count);
  if (!kernel::kmalloc_array(points, count, "user array")) return -ENOMEM;
  for (uint32_t i = 0; i < count; ++i) points[i] = 0;
  return 0;
}

int syncobj_create_ioctl(File& file, drm_syncobj_create& args) {
  if ((args.flags & ~kSyncobjCreateSignaled) != 0) return -EINVAL;
  Syncobj* syncobj;
  int error = syncobj_create(&syncobj, args.flags, kIoctl);
  if (error != 0) return error;
  error = syncobj_get_handle(file, *syncobj, &args.handle);
  syncobj_put(*syncobj, kIoctl);
  return error;
}

int syncobj_destroy_ioctl(File& file, drm_syncobj_destroy& args) {
  if (args.pad != 0) return -EINVAL;
  Syncobj* syncobj = static_cast<Syncobj*>(kernel::xa_erase(file.syncobj_xa, args.handle));
  if (syncobj == nullptr) return -EINVAL;
  syncobj_put(*syncobj, {kSyncobjHandle, file_object(file)});
  return 0;
}

int syncobj_reset_ioctl(File& file, drm_syncobj_array& args) {
  if (args.pad != 0 || args.count_handles == 0) return -EINVAL;
  SyncobjArray array;
  const int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  if (error != 0) return error;
  for (uint32_t i = 0; i < array.count; ++i) syncobj_replace_fence(*array.syncobjs[i], nullptr);
  syncobj_array_free(array, kIoctl);
  return 0;
}

int syncobj_signal_ioctl(File& file, drm_syncobj_array& args) {
  if (args.pad != 0 || args.count_handles == 0) return -EINVAL;
  SyncobjArray array;
  int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  for (uint32_t i = 0; error == 0 && i < array.count; ++i)
    error = syncobj_assign_null_handle(*array.syncobjs[i]);
  syncobj_array_free(array, kIoctl);
  return error;
}

int syncobj_timeline_signal_ioctl(File& file, drm_syncobj_timeline_array& args) {
  if (args.flags != 0 || args.count_handles == 0) return -EINVAL;
  SyncobjArray array;
  int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  if (error == 0) error = signal_points(array, args.points);
  syncobj_array_free(array, kIoctl);
  return error;
}

int syncobj_query_ioctl(File& file, drm_syncobj_timeline_array& args) {
  if ((args.flags & ~kSyncobjQueryFlagsLastSubmitted) != 0 || args.count_handles == 0)
    return -EINVAL;
  SyncobjArray array;
  int error = syncobj_array_find(file, args.handles, args.count_handles, array, kIoctl);
  for (uint32_t i = 0; error == 0 && i < array.count; ++i) {
    const uint64_t point = query(*array.syncobjs[i], args.flags);
    error = kernel::copy_to_user(args.points + i * sizeof point, &point, sizeof point);
  }
  syncobj_array_free(array, kIoctl);
  return error;
}

int syncobj_transfer_ioctl(File& file, drm_syncobj_transfer& args) {
  if (args.pad != 0) return -EINVAL;
  Syncobj* dst = syncobj_find(file, args.dst_handle, kIoctl);
  if (dst == nullptr) return -ENOENT;
  const int error = args.dst_point != 0 ? transfer_to_timeline(file, args, *dst)
                                        : transfer_to_binary(file, args, *dst);
  syncobj_put(*dst, kIoctl);
  return error;
}

}  // namespace drm
