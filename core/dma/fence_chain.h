// dma_fence_chain: the points of a timeline, newest first.
//
// A node contains a fence and links to the node before it; it is complete when its own fence and
// all before it are. A node is a fence with a point as its 64-bit sequence number; the nodes of one
// timeline share a context. Complete nodes are pruned while a chain is walked.
#pragma once

#include "core/dma/fence.h"
#include "core/kernel/irq_work.h"

namespace dma {

struct FenceChain {
  Fence base;
  Fence* prev;          // RCU; nullptr: nothing before, or nothing that is pending
  uint64_t prev_seqno;  // point of the node before when this one was made; 0: another timeline's
  Fence* fence;         // an array or a leaf, never a chain
  FenceCb cb;           // on the first pending fence of the chain
  kernel::IrqWork work;
};

// Roles of a node as a holder: of the node before it (which may be a plain fence), of the fence
// that it contains; and, while its callback and then its work are under way, of itself and of the
// fence that has the callback.
inline constexpr char kChainPrev[] = "chain.prev";
inline constexpr char kChainFence[] = "chain.fence";
inline constexpr char kChainCallback[] = "chain.callback";

// The node that a fence is, or nullptr; of nullptr, nullptr.
FenceChain* to_fence_chain(Fence* fence);
// The fence that a node contains, or the fence itself if it is no node. Lives as long as `fence`,
// which may be nullptr. Mirrors dma_fence_chain_contained.
Fence* fence_chain_contained(Fence* fence);

// A node that is not initialised yet, or nullptr: no memory. Made before the point of no return.
// Process context. Mirrors dma_fence_chain_alloc.
FenceChain* fence_chain_alloc();
// Frees a node that was never initialised; nullptr is allowed. Mirrors dma_fence_chain_free.
void fence_chain_free(FenceChain* chain);

// Starts the node's life, with one reference for `holder`. It takes over the references that
// `holder` holds of `prev`, which may be nullptr, and of `fence`. A point after prev's joins its
// timeline. Any other starts a new one, and if prev is a node the sequence number is then no less
// than prev's. Warns if `fence` is a chain. Any context. Mirrors dma_fence_chain_init.
void fence_chain_init(FenceChain& chain, Fence* prev, Fence* fence, uint64_t seqno,
                      kernel::Holder holder);

// From a node to the next one before it that is pending, or nullptr; complete ones in between are
// unlinked for good. `holder`'s reference of `fence` is dropped and that of the result taken. The
// last node may be a plain fence. Any context in which fences may be put. Mirrors
// dma_fence_chain_walk.
Fence* fence_chain_walk(Fence* fence, kernel::Holder holder);

// Goes from a node to the one that must be complete for the point `seqno` to be reached: the one
// that was made for the first point at or above it, or if that is complete the next pending one
// before it. `holder`'s reference goes from the old `*pfence` to the new. Mirrors
// dma_fence_chain_find_seqno.
//   seqno 0: 0, and *pfence stays.
//   *pfence is no node (nullptr too), or the point is after it: -EINVAL, and *pfence stays.
//   otherwise 0; *pfence is then nullptr if the point is reached.
int fence_chain_find_seqno(Fence** pfence, uint64_t seqno, kernel::Holder holder);

}  // namespace dma

// Walks a chain from `head`, a Fence* that the caller holds, each time with `holder`'s reference of
// `iter`. Leaving the loop early leaves that reference to the leaver.
#define fence_chain_for_each(iter, head, holder)               \
  for (iter = ::dma::fence_get(head, holder); iter != nullptr; \
       iter = ::dma::fence_chain_walk(iter, holder))
