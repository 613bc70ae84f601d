// The inputs of ioctl_fuzzer: calls of ioctls whose arguments are chosen field by field from values
// that are good, stale, foreign, misaligned, unmapped, or too large.
//
// A call is one byte (which ioctl; the top bit: by the second process) and a byte for each field of
// the argument struct, which selects a value by the kind of the field. Any bytes are a list of
// calls. Seeds are text, corpus/ioctl_fuzzer/*.calls: a call a line, `name field=selector ...`,
// fields that are left out have the selector 0; `p1:` before it for the second process; comments
// with #.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hostile {

enum class Kind : uint8_t {
  kPointer,  // user addresses, see kPointers
  kCount,    // numbers of elements
  kHandle,   // handles and ids, small ones mostly
  kFlags,
  kNumber,   // any 64-bit number
  kAddress,  // addresses and sizes on the GPU
  kTime,     // absolute, nanoseconds
  kPad,
};

struct Field {
  const char* name;
  Kind kind;
  uint8_t offset, size;  // in the argument struct, bytes
};

inline constexpr unsigned kMaxFields = 12;

struct Ioctl {
  uint32_t number;
  const char* name;
  Field fields[kMaxFields];
};

unsigned field_count(const Ioctl& ioctl);

struct Call {
  const Ioctl* ioctl;
  bool second_process;
  uint8_t selectors[kMaxFields];
};
inline constexpr unsigned kMaxCalls = 64;  // those beyond are dropped

// The call at the start of the bytes. Returns how many bytes it takes; missing ones are 0.
size_t decode(const uint8_t* data, size_t size, Call& call);
// The value that a selector stands for.
uint64_t value_of(Kind kind, uint8_t selector);

// "p1: wait waitq_id=1 num_fences=4". Returns the length.
size_t format(const Call& call, char* buffer, size_t capacity);
// One line of text. True: `call` is it; false with *error: what is wrong; false without: nothing in
// it.
bool parse(const char* line, Call& call, const char** error);
// Writes the bytes of a call; returns how many, at most 1 + kMaxFields.
size_t encode(const Call& call, uint8_t* data);

// --- the memory that pointers point to ---

// Of each process, from the start of its memory: handles 1 to 16 (u32), points 0 to 15 (u64),
// handles that are stale or never were, then zeros; the outcome goes to the second half.
inline constexpr uint64_t kHandles = 0;
inline constexpr uint64_t kPointsArray = 0x100;
inline constexpr uint64_t kBadHandles = 0x200;
inline constexpr uint64_t kZeros = 0x300;
inline constexpr uint64_t kOutput = 0x1000;

}  // namespace hostile
