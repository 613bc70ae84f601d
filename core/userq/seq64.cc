#include "core/userq/seq64.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace userq {

namespace {

constexpr unsigned kBitsPerLong = 64;

uint32_t words(const Seq64& seq64) { return (seq64.num_sem + kBitsPerLong - 1) / kBitsPerLong; }

}  // namespace

int seq64_init(Seq64& seq64, uint32_t num_sem) {
  seq64.num_sem = num_sem;
  seq64.used = static_cast<unsigned long*>(
      kernel::kzalloc(words(seq64) * sizeof(unsigned long), kernel::Gfp::kKernel, "seq64 bitmap"));
  seq64.cpu_base = static_cast<uint64_t*>(
      kernel::kzalloc(num_sem * sizeof(uint64_t), kernel::Gfp::kKernel, "seq64 slots"));
  if (seq64.used != nullptr && seq64.cpu_base != nullptr) return 0;
  seq64_fini(seq64);
  return -ENOMEM;
}

void seq64_fini(Seq64& seq64) {
  kernel::kfree(seq64.used);
  kernel::kfree(seq64.cpu_base);
  seq64.used = nullptr;
  seq64.cpu_base = nullptr;
}

// Test-and-set, so that two callers that see the same free bit do not both get it.
int seq64_alloc(Seq64& seq64, uint64_t* va, uint64_t** cpu_addr) {
  for (uint32_t word = 0; word < words(seq64); ++word) {
    for (;;) {
      const unsigned long free = ~kernel::read_once(seq64.used[word]);
      const uint32_t bit = free ? static_cast<uint32_t>(__builtin_ctzl(free)) : kBitsPerLong;
      const uint32_t index = word * kBitsPerLong + bit;
      if (bit == kBitsPerLong || index >= seq64.num_sem) break;
      if (kernel::test_and_set_bit(bit, seq64.used[word])) continue;
      *va = kSeq64VaStart + index * sizeof(uint64_t);
      *cpu_addr = &seq64.cpu_base[index];
      return 0;
    }
  }
  return -ENOSPC;
}

void seq64_free(Seq64& seq64, uint64_t va) {
  const uint64_t index = (va - kSeq64VaStart) / sizeof(uint64_t);
  if (WARN_ON(index >= seq64.num_sem)) return;
  kernel::clear_bit(index % kBitsPerLong, seq64.used[index / kBitsPerLong]);
}

uint32_t seq64_used(const Seq64& seq64) {
  uint32_t used = 0;
  for (uint32_t word = 0; word < words(seq64); ++word)
    used += static_cast<uint32_t>(__builtin_popcountl(seq64.used[word]));
  return used;
}

}  // namespace userq
