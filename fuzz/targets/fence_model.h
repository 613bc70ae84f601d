// The reference model of dma_fence_fuzzer: what fences, arrays and chains are, in the plainest way.
//
// A model fence is never forgotten in a run, so that it can be asked about long after the real one
// is freed. Where the outcome may depend on something that the model does not follow (whether an
// array that counts its members has been told that one of them is done), it says kMaybe.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"

namespace fence_model {

enum class Tri : uint8_t { kNo, kYes, kMaybe };

inline constexpr unsigned kMaxFences = 512;
inline constexpr unsigned kMaxMembers = 16;
inline constexpr uint16_t kNone = UINT16_MAX;

struct Fence {
  enum class Kind : uint8_t { kLeaf, kArray, kChain };
  Kind kind;
  dma::Fence* real;  // compared, never followed
  uint64_t context, seqno;
  bool is_64;
  bool signaled;    // leaf: complete
  bool hw_done;     // leaf: complete as soon as somebody asks
  bool enabled;     // array: it may count its members instead of asking them
  bool known_done;  // it was seen complete
  int error;        // leaf: fixed when it is signaled
  // Array.
  uint16_t members[kMaxMembers];
  unsigned num_members;
  bool any;
  // Chain.
  uint16_t prev, contained;
  uint64_t prev_seqno;  // 0: prev is of another timeline
};

extern Fence fences[kMaxFences];
extern unsigned count;

void reset();
// The new fence's index; room for it must be there (count < kMaxFences).
uint16_t add(Fence::Kind kind, dma::Fence* real, uint64_t context, uint64_t seqno, bool is_64);

Tri is_signaled(uint16_t fence);
// Somebody saw that it is complete: from now on it must be.
void saw_signaled(uint16_t fence);

bool later(const Fence& a, const Fence& b);
// From a node to the next one before it that is pending; kNone: there is none.
uint16_t walk(uint16_t node, bool* sure);
// The node that must be complete for a point of the timeline `head` to be reached, kNone if it is.
uint16_t find_seqno(uint16_t head, uint64_t point, bool* sure);
// The leaves in the order of a walk; returns how many. Complete nodes of a chain are left out, but
// for the first. *sure becomes false if the model does not know which these are.
unsigned leaves(uint16_t fence, uint16_t* out, unsigned room, bool* sure);

}  // namespace fence_model
