#include "fuzz/program/mutate_bytes.h"

#include <algorithm>

#include "fuzz/program/codec.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/mutate.h"

namespace program {

namespace {

// Drops from the end until the program fits. The schedule goes first as far as it takes more than a
// third of the space, so that neither crowds out the other.
void shrink_to(Program& program, size_t max_size) {
  size_t schedule_size = 0;
  for (const Preemption& preemption : program.schedule) schedule_size += encoded_size(preemption);
  size_t size = encoded_size(program);
  while (size > max_size && !(program.ops.empty() && program.schedule.empty())) {
    size_t dropped;
    if (program.ops.empty() || schedule_size > max_size / 3) {
      dropped = encoded_size(program.schedule.back());
      program.schedule.pop_back();
      schedule_size -= dropped;
    } else {
      dropped = encoded_size(program.ops.back());
      program.ops.pop_back();
    }
    size -= dropped;
  }
}

size_t write(Program& program, uint8_t* out, size_t max_size) {
  shrink_to(program, max_size);
  std::vector<uint8_t> bytes = encode(program);
  size_t size = std::min(bytes.size(), max_size);  // less than the header: reads as zeros
  std::copy_n(bytes.begin(), size, out);
  return size;
}

constexpr unsigned kFreshShare = 6;  // percent
constexpr unsigned kPlacedShare = 20;

}  // namespace

size_t custom_mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed, const Swarm& swarm,
                     const Places& places) {
  constexpr unsigned kHowMany[] = {1, 1, 2, 2, 3, 4, 5, 6, 8, 12};
  Rng rng(seed);
  if (places.count > 0 && rng.percent(kPlacedShare)) {
    Program program = decode(data, size);
    if (insert_placed_preemption(program, places, rng)) return write(program, data, max_size);
  }
  // Now and then one starts anew: what is kept grows long, and much is found in what is short.
  Program program = rng.percent(kFreshShare) ? random_program(rng, swarm) : decode(data, size);
  for (unsigned n = kHowMany[rng.below(std::size(kHowMany))]; n; n--) mutate(program, rng, swarm);
  return write(program, data, max_size);
}

size_t custom_crossover(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                        uint8_t* out, size_t max_size, unsigned seed) {
  Rng rng(seed);
  Program child = crossover(decode(a, a_size), decode(b, b_size), rng);
  for (unsigned n = rng.below(3); n; n--) mutate(child, rng);
  return write(child, out, max_size);
}

}  // namespace program
