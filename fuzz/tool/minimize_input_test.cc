#include "fuzz/tool/minimize_input.h"

#include <gtest/gtest.h>

#include "fuzz/program/codec.h"
#include "fuzz/tool/fake_target.h"

namespace tool {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

// Ends in a verdict if the input holds an exclamation mark.
constexpr const char* kFussy =
    "if grep -q '!' \"$last\"; then\n"
    "  echo 'fencebench: trace 0x00000000000000aa points=5'\n"
    "  echo 'SUMMARY: fencebench: canary shouted'\n"
    "  exit 77\n"
    "fi\n"
    "exit 0\n";

class MinimizeInputTest : public testing::Test {
 protected:
  std::variant<MinimizedInput, NotReproduced> minimize(const std::string& script,
                                                       const Bytes& input,
                                                       const MinimizeRequest& request = {
                                                           .sanitizer = "asan", .expected = ""}) {
    checkout_.add_target("asan", "canary_fuzzer", script);
    Input named;
    named.bytes = input;
    named.comment.target = "canary_fuzzer";
    named.comment.checks = "all";
    named.comment.trace = "0x01";
    return minimize_input(checkout_.project(), named, request, progress_);
  }

  FakeCheckout checkout_;
  Progress progress_;
};

TEST_F(MinimizeInputTest, KeepsTheVerdictAndRecordsTheNewTrace) {
  auto result =
      minimize(kFussy, bytes("abc!def"), {.sanitizer = "asan", .expected = "canary shouted"});
  ASSERT_TRUE(std::holds_alternative<MinimizedInput>(result));
  const auto& minimized = std::get<MinimizedInput>(result);
  EXPECT_EQ(minimized.bytes, bytes("!"));
  EXPECT_TRUE(minimized.minimal);
  EXPECT_TRUE(minimized.changed());
  EXPECT_EQ(minimized.before.operations, 7u);
  EXPECT_EQ(minimized.after.operations, 1u);
  EXPECT_EQ(minimized.comment.trace, "0x00000000000000aa");
  EXPECT_EQ(minimized.comment.verdict, "canary shouted");
  EXPECT_EQ(minimized.comment.sanitizer, "asan");
  EXPECT_EQ(file_content(minimized), "!");
}

TEST_F(MinimizeInputTest, WhatIsMinimalAlreadyIsNotChanged) {
  auto result = minimize(kFussy, bytes("!"));
  ASSERT_TRUE(std::holds_alternative<MinimizedInput>(result));
  EXPECT_FALSE(std::get<MinimizedInput>(result).changed());
}

TEST_F(MinimizeInputTest, AnInputWithoutItsVerdictIsLeftAlone) {
  auto clean = minimize(kFussy, bytes("abc"));
  ASSERT_TRUE(std::holds_alternative<NotReproduced>(clean));
  EXPECT_TRUE(std::get<NotReproduced>(clean).outcome.clean());
  auto other =
      minimize(kFussy, bytes("a!c"), {.sanitizer = "asan", .expected = "canary whispered"});
  ASSERT_TRUE(std::holds_alternative<NotReproduced>(other));
  EXPECT_EQ(std::get<NotReproduced>(other).outcome.text(), "canary shouted");
}

TEST_F(MinimizeInputTest, AVerdictThatComesAndGoesIsSaidToDoSo) {
  const std::string counter = (checkout_.root() / "counter").string();
  auto result = minimize(
      "echo >>" + counter + "\n[ $(wc -l <" + counter + ") = 1 ] || exit 0\n" + kFussy, bytes("!"));
  ASSERT_TRUE(std::holds_alternative<NotReproduced>(result));
  EXPECT_EQ(std::get<NotReproduced>(result).first, "canary shouted");
  EXPECT_TRUE(std::get<NotReproduced>(result).outcome.clean());
}

TEST_F(MinimizeInputTest, TheBudgetEndsItWithWhatThereIs) {
  auto result = minimize(kFussy, bytes("abcdefghijklm!nopqrstuvwxyz"),
                         {.sanitizer = "asan", .expected = "", .budget = 4});
  ASSERT_TRUE(std::holds_alternative<MinimizedInput>(result));
  const auto& minimized = std::get<MinimizedInput>(result);
  EXPECT_FALSE(minimized.minimal);
  EXPECT_LT(minimized.after.operations, 27u);
  EXPECT_NE(std::find(minimized.bytes.begin(), minimized.bytes.end(), uint8_t{'!'}),
            minimized.bytes.end());
}

// Two steps or more.
TEST_F(MinimizeInputTest, StepsAreMinimizedAsSteps) {
  checkout_.add_target("asan", "dma_fence_fuzzer",
                       "[ $(wc -c <\"$last\") -ge 8 ] || exit 0\n"
                       "echo 'SUMMARY: fencebench: wrong-result signal'\nexit 77\n");
  Input named;
  named.bytes = {4, 1, 2, 3, 5, 9, 9, 9, 6, 0, 1, 0, 0, 7, 0, 1, 7, 1, 1, 1};
  named.comment.target = "dma_fence_fuzzer";
  named.comment.checks = "all";
  auto result =
      minimize_input(checkout_.project(), named, {.sanitizer = "asan", .expected = ""}, progress_);
  ASSERT_TRUE(std::holds_alternative<MinimizedInput>(result));
  EXPECT_EQ(file_content(std::get<MinimizedInput>(result)),
            "# fencebench: target=dma_fence_fuzzer sanitizer=asan checks=all "
            "verdict=\"wrong-result signal\"\n"
            "# wrong-result signal\n"
            "# Minimized from 4 operations, 1 thread, 1 preemption, 0 faults.\n"
            "copy 0 0 0\ndrop 0 0 0\n");
}

TEST(InputSizeOf, CountsWhatAProgramIsMadeOf) {
  const program::Program program =
      parse_program("x.fence",
                    "t0: A = queue_create gfx fail_alloc=2 fail_copy=1\n"
                    "t3: signal A signal_pending\n"
                    "irq: eop A\n"
                    "schedule: 1>t3 2>irq\n");
  InputSize size = size_of_input("userq_fuzzer", program::encode(program));
  EXPECT_EQ(to_text(size), "3 operations, 3 threads, 2 preemptions, 3 faults");
  size = size_of_input("dma_fence_fuzzer", {1, 2, 0, 0, 9, 0, 0, 0, 0, 5, 0, 1});
  EXPECT_EQ(to_text(size), "1 operation, 1 thread, 1 preemption, 1 fault");
}

TEST(MinimizedFile, SaysHowToExecuteItAndWhatItWas) {
  MinimizedInput minimized;
  minimized.bytes = program::encode(parse_program("x.fence", "t0: suspend\n"));
  minimized.original = program::encode(parse_program("x.fence", "t0: suspend\nt1: resume\n"));
  minimized.comment = {.target = "userq_fuzzer",
                       .sanitizer = "tsan",
                       .defect = "",
                       .checks = "all",
                       .seed = {},
                       .trace = "0x0a",
                       .verdict = "warn-on here"};
  minimized.before = size_of_input("userq_fuzzer", minimized.original);
  minimized.after = size_of_input("userq_fuzzer", minimized.bytes);
  EXPECT_EQ(file_content(minimized),
            "# fencebench: target=userq_fuzzer sanitizer=tsan checks=all trace=0x0a "
            "verdict=\"warn-on here\"\n"
            "# warn-on here\n"
            "# Minimized from 2 operations, 2 threads, 0 preemptions, 0 faults.\n"
            "device cpus=2 seq64=64\n"
            "t0: suspend\n");
}

}  // namespace
}  // namespace tool
