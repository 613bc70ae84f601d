// Programs as bytes.
//
// decode() is total: every byte string is a program; input that ends early reads as zeros from
// there on. encode() is canonical: decode(encode(p)) == p for every valid p.
//
//   header       3 bytes: CPUs {2,1,3,4}[b & 3]; seq64 slots 64 - b % 64; mask of the second
//   process record       first byte, low 6 bits, modulo kOpKinds + 1: 0 a preemption, k + 1
//   operation kind k.
//                Bit 6 is ignored, bit 7 says that fault bytes follow. Records until the input
//                ends.
//   operation    lane byte, modulo kLanes (lane irq where it may not stand: t0); then the
//   arguments:
//                  numbers (kU64, kU16)   LEB128, cut to their width
//                  lists                  length byte % 9, then one byte an entry
//                  all others             one byte, modulo the range
//                then with bit 7: fail_alloc, fail_copy, a byte whose bit 0 is signal_pending
//   preemption   `after` as LEB128 cut to 20 bits; target byte modulo kTargets
//
// So that byte mutations do sensible things: zeros everywhere are the usual values, records are
// short (mostly 3 to 6 bytes), and a new operation appended to OpKind leaves the old encodings as
// they are. Preemptions may stand among the operations (a mutation may put them there); encode()
// puts them last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/program/program.h"

namespace program {

Program decode(const uint8_t* data, size_t size);
std::vector<uint8_t> encode(const Program& program);

// How many bytes encode() spends.
inline constexpr size_t kHeaderSize = 3;
size_t encoded_size(const Op& op);
size_t encoded_size(const Preemption& preemption);
size_t encoded_size(const Program& program);

}  // namespace program
