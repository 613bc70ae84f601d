// AFL++'s custom mutator: the functions that afl-fuzz looks up in a library it is given with
// AFL_CUSTOM_MUTATOR_LIBRARY (its docs/custom_mutators.md). What they do to an input is mutator.h.
//
// What comes out depends on afl-fuzz's seed (-s) and on the inputs it hands over. Where inputs had
// conflicts is known if the target shares them, FENCEBENCH_OPTIONS=conflicts=FILE, which afl-fuzz
// and the target both have in their environment.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include "fuzz/program/rng.h"
#include "fuzz/targets/conflict_table.h"
#include "fuzz/targets/mutator.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr size_t kMostBytes = 4096;      // as libFuzzer's -max_len
constexpr unsigned kCrossingShare = 30;  // percent, where there is a second input

struct Mutator {
  explicit Mutator(unsigned seed) : rng(seed) {}

  program::Rng rng;
  uint8_t out[kMostBytes];
  // Of inputs in AFL++'s queue. The target's table holds the latest few thousand inputs; AFL++
  // comes back to one much later.
  std::unordered_map<uint64_t, ConflictPoints> known;
};

program::Places places_of(Mutator& mutator, const uint8_t* data, size_t size) {
  const uint64_t hash = input_hash(data, size);
  auto entry = mutator.known.find(hash);
  if (entry == mutator.known.end()) {
    const ConflictPoints* found = conflict_points(data, size);
    if (found == nullptr) return {};
    entry = mutator.known.emplace(hash, *found).first;
  }
  return {entry->second.points, entry->second.count};
}

// The file that the target shares, from its options; empty: none.
std::string shared_file() {
  const char* options = std::getenv("FENCEBENCH_OPTIONS");
  constexpr const char* kKey = "conflicts=";
  while (options != nullptr) {
    const size_t length = std::strcspn(options, ":");
    if (std::strncmp(options, kKey, std::strlen(kKey)) == 0)
      return std::string(options, length).substr(std::strlen(kKey));
    options = options[length] == ':' ? options + length + 1 : nullptr;
  }
  return "";
}

}  // namespace

EXPORT void* afl_custom_init(void*, unsigned seed) {
  if (const std::string file = shared_file(); !file.empty()) share_conflicts(file.c_str());
  return new Mutator(seed);
}

EXPORT void afl_custom_deinit(void* state) { delete static_cast<Mutator*>(state); }

EXPORT size_t afl_custom_fuzz(void* state, uint8_t* data, size_t size, uint8_t** out,
                              uint8_t* other, size_t other_size, size_t max_size) {
  Mutator& mutator = *static_cast<Mutator*>(state);
  *out = mutator.out;
  const size_t room = std::min(max_size, kMostBytes);
  const auto seed = static_cast<unsigned>(mutator.rng.next());
  if (other != nullptr && mutator.rng.percent(kCrossingShare))
    if (const size_t child = cross_inputs(data, size, other, other_size, mutator.out, room, seed))
      return child;
  const program::Places places = places_of(mutator, data, size);
  size = std::min(size, room);
  std::copy_n(data, size, mutator.out);
  return mutate_input(mutator.out, size, room, seed, places);
}

// AFL++ has just executed what it puts into its queue. Nothing is changed.
EXPORT uint8_t afl_custom_queue_new_entry(void* state, const uint8_t* path, const uint8_t*) {
  std::FILE* file = std::fopen(reinterpret_cast<const char*>(path), "rbe");
  if (file == nullptr) return 0;
  uint8_t bytes[kMostBytes];
  const size_t size = std::fread(bytes, 1, sizeof bytes, file);
  std::fclose(file);
  places_of(*static_cast<Mutator*>(state), bytes, size);
  return 0;
}
