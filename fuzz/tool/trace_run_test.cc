#include "fuzz/tool/trace_run.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/trace_story.h"

namespace tool {
namespace {

class TraceRun : public testing::Test {
 protected:
  TracedRun run(const std::string& script, const std::string& schedule = "") {
    checkout_.add_target("release", "a_fuzzer", script);
    Input input;
    input.path = "x.bin";
    input.bytes = {1, 2};
    input.comment.target = "a_fuzzer";
    input.comment.checks = "all";
    return execute_traced(checkout_.project(), input, "release", schedule);
  }

  FakeCheckout checkout_;
};

// What a target does with the option trace=FILE.
constexpr char kWrite[] =
    "file=${FENCEBENCH_OPTIONS##*trace=}\n"
    "printf 'fencebench-trace 1\\ncontext\\tt0\\t0\\nlock\\tt0\\t\\t1\\t-\\ta\\n' > ${file%%:*}\n";

TEST_F(TraceRun, ReadsWhatTheTargetWrote) {
  const TracedRun traced = run(kWrite);
  ASSERT_EQ(traced.log.events.size(), 1u);
  EXPECT_EQ(traced.log.events[0].what, "a");
  EXPECT_EQ(traced.verdict(), "");
  EXPECT_EQ(traced.title.substr(traced.title.find(": ")), ": a_fuzzer under release, checks=all");
}

TEST_F(TraceRun, KnowsWhatWasFound) {
  const TracedRun traced =
      run(std::string(kWrite) + "echo 'SUMMARY: fencebench: deadlock a' >&2\nexit 77\n");
  EXPECT_EQ(traced.verdict(), "deadlock a");
}

TEST_F(TraceRun, HandsTheScheduleOn) {
  EXPECT_EQ(run(std::string(kWrite) +
                    "case $FENCEBENCH_OPTIONS in *:schedule=random-7*) exit 0;; esac; exit 3\n",
                "random-7")
                .outcome.exit.code,
            0);
}

TEST_F(TraceRun, SaysWhenTheTargetDoesNotKnowTheSchedule) {
  try {
    run("exit 2\n", "fast");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "--schedule is 'fast'; it must be random-SEED or pct-DEPTH-SEED");
  }
}

TEST_F(TraceRun, SaysWhenTheTargetWritesNoTrace) {
  EXPECT_THROW(run("exit 0\n"), EnvironmentError);
}

// A real target, from its options to the story.
TEST(TraceWriter, WritesTheLastRunOfTheProcess) {
  const ScratchFolder scratch{fs::temp_directory_path()};
  const auto bytes = [](std::initializer_list<char> list) { return std::string(list); };
  write_file(scratch.path() / "first", bytes({2, 0, 0, 0, 2, 1, 0, 0, 2, 2, 0, 0}));
  write_file(scratch.path() / "second", bytes({2, 5, 0, 0}));
  Command command;
  command.argv = {FENCEBENCH_REAL_TARGET, "first", "second"};
  command.cwd = scratch.path();
  command.env["FENCEBENCH_OPTIONS"] = "trace=run.trace";
  ASSERT_TRUE(run_and_capture(command).exit.clean());
  const TraceLog log = parse_trace(read_file(scratch.path() / "run.trace"));
  EXPECT_TRUE(log.ended);
  EXPECT_FALSE(log.finding);
  EXPECT_TRUE(log.operations.contains(1));
  EXPECT_FALSE(log.operations.contains(2)) << "of the run before";
  EXPECT_GT(log.points, 0u);
  EXPECT_EQ(static_cast<uint64_t>(std::count_if(
                log.events.begin(), log.events.end(),
                [](const TraceEvent& event) { return event.kind == TraceKind::kPoint; })),
            log.points);
  const Story story = tell_story(log, {});
  EXPECT_FALSE(story.failed);
  EXPECT_TRUE(story.living.empty());
}

}  // namespace
}  // namespace tool
