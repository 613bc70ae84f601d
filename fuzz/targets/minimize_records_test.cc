#include "fuzz/targets/minimize_records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <variant>

#include "fuzz/program/rng.h"
#include "fuzz/targets/text_form.h"

namespace records {
namespace {

constexpr const char* kSteps = "dma_fence_fuzzer";
constexpr const char* kCalls = "ioctl_fuzzer";

Bytes assembled(const std::string& target, std::string_view text) {
  auto result = text_form::assemble(text_form::of_target(target), target, text);
  EXPECT_TRUE(std::holds_alternative<Bytes>(result));
  return std::get<Bytes>(std::move(result));
}

std::string minimized(const std::string& target, std::string_view text, const Predicate& holds) {
  return text_form::disassemble(target, minimize(target, assembled(target, text), holds).input);
}

Bytes noise(uint64_t seed) {
  program::Rng rng(seed);
  Bytes bytes(4 * (3 + rng.below(12)));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.below(40));
  return bytes;
}

TEST(MinimizeRecords, KeepsStepsInTheirSimplestForm) {
  auto holds = [](const Bytes& bytes) {
    unsigned arrays = 0;
    for (const Record& op : decode(kSteps, bytes).ops) arrays += op.operands[1] >= 9;
    return arrays >= 2;
  };
  EXPECT_EQ(minimized(kSteps,
                      "create 1 2 3\nfail_alloc 2\narray 4 10 200\npreempt 30 1 2\n"
                      "signal 1\nmerge 7 77 3\n",
                      holds),
            "array 0 9 0\nmerge 0 9 0\n");
}

TEST(MinimizeRecords, KeepsPreemptionsThatAreNeeded) {
  auto holds = [](const Bytes& bytes) {
    const Records records = decode(kSteps, bytes);
    return std::any_of(records.schedule.begin(), records.schedule.end(),
                       [](const Preemption& preemption) { return preemption.after >= 258; });
  };
  EXPECT_EQ(
      minimized(kSteps, "create 1 2 3\npreempt 30 0 1\npreempt 44 1 2\npreempt 7 0 3\n", holds),
      "preempt 2 1 2\n");
}

TEST(MinimizeRecords, PreemptionsStayAtTheirPlaceWhenStepsGo) {
  // Each step takes ten points; t1 is wanted in the middle of the last one.
  auto points = [](const Bytes& bytes) {
    reduce::Points points;
    for (uint32_t i = 0; i < decode(kSteps, bytes).ops.size(); i++) points.push_back({i + 1, 10});
    return points;
  };
  auto holds = [](const Bytes& bytes) {
    const Records records = decode(kSteps, bytes);
    return !records.ops.empty() && records.schedule.size() == 1 &&
           records.schedule[0].after == 10 * records.ops.size() - 5;
  };
  const Bytes padded = assembled(kSteps, "create 1\nstub 1\nsignal 2\nwait 3\npreempt 35 0 1\n");
  const auto result = minimize(kSteps, padded, holds, points);
  EXPECT_EQ(text_form::disassemble(kSteps, result.input), "wait 0 0 0\npreempt 5 0 1\n");
}

TEST(MinimizeRecords, KeepsCallsWithTheSelectorsThatAreNeeded) {
  auto holds = [](const Bytes& bytes) {
    const Records records = decode(kCalls, bytes);
    return std::any_of(records.ops.begin(), records.ops.end(), [](const Record& op) {
      return (op.kind & 0x7f) == 2 && op.operands[7] >= 5;
    });
  };
  EXPECT_EQ(minimized(kCalls,
                      "signal queue_id=3\np1: wait waitq_id=1 num_fences=17 out_fences=4\nquery\n",
                      holds),
            "wait num_fences=5\n");
}

TEST(MinimizeRecords, BytesOfAnyOtherKindAreDropped) {
  auto holds = [](const Bytes& bytes) {
    return std::count(bytes.begin(), bytes.end(), uint8_t{'!'}) >= 2;
  };
  EXPECT_EQ(minimize("canary_fuzzer", {'a', '!', 'b', 0xff, '!', '!'}, holds).input,
            (Bytes{'!', '!'}));
}

TEST(MinimizeRecords, DecodingAndEncodingAgree) {
  for (uint64_t seed = 0; seed < 200; seed++) {
    for (const char* target : {kSteps, kCalls, "canary_fuzzer"}) {
      const Records records = decode(target, noise(seed));
      EXPECT_EQ(decode(target, encode(target, records)), records);
    }
  }
}

// Nothing follows from anything: what comes back holds, no step keeps it, and asking again changes
// nothing.
TEST(MinimizeRecords, PromisesHoldForAnyPredicate) {
  for (uint64_t seed = 0; seed < 60; seed++) {
    for (const std::string target : {kSteps, kCalls, "canary_fuzzer"}) {
      const Bytes original = encode(target, decode(target, noise(seed)));
      auto holds = [&](const Bytes& bytes) {
        uint64_t hash = seed;
        for (uint8_t byte : bytes) hash = program::Rng(hash ^ byte).next();
        return hash % 3 == 0 || bytes == original;
      };
      const auto result = minimize(target, original, holds);
      ASSERT_TRUE(result.minimal);
      ASSERT_TRUE(holds(result.input));
      for (const Bytes& simpler : steps(target, result.input)) ASSERT_FALSE(holds(simpler));
      ASSERT_EQ(minimize(target, original, holds).input, result.input);
      ASSERT_EQ(minimize(target, result.input, holds).input, result.input);
    }
  }
}

}  // namespace
}  // namespace records
