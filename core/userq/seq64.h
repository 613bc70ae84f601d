// seq64: the pool of 64-bit fence slots that the GPU writes its progress to. One device-wide
// buffer, mapped at the same address in every process.
#pragma once

#include <cstdint>

namespace userq {

inline constexpr uint64_t kSeq64VaStart = 0xffff'8000'0000'0000;

struct Seq64 {
  uint32_t num_sem;     // slots
  unsigned long* used;  // bitmap, changed by atomics only
  uint64_t* cpu_base;   // slot memory as the CPU sees it
};

// -ENOMEM.
int seq64_init(Seq64& seq64, uint32_t num_sem);
void seq64_fini(Seq64& seq64);

// Takes the first free slot: its GPU address and its CPU pointer. -ENOSPC. Any context.
int seq64_alloc(Seq64& seq64, uint64_t* va, uint64_t** cpu_addr);
// Any context.
void seq64_free(Seq64& seq64, uint64_t va);
// Slots in use.
uint32_t seq64_used(const Seq64& seq64);

}  // namespace userq
