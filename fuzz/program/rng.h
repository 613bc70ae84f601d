// A small deterministic random number generator: the same numbers from the same seed in every build
// and on every machine (the distributions of <random> differ between libraries).
#pragma once

#include <cstdint>

namespace program {

// A counter stepped by an odd constant, each value mixed by two multiply-xorshift rounds
// (splitmix64). Period 2^64, which is plenty for choosing mutations.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // 0..limit-1; limit > 0. The bias of the multiplication is below 2^-32 * limit, of no consequence
  // here.
  uint32_t below(uint64_t limit) {
    return static_cast<uint32_t>(((next() >> 32) * static_cast<uint32_t>(limit)) >> 32);
  }

  bool percent(unsigned chance) { return below(100) < chance; }

 private:
  uint64_t state_;
};

}  // namespace program
