// The mutator of targets whose inputs are programs (mutator.h).

#include <algorithm>

#include "fuzz/program/mutate_bytes.h"
#include "fuzz/targets/byte_mutation.h"
#include "fuzz/targets/mutator.h"

namespace {

// One in this many mutations is on bytes: it reaches what no mutation of programs does.
constexpr unsigned kByteMutationShare = 6;
// Mutations keep programs to about two dozen operations: longer ones take longer, find no more, and
// read worse.
constexpr size_t kMaxMutatedSize = 160;

// Every so many mutations the favoured operations change.
const program::Swarm& present_swarm(unsigned seed) {
  constexpr unsigned kMutations = 128;
  static program::Swarm swarm;
  static unsigned left;
  if (left == 0) {
    program::Rng rng(seed);
    swarm = program::random_swarm(rng);
    left = kMutations;
  }
  --left;
  return swarm;
}

}  // namespace

size_t mutate_input(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                    const program::Places& places) {
  if (seed % kByteMutationShare == 0) return mutate_bytes(data, size, max_size, seed);
  const program::Swarm& swarm = present_swarm(seed);
  return program::custom_mutate(data, size, std::min(max_size, kMaxMutatedSize), seed, swarm,
                                places);
}

size_t cross_inputs(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out,
                    size_t max_size, unsigned seed) {
  return program::custom_crossover(a, a_size, b, b_size, out, std::min(max_size, kMaxMutatedSize),
                                   seed);
}
