#include "fuzz/targets/fence_model.h"

namespace fence_model {

Fence fences[kMaxFences];
unsigned count;

namespace {

Tri array_is_signaled(const Fence& array) {
  unsigned yes = 0, maybe = 0;
  for (unsigned i = 0; i < array.num_members; ++i) {
    const Fence& member = fences[array.members[i]];
    if (member.signaled || (member.hw_done && !array.enabled))
      ++yes;
    else if (member.hw_done)
      ++maybe;
  }
  const unsigned needed = array.any ? 1 : array.num_members;
  return yes >= needed ? Tri::kYes : yes + maybe >= needed ? Tri::kMaybe : Tri::kNo;
}

Tri both(Tri a, Tri b) {
  if (a == Tri::kNo || b == Tri::kNo) return Tri::kNo;
  return a == Tri::kMaybe || b == Tri::kMaybe ? Tri::kMaybe : Tri::kYes;
}

}  // namespace

void reset() { count = 0; }

uint16_t add(Fence::Kind kind, dma::Fence* real, uint64_t context, uint64_t seqno, bool is_64) {
  fences[count] = {};
  fences[count].kind = kind;
  fences[count].real = real;
  fences[count].context = context;
  fences[count].seqno = seqno;
  fences[count].is_64 = is_64;
  fences[count].prev = fences[count].contained = kNone;
  return static_cast<uint16_t>(count++);
}

Tri is_signaled(uint16_t index) {
  Tri all = Tri::kYes;
  // Down a chain; what is no chain is asked at once.
  while (index != kNone) {
    const Fence& fence = fences[index];
    if (fence.known_done) return all;
    switch (fence.kind) {
      case Fence::Kind::kLeaf:
        return both(all, fence.signaled || fence.hw_done ? Tri::kYes : Tri::kNo);
      case Fence::Kind::kArray:
        return both(all, array_is_signaled(fence));
      case Fence::Kind::kChain:
        all = both(all, is_signaled(fence.contained));
        if (all == Tri::kNo) return all;
        index = fence.prev;
    }
  }
  return all;
}

void saw_signaled(uint16_t index) {
  Fence& fence = fences[index];
  fence.known_done = true;
  if (fence.kind == Fence::Kind::kLeaf) fence.signaled = true;
}

bool later(const Fence& a, const Fence& b) {
  if (a.is_64) return a.seqno > b.seqno;
  return static_cast<int32_t>(static_cast<uint32_t>(a.seqno) - static_cast<uint32_t>(b.seqno)) > 0;
}

uint16_t walk(uint16_t node, bool* sure) {
  uint16_t prev = fences[node].kind == Fence::Kind::kChain ? fences[node].prev : kNone;
  while (prev != kNone) {
    const bool is_chain = fences[prev].kind == Fence::Kind::kChain;
    const Tri done = is_signaled(is_chain ? fences[prev].contained : prev);
    if (done == Tri::kMaybe) *sure = false;
    if (done != Tri::kYes) return prev;
    prev = is_chain ? fences[prev].prev : kNone;
  }
  return kNone;
}

uint16_t find_seqno(uint16_t head, uint64_t point, bool* sure) {
  for (uint16_t at = head; at != kNone; at = walk(at, sure)) {
    const Fence& node = fences[at];
    if (node.kind != Fence::Kind::kChain || node.context != fences[head].context ||
        node.prev_seqno < point)
      return at;
  }
  return kNone;
}

unsigned leaves(uint16_t index, uint16_t* out, unsigned room, bool* sure) {
  unsigned n = 0;
  for (const uint16_t head = index; index != kNone && n < room;) {
    const Fence& node = fences[index];
    const bool is_chain = node.kind == Fence::Kind::kChain;
    const uint16_t content = is_chain ? node.contained : index;
    const Tri done = index == head ? Tri::kNo : is_signaled(content);
    if (done == Tri::kMaybe) *sure = false;
    const Fence& fence = fences[content];
    if (done == Tri::kYes) {
      // Left out.
    } else if (fence.kind == Fence::Kind::kArray) {
      for (unsigned i = 0; i < fence.num_members && n < room; ++i) out[n++] = fence.members[i];
    } else {
      out[n++] = content;
    }
    index = is_chain ? node.prev : kNone;
  }
  return n;
}

}  // namespace fence_model
