#include "fuzz/tool/sha1.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

// FIPS 180-4, section 6.1.

namespace tool {
namespace {

constexpr size_t kBlock = 64;

using State = std::array<uint32_t, 5>;

uint32_t big_endian(const char* bytes) {
  uint32_t word = 0;
  for (int i = 0; i < 4; i++) word = word << 8 | static_cast<uint8_t>(bytes[i]);
  return word;
}

void take_block(State& state, const char* block) {
  std::array<uint32_t, 80> w;
  for (size_t t = 0; t < 16; t++) w[t] = big_endian(block + 4 * t);
  for (size_t t = 16; t < 80; t++) {
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (size_t t = 0; t < 80; t++) {
    uint32_t f = 0;
    if (t < 20) {
      f = 0x5a827999 + ((b & c) | (~b & d));
    } else if (t < 40) {
      f = 0x6ed9eba1 + (b ^ c ^ d);
    } else if (t < 60) {
      f = 0x8f1bbcdc + ((b & c) | (b & d) | (c & d));
    } else {
      f = 0xca62c1d6 + (b ^ c ^ d);
    }
    uint32_t next = std::rotl(a, 5) + f + e + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State round = {a, b, c, d, e};
  for (size_t i = 0; i < state.size(); i++) state[i] += round[i];
}

}  // namespace

std::string sha1(std::string_view bytes) {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint64_t bits = bytes.size() * 8;
  while (bytes.size() >= kBlock) {
    take_block(state, bytes.data());
    bytes.remove_prefix(kBlock);
  }
  // The rest, a one bit, zeros, and the length: one block or two.
  std::string rest(bytes);
  rest += '\x80';
  while (rest.size() % kBlock != kBlock - 8) rest += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) rest += static_cast<char>(bits >> shift);
  for (size_t at = 0; at < rest.size(); at += kBlock) take_block(state, rest.data() + at);
  std::string hex;
  for (uint32_t word : state) hex += fmt::format("{:08x}", word);
  return hex;
}

}  // namespace tool
