#include "fuzz/tool/fork_runner.h"

#include <gtest/gtest.h>

#include "fuzz/targets/text_form.h"
#include "fuzz/tool/fake_target.h"

namespace tool {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

// Executes inputs as targets/fork_server.cc does, and does what they say.
constexpr const char* kServer =
    "case $FENCEBENCH_OPTIONS in *fork_server=*) ;; *) exit 5 ;; esac\n"
    "exec 3<inputs\n"
    "echo 'fencebench: fork server: ready'\n"
    "while size=$(dd bs=1 count=4 <&3 2>/dev/null | od -An -tu4 | tr -d ' ') && [ -n \"$size\" ]; "
    "do\n"
    "  text=$(dd bs=1 count=$size <&3 2>/dev/null)\n"
    "  case $text in\n"
    "    hang) sleep 100 ;;\n"
    "    die) exit 9 ;;\n"
    "    abort) echo 'fencebench: fork server: signal 6' ;;\n"
    "    *) echo \"fencebench: points 1x$size\"\n"
    "       echo \"SUMMARY: fencebench: reference-leak $text\"\n"
    "       echo 'fencebench: fork server: exit 77' ;;\n"
    "  esac\n"
    "done\n";

class ForkRunnerTest : public testing::Test {
 protected:
  ForkRunnerTest() { how_.target = "userq_fuzzer"; }

  ForkRunner runner(const std::string& script, unsigned seconds = 30) {
    checkout_.add_target("asan", "userq_fuzzer", script);
    return {checkout_.project(), how_, {.sanitizer = "asan", .seconds = seconds}};
  }

  FakeCheckout checkout_;
  FindingComment how_;
};

TEST(Points, AreReadFromTheirLine) {
  const reduce::Points points = parse_points("fencebench: points 1x35 2x12 0x3");
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].op, 1u);
  EXPECT_EQ(points[0].points, 35u);
  EXPECT_EQ(points[2].op, 0u);
  EXPECT_TRUE(parse_points("fencebench: points").empty());
  EXPECT_TRUE(parse_points("fencebench: points 1x2 3").empty());
  EXPECT_TRUE(parse_points("fencebench: trace 0x1").empty());
}

TEST_F(ForkRunnerTest, ExecutesOneInputAfterTheOther) {
  ForkRunner runner = this->runner(kServer);
  ASSERT_TRUE(runner.forks());
  for (const char* text : {"a", "bcd", "a"}) {
    ForkRunner::Execution execution = runner.execute(bytes(text));
    EXPECT_EQ(execution.outcome.text(), std::string("reference-leak ") + text);
    EXPECT_EQ(execution.outcome.exit.code, 77);
    ASSERT_EQ(execution.points.size(), 1u);
    EXPECT_EQ(execution.points[0].points, std::string_view(text).size());
  }
  Outcome outcome = runner.execute(bytes("abort")).outcome;
  EXPECT_FALSE(outcome.verdict);
  EXPECT_EQ(outcome.exit.signal, SIGABRT);
}

TEST_F(ForkRunnerTest, AnInputThatHangsIsEndedAndTheNextOneIsExecuted) {
  ForkRunner runner = this->runner(kServer, 1);
  ForkRunner::Execution execution = runner.execute(bytes("hang"));
  EXPECT_FALSE(execution.outcome.verdict);
  EXPECT_TRUE(execution.outcome.exit.timed_out);
  EXPECT_EQ(runner.execute(bytes("x")).outcome.text(), "reference-leak x");
}

TEST_F(ForkRunnerTest, AServerThatDiesIsStartedAgain) {
  ForkRunner runner = this->runner(kServer);
  EXPECT_FALSE(runner.execute(bytes("die")).outcome.clean());
  EXPECT_EQ(runner.execute(bytes("x")).outcome.text(), "reference-leak x");
  EXPECT_TRUE(runner.forks());
}

TEST_F(ForkRunnerTest, ATargetThatKnowsNoServerGetsAProcessForEachInput) {
  ForkRunner runner = this->runner(
      "[ -f \"$last\" ] || exit 1\n"
      "echo 'fencebench: points 3x4'\n"
      "echo \"SUMMARY: fencebench: reference-leak $(cat $last)\"\nexit 77\n");
  EXPECT_FALSE(runner.forks());
  ForkRunner::Execution execution = runner.execute(bytes("y"));
  EXPECT_EQ(execution.outcome.text(), "reference-leak y");
  ASSERT_EQ(execution.points.size(), 1u);
  EXPECT_EQ(execution.points[0].op, 3u);
}

#ifdef FENCEBENCH_REAL_TARGET
// The real thing: whether forked or not, an input does the same, and its points are known.
TEST(ForkRunnerRealTarget, DoesTheSameForkedAndAlone) {
  FakeCheckout checkout;
  const fs::path binary = checkout.project().binary("release", "allocator_fuzzer", "");
  fs::create_directories(binary.parent_path());
  fs::create_symlink(FENCEBENCH_REAL_TARGET, binary);
  FindingComment how;
  how.target = "allocator_fuzzer";
  how.checks = "all";
  ForkRunner forked(checkout.project(), how, {.sanitizer = "release"});
  ForkRunner alone(checkout.project(), how, {.sanitizer = "release", .fork = false});
  ASSERT_TRUE(forked.forks());
  ASSERT_FALSE(alone.forks());
  for (const char* text :
       {"seq64_alloc\nseq64_alloc\nseq64_free 1\n", "xa_insert 1 2\npreempt 9 0 1\n"}) {
    auto input =
        std::get<Bytes>(text_form::assemble(text_form::Form::kSteps, "allocator_fuzzer", text));
    ForkRunner::Execution a = forked.execute(input);
    ForkRunner::Execution b = alone.execute(input);
    EXPECT_TRUE(a.outcome.clean()) << a.outcome.text();
    EXPECT_TRUE(b.outcome.clean()) << b.outcome.text();
    ASSERT_EQ(a.outcome.traces.size(), 1u);
    ASSERT_FALSE(b.outcome.traces.empty());
    EXPECT_EQ(a.outcome.traces[0], b.outcome.traces[0]);
    EXPECT_GT(reduce::count(a.points), 10u);
    EXPECT_EQ(reduce::count(a.points), reduce::count(b.points));
  }
}
#endif

}  // namespace
}  // namespace tool
