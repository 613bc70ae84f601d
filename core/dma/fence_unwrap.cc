#include "core/dma/fence_unwrap.h"

#include "core/dma/fence_array.h"
#include "core/dma/fence_chain.h"
#include "core/kernel/slab.h"

namespace dma {

namespace {

Fence* first_of_node(FenceUnwrap& cursor) {
  cursor.array = fence_chain_contained(cursor.chain);
  cursor.index = 0;
  return fence_array_first(cursor.array);
}

// The order of dedup: by context, the latest first. Fences that are equal in both have an order,
// too: the outcome must not depend on the way of sorting.
bool comes_before(const Fence& a, const Fence& b) {
  if (a.context != b.context) return a.context < b.context;
  if (a.seqno != b.seqno) return seqno_is_later(a, a.seqno, b.seqno);
  return fence_object(a) > fence_object(b);
}

void sift_down(Fence** heap, unsigned root, unsigned size) {
  for (;;) {
    unsigned child = 2 * root + 1;
    if (child >= size) return;
    if (child + 1 < size && comes_before(*heap[child], *heap[child + 1])) ++child;
    if (!comes_before(*heap[root], *heap[child])) return;
    Fence* fence = heap[root];
    heap[root] = heap[child];
    heap[child] = fence;
    root = child;
  }
}

// Heapsort, as the kernel's sort() is. Wrapping sequence numbers, which come from userspace, need
// not be an order at all: std::sort() may then leave its range.
void sort(Fence** fences, unsigned count) {
  for (unsigned root = count / 2; root-- > 0;) sift_down(fences, root, count);
  for (unsigned size = count; size-- > 1;) {
    Fence* last = fences[0];
    fences[0] = fences[size];
    fences[size] = last;
    sift_down(fences, 0, size);
  }
}

// Counts the pending leaves; the first `room` of them go to `leaves`, each with a reference for
// `holder`. `*timestamp` becomes that of the latest complete one.
unsigned collect_pending(Fence* const* fences, unsigned num_fences, Fence** leaves, unsigned room,
                         uint64_t* timestamp, kernel::Holder holder) {
  unsigned count = 0;
  for (unsigned i = 0; i < num_fences; ++i) {
    FenceUnwrap cursor;
    Fence* leaf;
    fence_unwrap_for_each(leaf, cursor, fences[i], holder) {
      if (fence_is_signaled(*leaf)) {
        const uint64_t t = fence_timestamp(*leaf);
        if (t > *timestamp) *timestamp = t;
      } else {
        if (count < room) leaves[count] = fence_get(leaf, holder);
        ++count;
      }
    }
  }
  return count;
}

}  // namespace

Fence* fence_unwrap_first(Fence* head, FenceUnwrap& cursor, kernel::Holder holder) {
  cursor.holder = holder;
  cursor.chain = fence_get(head, holder);
  return first_of_node(cursor);
}

Fence* fence_unwrap_next(FenceUnwrap& cursor) {
  Fence* fence = fence_array_next(cursor.array, ++cursor.index);
  if (fence != nullptr) return fence;
  cursor.chain = fence_chain_walk(cursor.chain, cursor.holder);
  return first_of_node(cursor);
}

void fence_unwrap_end(FenceUnwrap& cursor) {
  fence_put(cursor.chain, cursor.holder);
  cursor.chain = nullptr;
}

Fence* fence_unwrap_merge(Fence* const* fences, unsigned num_fences, kernel::Holder holder) {
  uint64_t timestamp = 0;
  Fence* pending;
  unsigned count = collect_pending(fences, num_fences, &pending, 1, &timestamp, holder);
  if (count == 0) return fence_allocate_private_stub(timestamp, holder);
  if (count == 1) return pending;
  fence_put(pending, holder);

  Fence** leaves;
  if (!kernel::kmalloc_array(leaves, count, "fences of an array")) return nullptr;
  // Some may be complete by now; pending ones do not become more.
  count = collect_pending(fences, num_fences, leaves, count, &timestamp, holder);
  count = fence_dedup_array(leaves, count, holder);
  if (count > 1) {
    FenceArray* array = fence_array_create(count, leaves, fence_context_alloc(1), 1, false, holder);
    if (array != nullptr) return &array->base;
    for (unsigned i = 0; i < count; ++i) fence_put(leaves[i], holder);
    pending = nullptr;
  } else {
    pending = count == 1 ? leaves[0] : fence_allocate_private_stub(timestamp, holder);
  }
  kernel::kfree(leaves);
  return pending;
}

unsigned fence_dedup_array(Fence** fences, unsigned num_fences, kernel::Holder holder) {
  if (num_fences == 0) return 0;
  sort(fences, num_fences);
  unsigned last = 0;
  for (unsigned i = 1; i < num_fences; ++i) {
    if (fences[i]->context == fences[last]->context)
      fence_put(fences[i], holder);
    else
      fences[++last] = fences[i];
  }
  return last + 1;
}

}  // namespace dma
