#include "core/userq/wait_collect.h"

#include "core/dma/fence_unwrap.h"
#include "core/drm/syncobj.h"

namespace userq {

namespace {

constexpr kernel::Holder kFound{"found by wait ioctl"};

// Sees each fence; the reference is the visitor's to take. Not 0: the visit ends with this error.
struct Visitor {
  int (*visit)(void* arg, dma::Fence& fence);
  void* arg;
};

int visit_syncobj(drm::File& file, uint32_t handle, uint64_t point, Visitor visitor) {
  dma::Fence* fence;
  int error = drm::syncobj_find_fence(file, handle, point, drm::kSyncobjWaitFlagsWaitForSubmit,
                                      &fence, kFound);
  if (error != 0) return error;
  dma::FenceUnwrap cursor;
  dma::Fence* leaf;
  fence_unwrap_for_each(leaf, cursor, fence, kFound) {
    error = visitor.visit(visitor.arg, *leaf);
    if (error == 0) continue;
    dma::fence_unwrap_end(cursor);
    break;
  }
  dma::fence_put(fence, kFound);
  return error;
}

// Locked.
int visit_bos(const drm::GemObjects& objects, dma::ResvUsage usage, Visitor visitor) {
  for (uint32_t i = 0; i < objects.count; ++i) {
    dma::ResvIter cursor;
    dma::Fence* fence;
    resv_for_each_fence(cursor, *objects.objects[i]->resv, usage, fence) {
      const int error = visitor.visit(visitor.arg, *fence);
      if (error != 0) return error;
    }
  }
  return 0;
}

int visit_all(const WaitSources& sources, Visitor visitor) {
  for (uint32_t i = 0; i < sources.num_timelines; ++i) {
    const int error = visit_syncobj(*sources.file, sources.timeline_handles[i],
                                    sources.timeline_points[i], visitor);
    if (error != 0) return error;
  }
  for (uint32_t i = 0; i < sources.num_handles; ++i) {
    const int error = visit_syncobj(*sources.file, sources.handles[i], 0, visitor);
    if (error != 0) return error;
  }
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecInterruptibleWait);
  int error = userq_bos_lock(exec, sources.bos);
  if (error == 0) error = visit_bos(sources.bos.read, dma::ResvUsage::kRead, visitor);
  if (error == 0) error = visit_bos(sources.bos.write, dma::ResvUsage::kWrite, visitor);
  drm::exec_fini(exec);
  return error;
}

int count_one(void* arg, dma::Fence&) {
  ++*static_cast<uint64_t*>(arg);
  return 0;
}

int collect_one(void* arg, dma::Fence& fence) {
  Collected& collected = *static_cast<Collected*>(arg);
  if (collected.count == collected.room) return dma::fence_wait(fence, true);
  collected.fences[collected.count++] = dma::fence_get(&fence, kCollected);
  return 0;
}

}  // namespace

int count_fences(const WaitSources& sources, uint64_t* count) {
  *count = 0;
  return visit_all(sources, {count_one, count});
}

int collect_fences(const WaitSources& sources, Collected& collected) {
  return visit_all(sources, {collect_one, &collected});
}

}  // namespace userq
