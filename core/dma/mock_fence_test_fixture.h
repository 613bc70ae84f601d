// For tests: fences without hardware behind them, and callbacks that count.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>

#include "core/dma/fence.h"
#include "core/dma/fence_array.h"
#include "core/dma/fence_chain.h"
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

// A pending fence, held by kMockCreator. Context 0 is nobody's timeline.
inline Fence& mock_fence(const FenceOps& ops = kMockOps, uint64_t seqno = 0, uint64_t context = 0) {
  MockFence* fence = kernel::kzalloc_obj<MockFence>("mock fence");
  kernel::spin_lock_init(fence->lock, "mock_fence.lock");
  fence_init(fence->base, ops, &fence->lock, context, seqno, "fence", kMockCreator);
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

// An array and a chain node, held by kMockCreator, that take its references of what they are made
// of.
inline Fence& mock_array(std::initializer_list<Fence*> members, bool signal_on_any = false) {
  Fence** fences;
  EXPECT_TRUE(kernel::kmalloc_array(fences, members.size(), "members"));
  std::copy(members.begin(), members.end(), fences);
  return fence_array_create(static_cast<unsigned>(members.size()), fences, fence_context_alloc(1),
                            1, signal_on_any, kMockCreator)
      ->base;
}
inline Fence& mock_chain(Fence* prev, Fence& fence, uint64_t seqno = 1) {
  FenceChain* chain = fence_chain_alloc();
  fence_chain_init(*chain, prev, &fence, seqno, kMockCreator);
  return chain->base;
}

// Lets all that is under way (interrupts, works, grace periods) come to rest.
inline void rest() {
  kernel::set_current_state();
  kernel::schedule_timeout("rest", 1);
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
// For callbacks that another context runs: read under the lock under which they run.
inline int times_run(Fence& fence, const CountingCb& counting) {
  unsigned long flags;
  kernel::spin_lock_irqsave(*fence.lock, flags);
  const int seen = counting.seen;
  kernel::spin_unlock_irqrestore(*fence.lock, flags);
  return seen;
}

}  // namespace dma
