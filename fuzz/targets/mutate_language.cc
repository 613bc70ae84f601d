// The mutator of program_fuzzer (mutator.h), whose inputs are programs, as bytes or as text.
//
// Text needs std::string, which gives false reports in MemorySanitizer's build (text_checks.h):
// there all inputs are mutated as programs.

#include <algorithm>

#include "core/sched/sanitizer.h"
#include "fuzz/program/mutate_bytes.h"
#include "fuzz/targets/byte_mutation.h"
#include "fuzz/targets/mutator.h"

#if !defined(FENCEBENCH_MSAN)
#include <string>
#include <string_view>
#include <variant>

#include "fuzz/program/codec.h"
#include "fuzz/program/print.h"
#include "fuzz/program/text.h"
#include "fuzz/targets/mutate_text.h"
#endif

namespace {

constexpr unsigned kByteMutationShare = 6;  // one in this many is of bytes
constexpr size_t kMaxMutatedSize = 256;

#if !defined(FENCEBENCH_MSAN)

using program::Program;

constexpr size_t kMaxTextSize = 1024;
constexpr unsigned kOtherFormShare = 16;  // one in this many turns a program into text, or back

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Text consists of what can be printed; little of a program's bytes does.
bool is_text(const uint8_t* data, size_t size) {
  const auto printable = std::count_if(data, data + size, [](uint8_t byte) {
    return (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t';
  });
  return size > 0 && static_cast<size_t>(printable) >= size - size / 8;
}

template <typename Characters>
size_t store(const Characters& from, uint8_t* out, size_t max_size) {
  const size_t size = std::min({from.size(), max_size, kMaxTextSize});
  std::copy_n(from.begin(), size, out);
  return size;
}

// A program is now and then turned into its text, and back; text is mutated as text. 0: the input
// is not text, so nothing has been done.
size_t mutate_as_text(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  const bool to_other_form = seed % kOtherFormShare == 1;
  if (!is_text(data, size)) {
    if (!to_other_form) return 0;
    return store(program::to_text(program::decode(data, size)), data, max_size);
  }
  if (to_other_form) {
    const auto parsed = program::parse(view(data, size));
    if (const Program* program = std::get_if<Program>(&parsed))
      return store(program::encode(*program), data, max_size);
  }
  return store(mutate_text(view(data, size), seed), data, max_size);
}

// Likewise, for two that both are text.
size_t mix_as_text(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out,
                   size_t max_size, unsigned seed) {
  if (!is_text(a, a_size) || !is_text(b, b_size)) return 0;
  return store(mix_lines(view(a, a_size), view(b, b_size), seed), out, max_size);
}

#else

size_t mutate_as_text(uint8_t*, size_t, size_t, unsigned) { return 0; }
size_t mix_as_text(const uint8_t*, size_t, const uint8_t*, size_t, uint8_t*, size_t, unsigned) {
  return 0;
}

#endif

}  // namespace

size_t mutate_input(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                    const program::Places&) {
  if (seed % kByteMutationShare == 0) return mutate_bytes(data, size, max_size, seed);
  if (const size_t mutant = mutate_as_text(data, size, max_size, seed)) return mutant;
  return program::custom_mutate(data, size, std::min(max_size, kMaxMutatedSize), seed);
}

size_t cross_inputs(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out,
                    size_t max_size, unsigned seed) {
  if (const size_t child = mix_as_text(a, a_size, b, b_size, out, max_size, seed)) return child;
  return program::custom_crossover(a, a_size, b, b_size, out, std::min(max_size, kMaxMutatedSize),
                                   seed);
}
