// The mutator of targets whose inputs are steps (mutator.h).

#include <algorithm>

#include "fuzz/targets/byte_mutation.h"
#include "fuzz/targets/mutator.h"
#include "fuzz/targets/steps.h"

namespace {

constexpr unsigned kByteMutationShare = 8;  // one in this many is of bytes
constexpr size_t kMaxMutatedSize = 64 * sizeof(steps::Step);

}  // namespace

size_t mutate_input(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                    const program::Places&) {
  if (seed % kByteMutationShare == 0) return mutate_bytes(data, size, max_size, seed);
  return steps::mutate(data, size, std::min(max_size, kMaxMutatedSize), seed);
}

size_t cross_inputs(const uint8_t*, size_t, const uint8_t*, size_t, uint8_t*, size_t, unsigned) {
  return 0;
}
