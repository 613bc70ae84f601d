// For tests: a reservation, fences to put into it, and what is in it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/dma/resv.h"

namespace dma {

inline constexpr ResvUsage kAllUsages[] = {ResvUsage::kKernel, ResvUsage::kWrite, ResvUsage::kRead,
                                           ResvUsage::kBookkeep};

inline constexpr char kTestRole[] = "test";
inline constexpr kernel::Holder kTest{kTestRole};

// A pending fence, held by kMockCreator.
inline Fence& fence_of(uint64_t context, uint64_t seqno = 1, const FenceOps& ops = kMockOps) {
  return mock_fence(ops, seqno, context);
}

// Adds a fence that stays the caller's, too.
inline void add(Resv& obj, Fence& fence, ResvUsage usage) {
  EXPECT_EQ(resv_lock(obj, nullptr), 0);
  EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
  resv_add_fence(obj, fence, usage);
  resv_unlock(obj);
}
// Adds a new pending fence that the reservation alone holds.
inline Fence& add_new(Resv& obj, uint64_t context, uint64_t seqno, ResvUsage usage,
                      const FenceOps& ops = kMockOps) {
  Fence& fence = fence_of(context, seqno, ops);
  add(obj, fence, usage);
  put_mock(fence);
  return fence;
}

struct Entry {
  const Fence* fence;
  ResvUsage usage;

  bool operator==(const Entry&) const = default;
};
using Entries = std::vector<Entry>;

// All slots up to a usage, in their order.
inline Entries entries(Resv& obj, ResvUsage usage = ResvUsage::kBookkeep) {
  Entries found;
  EXPECT_EQ(resv_lock(obj, nullptr), 0);
  ResvIter cursor;
  Fence* fence;
  resv_for_each_fence(cursor, obj, usage, fence) found.push_back({fence, cursor.fence_usage});
  resv_unlock(obj);
  return found;
}

// Runs `body` on one thread with an empty reservation that is ended after it.
inline std::string with_resv(const std::function<void(Resv& obj)>& body) {
  kernel::OnHeap<Resv> obj;
  return kernel::run_alone([&] {
    resv_init(obj, 0);
    body(obj);
    resv_fini(obj);
  });
}

}  // namespace dma
