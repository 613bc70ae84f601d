// Bytes to program to bytes, and to text and back: over random strings, and over every file of the
// corpus. FENCEBENCH_ROUND_TRIPS=10000000 takes so many strings instead of those that the suite
// has time for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "fuzz/program/codec.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

// What does not lead back to itself; empty if all does.
std::string broken_trip(const Program& program) {
  if (!is_valid(program)) return "the program is not valid";
  const Bytes bytes = encode(program);
  const Program again = decode(bytes.data(), bytes.size());
  if (again != program) return "program -> bytes -> program";
  if (encode(again) != bytes) return "program -> bytes -> program -> bytes";
  const std::string text = to_text(program);
  const auto parsed = parse(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) return "parse: " + error->message;
  if (std::get<Program>(parsed) != program) return "program -> text -> program";
  if (to_text(std::get<Program>(parsed)) != text) return "program -> text -> program -> text";
  return "";
}

std::string broken_trip(const Bytes& bytes) {
  return broken_trip(decode(bytes.data(), bytes.size()));
}

// Mostly short ones, now and then one that fills a program.
Bytes random_bytes(Rng& rng) {
  const unsigned limit = rng.percent(1) ? 2048 : rng.percent(10) ? 256 : 48;
  Bytes bytes(rng.below(limit));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.next());
  return bytes;
}

uint64_t strings_to_take() {
  const char* asked = std::getenv("FENCEBENCH_ROUND_TRIPS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 20'000;
}

TEST(RoundTrip, RandomByteStrings) {
  Rng rng(2026);
  const uint64_t count = strings_to_take();
  ASSERT_GT(count, 0u) << "FENCEBENCH_ROUND_TRIPS is no number";
  uint64_t bytes_taken = 0;
  for (uint64_t i = 0; i < count; i++) {
    const Bytes bytes = random_bytes(rng);
    bytes_taken += bytes.size();
    const std::string broken = broken_trip(bytes);
    ASSERT_EQ(broken, "") << "string " << i << ":\n" << to_text(decode(bytes.data(), bytes.size()));
  }
  std::printf("%llu strings, %llu bytes\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(bytes_taken));
}

// Programs also as the text that they are; everything as the bytes that it is.
TEST(RoundTrip, EveryFileOfTheCorpus) {
  unsigned programs = 0;
  unsigned files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(FENCEBENCH_CORPUS)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(broken_trip(Bytes(content.begin(), content.end())), "") << entry.path();
    files++;
    const auto parsed = parse(content);
    if (const auto* program = std::get_if<Program>(&parsed)) {
      EXPECT_EQ(broken_trip(*program), "") << entry.path();
      programs += entry.path().extension() == ".fence";
    } else {
      const auto& error = std::get<ParseError>(parsed);
      EXPECT_NE(entry.path().extension(), ".fence")
          << entry.path() << ':' << error.line << ':' << error.column << ": " << error.message;
    }
  }
  EXPECT_GT(programs, 20u);
  EXPECT_GT(files, programs);
}

}  // namespace
}  // namespace program
