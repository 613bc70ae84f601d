#include "fuzz/tool/exploration.h"

#include <gtest/gtest.h>

#include "fuzz/program/codec.h"
#include "fuzz/program/text.h"
#include "fuzz/targets/text_form.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_target.h"

namespace tool {
namespace {

using End = Exploration::End;

constexpr const char* kProgram =
    "t0: A = queue_create gfx\n"
    "t1: signal A\n"
    "schedule: 5>t1\n";
constexpr const char* kLeak =
    "echo 'SUMMARY: fencebench: reference-leak fence_driver'\n"
    "exit 77\n";
constexpr const char* kTrace = "echo 'fencebench: trace 0x00000000000000aa points=5'\n";

std::vector<uint8_t> encoded(const std::string& text) {
  return program::encode(std::get<program::Program>(program::parse(text)));
}

TEST(SearchLineTest, Numbers) {
  auto progress = parse_search_line(
      "fencebench: explored schedules=4267 cut=123 skipped=99 states=3807 preemptions=1 "
      "seconds=0.050 complete");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->schedules, 4267u);
  EXPECT_EQ(progress->cut, 123u);
  EXPECT_EQ(progress->skipped, 99u);
  EXPECT_EQ(progress->states, 3807u);
  EXPECT_EQ(progress->preemptions, 1u);
  EXPECT_DOUBLE_EQ(progress->seconds, 0.05);
  EXPECT_DOUBLE_EQ(progress->rate(), 85'340);
  EXPECT_TRUE(progress->complete);
}

TEST(SearchLineTest, OtherLines) {
  EXPECT_FALSE(parse_search_line("fencebench: trace 0xaa points=5"));
  EXPECT_FALSE(parse_search_line("#1234\tNEW    cov: 12"));
  auto progress = parse_search_line("fencebench: explored schedules=7 seconds=0.000");
  ASSERT_TRUE(progress);
  EXPECT_FALSE(progress->complete);
  EXPECT_EQ(progress->rate(), 0);
}

TEST(WithScheduleTest, ReplacesTheOneOfAProgram) {
  auto bytes = with_schedule("userq_fuzzer", encoded(kProgram),
                             {{31, sched::Target::kThread0}, {4, sched::Target::kIrq}});
  EXPECT_EQ(program::decode(bytes.data(), bytes.size()).schedule,
            (std::vector<program::Preemption>{{31, program::Target::kThread0},
                                              {4, program::Target::kIrq}}));
  EXPECT_EQ(with_schedule("userq_fuzzer", bytes, {{5, static_cast<sched::Target>(1)}}),
            encoded(kProgram));
}

TEST(WithScheduleTest, ReplacesTheOneOfSteps) {
  auto assembled = text_form::assemble(text_form::Form::kSteps, "dma_fence_fuzzer",
                                       "preempt 3 0 1\nfail_alloc 2\npreempt 4 0 1\n");
  auto bytes = with_schedule("dma_fence_fuzzer", std::get<std::vector<uint8_t>>(assembled),
                             {{300, sched::Target::kTimer}});
  const std::string text = text_form::disassemble("dma_fence_fuzzer", bytes);
  EXPECT_NE(text.find("preempt 44 1 11"), std::string::npos) << text;
  EXPECT_NE(text.find("fail_alloc 2"), std::string::npos) << text;
  EXPECT_EQ(text.find("preempt 3"), std::string::npos) << text;
}

TEST(WithScheduleTest, NumbersThatNoInputHolds) {
  EXPECT_TRUE(with_schedule("dma_fence_fuzzer", {}, {{65'536, sched::Target::kIrq}}).empty());
  EXPECT_FALSE(with_schedule("dma_fence_fuzzer", {}, {{65'535, sched::Target::kIrq}}).empty());
  EXPECT_TRUE(
      with_schedule("userq_fuzzer", encoded(kProgram), {{1 << 20, sched::Target::kIrq}}).empty());
  EXPECT_TRUE(with_schedule("ioctl_fuzzer", {1, 2}, {{1, sched::Target::kIrq}}).empty());
}

TEST(ScheduleTest, Text) {
  EXPECT_EQ(to_text(Schedule{}), "none");
  EXPECT_EQ(to_text(Schedule{{31, static_cast<sched::Target>(1)}, {4, sched::Target::kSoftirq}}),
            "31>t1 4>rcu");
}

// The fake target searches if it is asked to, else it executes one schedule.
class ExplorationTest : public testing::Test {
 protected:
  ExplorationTest() {
    input_.comment = {.target = "userq_fuzzer",
                      .sanitizer = "",
                      .defect = "",
                      .checks = "all",
                      .seed = {},
                      .trace = "",
                      .verdict = ""};
    input_.bytes = encoded(kProgram);
    request_.sanitizer = "asan";
  }

  Exploration run(const std::string& search, const std::string& alone = "") {
    checkout_.add_target(
        "asan", "userq_fuzzer",
        "case $FENCEBENCH_OPTIONS in\n*search*)\n" + search + "\n;;\n*)\n" + alone + "\nesac\n");
    return explore(checkout_.project(), input_, request_, progress_);
  }

  // Says that schedule 258 is being walked: 31>t1.
  static std::string place() {
    return "printf '\\002\\001\\0\\0\\0\\0\\0\\0\\001\\0\\0\\0\\037\\0\\0\\0\\001\\0\\0\\0"
           "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0"
           "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >place\n";
  }
  static std::string explored(const std::string& end = "") {
    return "echo 'fencebench: explored schedules=250 cut=3 skipped=40 states=90 preemptions=2 "
           "seconds=0.500" +
           end + "'\n";
  }

  FakeCheckout checkout_;
  Input input_;
  ExploreRequest request_;
  Progress progress_;
};

TEST_F(ExplorationTest, NothingFails) {
  Exploration result = run(explored() + explored(" complete"));
  EXPECT_EQ(result.end, End::kComplete);
  EXPECT_EQ(result.walked.schedules, 250u);
  EXPECT_EQ(result.walked.cut, 3u);
}

TEST_F(ExplorationTest, WhatTheTargetIsAsked) {
  const std::string say = "echo \"$FENCEBENCH_OPTIONS $*\" >" + (checkout_.root() / "x").string() +
                          "\n" + explored(" complete");
  request_.preemptions = 3;
  run(say);
  std::string asked = read_file(checkout_.root() / "x");
  EXPECT_NE(asked.find(":schedule=search-3:"), std::string::npos) << asked;
  EXPECT_EQ(asked.find("search_limit"), std::string::npos) << asked;
  EXPECT_NE(asked.find(" -timeout=0 "), std::string::npos) << asked;
  EXPECT_NE(asked.find(" -detect_leaks=0 "), std::string::npos) << asked;
  request_.prune = false;
  request_.limit = 12;
  run(say);
  asked = read_file(checkout_.root() / "x");
  EXPECT_NE(asked.find(":schedule=plain-search-3:"), std::string::npos) << asked;
  EXPECT_NE(asked.find(":search_limit=12"), std::string::npos) << asked;
}

TEST_F(ExplorationTest, TheLimitComesFirst) { EXPECT_EQ(run(explored()).end, End::kLimit); }

TEST_F(ExplorationTest, OneFails) {
  Exploration result = run(explored() + place() + kTrace + kLeak, std::string(kTrace) + kLeak);
  EXPECT_EQ(result.end, End::kFound);
  EXPECT_EQ(result.walked.schedules, 258u);
  EXPECT_EQ(result.outcome.text(), "reference-leak fence_driver");
  EXPECT_EQ(to_text(result.schedule), "31>t1");
  EXPECT_TRUE(result.replays);
  EXPECT_EQ(program::decode(result.bytes.data(), result.bytes.size()).schedule,
            (std::vector<program::Preemption>{{31, static_cast<program::Target>(1)}}));
}

TEST_F(ExplorationTest, AnotherTraceAloneIsNoReplay) {
  Exploration result = run(place() + kTrace + kLeak,
                           "echo 'fencebench: trace 0x0b points=5'\n" + std::string(kLeak));
  EXPECT_EQ(result.end, End::kFound);
  EXPECT_FALSE(result.replays);
}

TEST_F(ExplorationTest, CleanAloneIsNoReplay) {
  Exploration result = run(place() + kLeak, kTrace);
  EXPECT_EQ(result.end, End::kFound);
  EXPECT_FALSE(result.replays);
  EXPECT_EQ(result.alone.text(), "clean");
  EXPECT_EQ(result.shown().text(), "reference-leak fence_driver");
}

// Faulty code that reads what was freed: what is there depends on earlier schedules.
TEST_F(ExplorationTest, AnotherVerdictAlone) {
  Exploration result =
      run(place() + kLeak, "echo 'SUMMARY: fencebench: use-after-destroy lock'\nexit 77\n");
  EXPECT_EQ(result.end, End::kFound);
  EXPECT_FALSE(result.replays);
  EXPECT_EQ(result.shown().text(), "use-after-destroy lock");
}

// Without names for the stack, or none at all: what it says alone counts.
TEST_F(ExplorationTest, ADeathWithoutAReport) {
  Exploration result = run(place() + "exit 3\n", kLeak);
  EXPECT_EQ(result.end, End::kFound);
  EXPECT_TRUE(result.replays);
  EXPECT_EQ(result.shown().text(), "reference-leak fence_driver");
}

TEST_F(ExplorationTest, TheSearchRunsOutOfMemory) {
  Exploration result = run(place() + "kill -9 $$\n", kTrace);
  EXPECT_EQ(result.end, End::kOutOfMemory);
  EXPECT_EQ(result.walked.schedules, 258u);
}

TEST_F(ExplorationTest, TheTimeIsOver) {
  request_.seconds = 1;
  Exploration result = run(explored() + place() + "sleep 60\n");
  EXPECT_EQ(result.end, End::kTime);
  EXPECT_EQ(result.walked.schedules, 257u);
  EXPECT_GE(result.walked.seconds, 1);
}

TEST_F(ExplorationTest, ATargetThatDoesNotSearch) {
  EXPECT_THROW(run("exit 0"), EnvironmentError);
  EXPECT_THROW(run("echo 'FENCEBENCH_OPTIONS: cannot make sense of it'\nexit 2"), EnvironmentError);
}

// On a real target: it understands what it is asked, and its lines are understood.
class RealExplorationTest : public testing::Test {
 protected:
  RealExplorationTest() {
    fs::path binary = checkout_.project().binary("release", kTarget, "");
    fs::create_directories(binary.parent_path());
    fs::create_symlink(FENCEBENCH_REAL_TARGET, binary);
    input_.comment.target = kTarget;
    input_.comment.checks = "all";
    input_.bytes = std::get<std::vector<uint8_t>>(text_form::assemble(
        text_form::Form::kSteps, kTarget,
        "seq64_alloc\nxa_insert 0 1\nxa_load 0 1\nseq64_free\npreempt 3 0 1\n"));
    request_.sanitizer = "release";
  }

  Exploration run() { return explore(checkout_.project(), input_, request_, progress_); }

  static constexpr const char* kTarget = "allocator_fuzzer";
  FakeCheckout checkout_;
  Input input_;
  ExploreRequest request_;
  Progress progress_;
};

TEST_F(RealExplorationTest, WalksAll) {
  request_.preemptions = 0;
  Exploration result = run();
  EXPECT_EQ(result.end, End::kComplete);
  EXPECT_EQ(result.walked.schedules, 1u);
  request_.preemptions = 1;
  Exploration pruned = run();
  request_.prune = false;
  Exploration plain = run();
  EXPECT_EQ(plain.end, End::kComplete);
  EXPECT_GT(plain.walked.schedules, 5u);
  EXPECT_EQ(plain.walked.skipped, 0u);
  EXPECT_LT(pruned.walked.schedules, plain.walked.schedules);
  EXPECT_EQ(pruned.walked.schedules + pruned.walked.skipped, plain.walked.schedules);
}

TEST_F(RealExplorationTest, StopsAtTheLimit) {
  request_.limit = 3;
  Exploration result = run();
  EXPECT_EQ(result.end, End::kLimit);
  EXPECT_EQ(result.walked.schedules, 3u);
}

}  // namespace
}  // namespace tool
