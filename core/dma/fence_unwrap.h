// Walking the leaves of chains and arrays, and making one fence out of many.
#pragma once

#include "core/dma/fence.h"

namespace dma {

// A walk over the leaves of a fence: of a chain, of the arrays in it, or the fence itself. Mirrors
// dma_fence_unwrap.
struct FenceUnwrap {
  Fence* chain;  // the node that the walk is at; `holder` holds a reference of it
  Fence* array;  // what that node contains
  unsigned index;
  kernel::Holder holder;
};

// The first leaf of `head`, which the caller holds and which may be nullptr; nullptr: there is
// none. Leaves come newest node first, members in order, signaled ones too (but chain nodes before
// the first that are complete are skipped). A leaf lives until the next step: take a reference to
// keep it.
Fence* fence_unwrap_first(Fence* head, FenceUnwrap& cursor, kernel::Holder holder);
Fence* fence_unwrap_next(FenceUnwrap& cursor);
// For a walk that is left before its end: drops what the cursor holds.
void fence_unwrap_end(FenceUnwrap& cursor);

// One fence that is complete when all leaves of all these are: one of the pending leaves if that is
// the only one, an array of them ordered by context, of each context the latest, or if none is
// pending a private stub with the time of the last. With a reference for `holder`; the caller's
// references of `fences`, some of which may be nullptr, stay. nullptr: no memory. Process context.
// Mirrors dma_fence_unwrap_merge.
Fence* fence_unwrap_merge(Fence* const* fences, unsigned num_fences, kernel::Holder holder);

// Sorts the fences by context and keeps of each context the latest; of several with its seqno, the
// one made last. `holder`'s references of the others are dropped. Returns how many are left.
// Mirrors dma_fence_dedup_array.
unsigned fence_dedup_array(Fence** fences, unsigned num_fences, kernel::Holder holder);

}  // namespace dma

// fence_unwrap_for_each(fence, cursor, head, holder) { ... }
#define fence_unwrap_for_each(fence, cursor, head, holder)                        \
  for (fence = ::dma::fence_unwrap_first(head, cursor, holder); fence != nullptr; \
       fence = ::dma::fence_unwrap_next(cursor))
