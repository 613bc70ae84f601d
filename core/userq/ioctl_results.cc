#include "core/userq/ioctl_results.h"

#include <algorithm>
#include <cstring>

#include "core/dma/fence_array.h"
#include "core/drm/syncobj.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/userq_fence.h"

namespace userq {

namespace {

using kernel::Verdict;

constexpr uint32_t kMaxOfAKind = 256;

struct Source {
  uint32_t handle;
  uint64_t point;
};

// The wait that is under way.
struct {
  bool count_phase;
  uint32_t count;
  Source sources[2 * kMaxOfAKind];
} asked;

const uint8_t* user_memory(const kernel::UserMemory* mm, uint64_t address, size_t size) {
  if (mm == nullptr || address < mm->base || size > mm->size ||
      address - mm->base > mm->size - size)
    return nullptr;
  return mm->data + (address - mm->base);
}

// False: there is nothing at that address.
template <typename T>
bool user_value(const kernel::UserMemory* mm, uint64_t array, uint32_t index, T& value) {
  const uint8_t* memory = user_memory(mm, array + index * sizeof value, sizeof value);
  if (memory != nullptr) std::memcpy(&value, memory, sizeof value);
  return memory != nullptr;
}

// The memory behind an address of the GPU; nullptr: none.
const uint8_t* gpu_memory(const Vm& vm, uint64_t va, uint64_t size) {
  list_for_each_entry(mapping, vm.mappings, VmMapping, link) {
    const uint64_t start = mapping->start * kGpuPageSize;
    if (va < start || va + size > (mapping->last + 1) * kGpuPageSize) continue;
    const Bo* bo = mapping->bo_va->bo;
    return bo != nullptr && bo->memory != nullptr ? bo->memory + mapping->offset + (va - start)
                                                  : nullptr;
  }
  return nullptr;
}

bool is_chain(const dma::Fence* fence) {
  return fence != nullptr && fence->ops == &dma::kFenceChainOps;
}
dma::FenceChain& to_chain(dma::Fence& fence) {
  return *container_of(&fence, dma::FenceChain, base);
}

// The first node of the chain that a point needs.
dma::Fence* node_of(dma::Fence* head, uint64_t point) {
  dma::Fence* node = head;
  while (is_chain(node) && to_chain(*node).prev_seqno >= point && is_chain(to_chain(*node).prev) &&
         to_chain(*node).prev->context == head->context)
    node = to_chain(*node).prev;
  return node;
}

bool is_pending(dma::Fence& fence) {
  if ((fence.flags >> dma::kFenceSignaledBit & 1) != 0) return false;
  const UserqFence* userq_fence = peek_userq_fence(fence);
  return userq_fence == nullptr || *userq_fence->fence_drv->cpu_addr < fence.seqno;
}

// Calls `visit` for each pending leaf of the fence, or array.
template <typename Visit>
void for_each_pending_member(dma::Fence& fence, Visit visit) {
  if (fence.ops == &dma::kFenceArrayOps) {
    dma::FenceArray& array = *container_of(&fence, dma::FenceArray, base);
    for (unsigned i = 0; i < array.num_fences; ++i)
      if (is_pending(*array.fences[i])) visit(*array.fences[i]);
  } else if (is_pending(fence)) {
    visit(fence);
  }
}

// The same of all that the source has to wait for. False: it is not submitted.
template <typename Visit>
bool for_each_pending_leaf(const drm::File& file, const Source& source, Visit visit) {
  const auto* syncobj =
      static_cast<const drm::Syncobj*>(kernel::xa_peek(file.syncobj_xa, source.handle));
  dma::Fence* fence = syncobj != nullptr ? syncobj->fence : nullptr;
  if (fence == nullptr) return false;
  if (source.point != 0) {
    if (!is_chain(fence) || fence->seqno < source.point) return false;
    fence = node_of(fence, source.point);
  }
  while (is_chain(fence)) {
    dma::FenceChain& chain = to_chain(*fence);
    for_each_pending_member(*chain.fence, visit);
    fence = chain.prev;
  }
  if (fence != nullptr) for_each_pending_member(*fence, visit);
  return true;
}

bool slot_in_use(const Seq64& seq64, uint64_t va) {
  const uint64_t index = (va - kSeq64VaStart) / sizeof(uint64_t);
  constexpr uint64_t kBits = 8 * sizeof(unsigned long);
  return va >= kSeq64VaStart && va % sizeof(uint64_t) == 0 && index < seq64.num_sem &&
         (seq64.used[index / kBits] >> index % kBits & 1) != 0;
}

// Whether an info stands for the fence.
bool has_info(const drm_amdgpu_userq_wait& args, dma::Fence& fence) {
  const UserqFence* userq_fence = peek_userq_fence(fence);
  if (userq_fence == nullptr) return false;
  for (uint32_t i = 0; i < args.num_fences; ++i) {
    drm_amdgpu_userq_fence_info info;
    if (user_value(kernel::task().mm, args.out_fences, i, info) &&
        info.va == userq_fence->fence_drv->va && info.value >= fence.seqno)
      return true;
  }
  return false;
}

}  // namespace

void check_signal_result(drm::File& file, const drm_amdgpu_userq_signal& args) {
  const Fpriv& fpriv = to_fpriv(file);
  const auto* queue =
      static_cast<const Queue*>(kernel::xa_peek(fpriv.userq_mgr.userq_xa, args.queue_id));
  if (queue == nullptr || queue->last_fence == nullptr) return;
  uint64_t written;
  const uint8_t* memory = gpu_memory(fpriv.vm, queue->wptr_va, sizeof written);
  if (memory == nullptr) return;
  std::memcpy(&written, memory, sizeof written);
  if (queue->last_fence->seqno != written)
    kernel::report(Verdict::kWrongResult, "amdgpu_userq_signal_ioctl sequence number",
                   "the new fence has number %llu, at the write pointer of the queue stands %llu",
                   static_cast<unsigned long long>(queue->last_fence->seqno),
                   static_cast<unsigned long long>(written));
}

void remember_wait(const drm_amdgpu_userq_wait& args) {
  asked.count_phase = args.num_fences == 0;
  asked.count = 0;
  for (uint32_t i = 0; i < std::min<uint32_t>(args.num_syncobj_timeline_handles, kMaxOfAKind);
       ++i) {
    Source& source = asked.sources[asked.count];
    if (user_value(kernel::task().mm, args.syncobj_timeline_handles, i, source.handle) &&
        user_value(kernel::task().mm, args.syncobj_timeline_points, i, source.point))
      ++asked.count;
  }
  for (uint32_t i = 0; i < std::min<uint32_t>(args.num_syncobj_handles, kMaxOfAKind); ++i) {
    Source& source = asked.sources[asked.count];
    source.point = 0;
    if (user_value(kernel::task().mm, args.syncobj_handles, i, source.handle)) ++asked.count;
  }
}

void check_wait_result(drm::File& file, const drm_amdgpu_userq_wait& args) {
  const Seq64& seq64 = to_fpriv(file).userq_mgr.adev->seq64;
  for (uint32_t i = 0; !asked.count_phase && i < args.num_fences; ++i) {
    drm_amdgpu_userq_fence_info info;
    if (!user_value(kernel::task().mm, args.out_fences, i, info) || !slot_in_use(seq64, info.va))
      kernel::report(Verdict::kWrongResult, "amdgpu_userq_wait_ioctl slot",
                     "of the fences that it returned, number %u is at no slot in use", i);
  }
  uint64_t pending = 0;
  bool missing = false;
  for (uint32_t i = 0; i < asked.count; ++i) {
    const bool submitted = for_each_pending_leaf(file, asked.sources[i], [&](dma::Fence& fence) {
      ++pending;
      missing = missing || (!asked.count_phase && !has_info(args, fence));
    });
    if (!submitted)
      kernel::report(Verdict::kWrongResult, "amdgpu_userq_wait_ioctl point",
                     "it returned 0, and point %llu of syncobj %u is not submitted",
                     static_cast<unsigned long long>(asked.sources[i].point),
                     asked.sources[i].handle);
  }
  if (missing)
    kernel::report(Verdict::kWrongResult, "amdgpu_userq_wait_ioctl fences",
                   "a fence is pending, and no slot that it returned stands for it");
  if (asked.count_phase && args.num_fences < std::min<uint64_t>(pending, UINT16_MAX))
    kernel::report(Verdict::kWrongResult, "amdgpu_userq_wait_ioctl count",
                   "it counted %u fences, and %llu are pending", args.num_fences,
                   static_cast<unsigned long long>(pending));
}

}  // namespace userq
