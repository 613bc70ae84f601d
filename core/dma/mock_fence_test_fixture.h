// For tests: fences without hardware behind them, and callbacks that count.
#pragma once

#include <functional>
#include <string>

#include "core/dma/fence.h"
#include "core/kernel/slab.h"
#include "core/kernel/test_run.h"

namespace dma {

struct MockFence {
  Fence base;
  kernel::SpinLock lock;
};

inline const char* mock_name(Fence&) { return "mock"; }
inline constexpr FenceOps kMockOps = {mock_name, mock_name, nullptr, nullptr, nullptr};

// Who made a mock fence and holds it, and who else may.
inline constexpr char kMockCreatorRole[] = "creator";
inline constexpr kernel::Holder kMockCreator{kMockCreatorRole};
inline constexpr char kReaderRole[] = "reader";
inline constexpr kernel::Holder kReader{kReaderRole};

// A pending fence, held by kMockCreator. In a context.
inline Fence& mock_fence(const FenceOps& ops = kMockOps, uint64_t seqno = 0) {
  MockFence* fence = kernel::kzalloc_obj<MockFence>("mock fence");
  kernel::spin_lock_init(fence->lock, "mock_fence.lock");
  fence_init(fence->base, ops, fence->lock, 1, seqno, "fence", kMockCreator);
  return fence->base;
}
inline void put_mock(Fence& fence) { fence_put(&fence, kMockCreator); }

// Runs `body` on one thread with a mock fence that is put after it.
inline std::string with_fence(const std::function<void(Fence& f)>& body,
                              const FenceOps& ops = kMockOps) {
  return kernel::run_alone([&] {
    Fence& f = mock_fence(ops);
    body(f);
    put_mock(f);
  });
}

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
