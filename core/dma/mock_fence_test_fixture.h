// For tests: fences without hardware behind them, and callbacks that count.
#pragma once

#include "core/dma/fence.h"
#include "core/kernel/slab.h"

namespace dma {

struct MockFence {
  Fence base;
  kernel::SpinLock lock;
};

inline const char* mock_name(Fence&) { return "mock"; }
inline constexpr FenceOps kMockOps = {mock_name, mock_name, nullptr, nullptr, nullptr};

// Who made a mock fence, and holds it.
inline constexpr char kMockCreatorRole[] = "creator";
inline constexpr kernel::Holder kMockCreator{kMockCreatorRole};

// A pending fence, held by kMockCreator. In a context.
inline Fence& mock_fence(const FenceOps& ops = kMockOps, uint64_t seqno = 0) {
  MockFence* fence = kernel::kzalloc_obj<MockFence>("mock fence");
  kernel::spin_lock_init(fence->lock, "mock_fence.lock");
  fence_init(fence->base, ops, fence->lock, 1, seqno, "fence", kMockCreator);
  return fence->base;
}
inline void put_mock(Fence& fence) { fence_put(&fence, kMockCreator); }

// A callback that counts its calls.
struct CountingCb {
  FenceCb cb;
  int seen = 0;
};
inline int add_counting(Fence& fence, CountingCb& counting) {
  return fence_add_callback(fence, counting.cb,
                            [](Fence&, FenceCb& cb) { ++container_of(&cb, CountingCb, cb)->seen; });
}

}  // namespace dma
