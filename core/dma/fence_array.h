// dma_fence_array: a fence that is complete when all of its members are, or the first of them.
//
// Members are leaves: an array contains no array and no chain, so that nothing here recurses. Its
// error is the first one that a member had when the array saw it complete; an array that is found
// complete by polling, without ever having been asked to signal, has none.
#pragma once

#include "core/dma/fence.h"
#include "core/kernel/irq_work.h"

namespace dma {

struct FenceArray {
  Fence base;
  kernel::IrqWork work;  // completes the array outside of the members' locks
  int num_pending;       // atomic: members to wait for; below 1 the array is complete
  unsigned num_fences;
  Fence** fences;  // kmalloc'ed; {kArrayFences, the array} holds a reference of each
};

// Roles of an array as a holder: of its members, and of itself while its callbacks and then its
// work are under way.
inline constexpr char kArrayFences[] = "array.fences";
inline constexpr char kArrayCallback[] = "array.callback";

// The array that a fence is, or nullptr; of nullptr, nullptr.
FenceArray* to_fence_array(Fence* fence);

// An array over `num_fences` fences, at least one, on 32-bit wrapping `context` and `seqno`, with
// one reference for `holder`. It takes over `fences`, kmalloc'ed, and of each fence the reference
// that `holder` holds. nullptr: no memory; the caller keeps it all. Warns of members that are
// containers. Process context. Mirrors dma_fence_array_create.
FenceArray* fence_array_create(unsigned num_fences, Fence** fences, uint64_t context,
                               uint64_t seqno, bool signal_on_any, kernel::Holder holder);

// Whether the fence, or each member of the array, is of this context. Mirrors
// dma_fence_match_context.
bool fence_match_context(Fence& fence, uint64_t context);

// The members of an array by index, or the fence itself at index 0; nullptr: no more. They live as
// long as `head`, which may be nullptr. Mirror dma_fence_array_first and _next.
Fence* fence_array_first(Fence* head);
Fence* fence_array_next(Fence* head, unsigned index);

}  // namespace dma

// Walks the members of `head`, a Fence*: fence_array_for_each(fence, index, head) { ... }
#define fence_array_for_each(fence, index, head)                            \
  for (index = 0, fence = ::dma::fence_array_first(head); fence != nullptr; \
       ++(index), fence = ::dma::fence_array_next(head, index))
