#include "fuzz/tool/process.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

#include "fuzz/tool/files.h"

namespace tool {
namespace {

using std::chrono::milliseconds;

Finished run(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  return run_and_capture(command);
}

TEST(Process, CapturesBothStreamsAndTheExitStatus) {
  Finished result = run({"/bin/sh", "-c", "echo out; echo err >&2; printf unended; exit 77"});
  EXPECT_EQ(result.output, "out\nerr\nunended\n");
  EXPECT_EQ(result.exit.code, 77);
  EXPECT_FALSE(result.exit.clean());
  EXPECT_EQ(result.exit.describe(), "exit status 77");
}

TEST(Process, ArgumentsReachTheProgramUnchanged) {
  EXPECT_EQ(run({"printf", "%s|", "a b", "$HOME", "`id`", ""}).output, "a b|$HOME|`id`||\n");
}

TEST(Process, StandardOutputCanGoToAFile) {
  ScratchFolder folder(fs::temp_directory_path());
  Command command;
  command.argv = {"/bin/sh", "-c", "echo out; echo err >&2"};
  command.stdout_file = folder.path() / "out";
  EXPECT_EQ(run_and_capture(command).output, "err\n");
  EXPECT_EQ(read_file(command.stdout_file), "out\n");
  command.stdout_file = folder.path() / "no/out";
  EXPECT_THROW(run_and_capture(command), SpawnError);
}

TEST(Process, TellsWhichSignalEndedIt) {
  Finished result = run({"/bin/sh", "-c", "kill -SEGV $$"});
  EXPECT_EQ(result.exit.signal, SIGSEGV);
  EXPECT_EQ(result.exit.describe(), "killed by SIGSEGV");
}

TEST(Process, StandardInputIsEmpty) { EXPECT_EQ(run({"cat"}).output, ""); }

TEST(Process, EnvironmentIsSetAndRemoved) {
  Command command;
  command.argv = {"/bin/sh", "-c", "echo ${FB_SET-unset} ${HOME-unset}"};
  command.env["FB_SET"] = "yes";
  command.env["HOME"] = std::nullopt;
  EXPECT_EQ(run_and_capture(command).output, "yes unset\n");
}

TEST(Process, SaysWhyAProgramCannotStart) {
  try {
    run({"fencebench-no-such-program"});
    FAIL() << "started";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.error_number, ENOENT);
    EXPECT_STREQ(error.what(),
                 "cannot run 'fencebench-no-such-program': No such file or directory");
  }
  Command command;
  command.argv = {"true"};
  command.cwd = "/no/such/folder";
  EXPECT_THROW(run_and_capture(command), SpawnError);
}

TEST(Process, ADeadlineKillsTheWholeGroup) {
  Command command;
  command.argv = {"/bin/sh", "-c", "sleep 60 & sleep 60"};
  command.deadline = milliseconds(100);
  Finished result = run_and_capture(command);
  EXPECT_TRUE(result.exit.timed_out);
  EXPECT_EQ(result.exit.signal, SIGKILL);
  EXPECT_LT(result.exit.seconds, 30);
  EXPECT_EQ(result.exit.describe(), "killed by SIGKILL (it ran past its time limit)");
}

// A process that the child leaves behind holds the pipe open; that must not delay the exit.
TEST(Process, DoesNotWaitForWhatAChildLeavesBehind) {
  Finished result = run({"/bin/sh", "-c", "sleep 60 & echo done"});
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(result.exit.seconds, 30);
}

TEST(Process, StopAllKillsWhatIgnoresTheRequest) {
  Supervisor supervisor;
  Exit polite;
  Exit stubborn;
  bool ready = false;
  Command command;
  command.argv = {"sleep", "60"};
  supervisor.start(command, {}, [&](const Exit& exit) { polite = exit; });
  command.argv = {"/bin/sh", "-c", "trap '' INT; echo ready; while :; do sleep 1; done"};
  supervisor.start(
      command, [&](std::string_view line) { ready = line == "ready"; },
      [&](const Exit& exit) { stubborn = exit; });
  while (!ready) supervisor.step(milliseconds(50));
  supervisor.stop_all(milliseconds(200));
  while (supervisor.running() > 0) supervisor.step(milliseconds(50));
  EXPECT_EQ(polite.signal, SIGINT);
  EXPECT_EQ(stubborn.signal, SIGKILL);
}

TEST(Process, VeryLongLinesArriveInPieces) {
  size_t longest = 0;
  size_t total = 0;
  Supervisor supervisor;
  Command command;
  command.argv = {"head", "-c", "1000000", "/dev/zero"};
  supervisor.start(command,
                   [&](std::string_view line) {
                     longest = std::max(longest, line.size());
                     total += line.size();
                   },
                   {});
  while (supervisor.running() > 0) supervisor.step(milliseconds(50));
  EXPECT_EQ(total, 1000000u);
  EXPECT_LT(longest, 200000u);
}

TEST(Process, RandomizationCanBeSwitchedOff) {
  Command command;
  command.argv = {"/bin/sh", "-c", "head -1 /proc/self/maps"};
  command.no_aslr = true;
  std::string first = run_and_capture(command).output;
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, run_and_capture(command).output);
}

}  // namespace
}  // namespace tool
