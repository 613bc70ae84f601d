// How many logical threads there are, and sets of contexts or targets.
#pragma once

#include <cstdint>

namespace sched {

// Logical threads, and a set of contexts or of targets: bit i for number i. The build may say how
// many threads; decider_bench has a hundred, for puzzles as large as the published ones.
#if defined(FENCEBENCH_THREADS)
inline constexpr unsigned kMaxThreads = FENCEBENCH_THREADS;
using Mask = unsigned __int128;
#else
inline constexpr unsigned kMaxThreads = 8;
using Mask = uint32_t;
#endif

// The set as one number; a set of up to 64 is the number itself.
constexpr uint64_t folded(Mask mask) {
  uint64_t low = static_cast<uint64_t>(mask);
  if constexpr (sizeof mask > sizeof low) low ^= static_cast<uint64_t>(mask >> 64);
  return low;
}

// The lowest number in a set that is not empty.
constexpr unsigned first_of(Mask mask) {
  const auto low = static_cast<uint64_t>(mask);
  if constexpr (sizeof mask > sizeof low)
    if (low == 0) return 64 + static_cast<unsigned>(__builtin_ctzll(folded(mask)));
  return static_cast<unsigned>(__builtin_ctzll(low));
}

constexpr unsigned count_of(Mask mask) {
  unsigned count = static_cast<unsigned>(__builtin_popcountll(static_cast<uint64_t>(mask)));
  if constexpr (sizeof mask > sizeof(uint64_t))
    count += static_cast<unsigned>(__builtin_popcountll(static_cast<uint64_t>(mask >> 64)));
  return count;
}

}  // namespace sched
