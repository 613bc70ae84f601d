#include "fuzz/tool/replayer.h"

#include <gtest/gtest.h>

#include "fuzz/tool/fake_target.h"

namespace tool {
namespace {

constexpr const char* kTrace = "echo 'fencebench: trace 0x00000000000000aa points=5'\n";
constexpr const char* kLeak = "echo 'SUMMARY: fencebench: reference-leak fence_driver'\nexit 77\n";

class ReplayerTest : public testing::Test {
 protected:
  ReplayerTest() { input_.comment.target = "userq_fuzzer"; }

  BuildResult run(uint64_t times, const std::string& script, const std::string& build = "asan",
                  unsigned jobs = 2) {
    checkout_.add_target(build, "userq_fuzzer", script);
    Replayer replayer(checkout_.project(), input_, {.times = times, .jobs = jobs}, progress_);
    return replayer.run(build);
  }

  FakeCheckout checkout_;
  Input input_;
  Progress progress_;
};

TEST_F(ReplayerTest, TheSameEachTime) {
  BuildResult result = run(20, std::string(kTrace) + kLeak);
  EXPECT_EQ(result.executions, 20u);
  EXPECT_EQ(result.agreed(), 20u);
  EXPECT_EQ(result.found, 20u);
  EXPECT_EQ(result.named_result(), "reference-leak fence_driver");
  EXPECT_EQ(result.usual().trace.hash, "0x00000000000000aa");
  Judgement judgement = judge_builds({result});
  EXPECT_TRUE(judgement.found);
  EXPECT_TRUE(judgement.deterministic);
}

TEST_F(ReplayerTest, Clean) {
  BuildResult result = run(1, kTrace);
  EXPECT_EQ(result.named_result(), "clean");
  EXPECT_FALSE(judge_builds({result}).found);
}

// One odd execution in ten is enough.
TEST_F(ReplayerTest, AnotherTraceNowAndThen) {
  std::string counter = (checkout_.root() / "counter").string();
  BuildResult result = run(10,
                           "echo >>" + counter + "\nif [ $(wc -l <" + counter +
                               ") = 5 ]; then echo 'fencebench: trace 0x0b points=5'; else " +
                               kTrace + "fi\n" + kLeak,
                           "asan", 1);
  EXPECT_EQ(result.agreed(), 9u);
  EXPECT_EQ(result.answers.size(), 2u);
  EXPECT_FALSE(judge_builds({result}).deterministic);
}

TEST_F(ReplayerTest, TwoTracesInOneProcess) {
  BuildResult result = run(1, std::string(kTrace) + "echo 'fencebench: trace 0x0b points=5'\n");
  EXPECT_EQ(result.named_result(), "clean");
  EXPECT_FALSE(judge_builds({result}).deterministic);
}

TEST_F(ReplayerTest, BuildsThatDisagree) {
  BuildResult asan = run(2, std::string(kTrace) + kLeak, "asan");
  BuildResult same = run(2, std::string(kTrace) + kLeak, "tsan");
  BuildResult other =
      run(2, std::string("echo 'fencebench: trace 0x0b points=5'\n") + kLeak, "msan");
  BuildResult clean = run(2, "echo 'fencebench: trace 0x0c points=5'\n", "release");
  EXPECT_TRUE(judge_builds({asan, same}).same_everywhere);
  EXPECT_FALSE(judge_builds({asan, other}).same_everywhere);
  // It came to something else there, so its trace may be another.
  EXPECT_TRUE(judge_builds({asan, clean}).same_everywhere);
}

TEST_F(ReplayerTest, ADeathWithoutAReportCounts) {
  BuildResult result = run(1, "exit 3\n");
  EXPECT_EQ(result.named_result(), "no report, exit status 3");
  EXPECT_TRUE(judge_builds({result}).found);
}

}  // namespace
}  // namespace tool
