#include "fuzz/targets/byte_mutation.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "fuzz/program/rng.h"

// libFuzzer has it; honggfuzz and Centipede's runner do not, and AFL++'s driver makes nothing of
// any input.
extern "C" __attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t* data, size_t size,
                                                         size_t max_size);

namespace {

using program::Rng;

constexpr uint8_t kInteresting[] = {0, 1, 2, 7, 8, 16, 32, 63, 64, 127, 128, 255};

uint8_t any_byte(Rng& rng) {
  return rng.percent(50) ? kInteresting[rng.below(std::size(kInteresting))]
                         : static_cast<uint8_t>(rng.below(256));
}

size_t insert(uint8_t* data, size_t size, size_t max_size, Rng& rng) {
  const size_t count = std::min<size_t>(1 + rng.below(4), max_size - size);
  const size_t at = rng.below(size + 1);
  std::memmove(data + at + count, data + at, size - at);
  for (size_t i = 0; i < count; ++i) data[at + i] = any_byte(rng);
  return size + count;
}

size_t erase(uint8_t* data, size_t size, Rng& rng) {
  const size_t count = std::min<size_t>(1 + rng.below(4), size - 1);
  const size_t at = rng.below(size - count + 1);
  std::memmove(data + at, data + at + count, size - at - count);
  return size - count;
}

void copy_part(uint8_t* data, size_t size, Rng& rng) {
  const size_t from = rng.below(size), to = rng.below(size);
  const size_t room = size - std::max(from, to);
  std::memmove(data + to, data + from, 1 + rng.below(std::min<size_t>(room, 16)));
}

void change_byte(uint8_t* data, size_t size, Rng& rng) {
  uint8_t& byte = data[rng.below(size)];
  switch (rng.below(3)) {
    case 0:
      byte ^= static_cast<uint8_t>(1u << rng.below(8));
      break;
    case 1:
      byte = static_cast<uint8_t>(byte + 1 + rng.below(8) - rng.below(16));
      break;
    default:
      byte = any_byte(rng);
      break;
  }
}

}  // namespace

size_t mutate_bytes_plainly(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (max_size == 0) return 0;
  size = std::min(size, max_size);
  Rng rng(seed);
  for (unsigned n = 1 + rng.below(4); n > 0; --n) {
    const unsigned kind = rng.below(8);
    if (size == 0 || (kind == 0 && size < max_size))
      size = insert(data, size, max_size, rng);
    else if (kind == 1 && size > 1)
      size = erase(data, size, rng);
    else if (kind == 2)
      copy_part(data, size, rng);
    else
      change_byte(data, size, rng);
  }
  return size;
}

size_t mutate_bytes(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (LLVMFuzzerMutate != nullptr)
    if (const size_t mutant = LLVMFuzzerMutate(data, size, max_size)) return mutant;
  return mutate_bytes_plainly(data, size, max_size, seed);
}
