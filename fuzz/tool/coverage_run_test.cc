#include "fuzz/tool/coverage_run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"

namespace tool {
namespace {

TEST(CoverageRun, TakesTestProgramsOnceAndThenReplaysAsTheyAre) {
  std::vector<CoverageRun> runs = parse_test_list(R"({"kind": "ctestInfo", "tests": [
    {"name": "replay.x_fuzzer", "command": ["/b/x_fuzzer", "/b/one", "/b/two"],
     "properties": [{"name": "LABELS", "value": ["replay"]}]},
    {"name": "a_test.A.One", "command": ["/b/a_test", "--gtest_filter=A.One"],
     "properties": [{"name": "LABELS", "value": ["unit"]},
                    {"name": "WORKING_DIRECTORY", "value": "/b"}]},
    {"name": "a_test.A.Two", "command": ["/b/a_test", "--gtest_filter=A.Two"],
     "properties": [{"name": "LABELS", "value": ["unit"]}]},
    {"name": "defect.d.x_fuzzer", "command": ["/b/x_fuzzer-d", "/b/one"],
     "properties": [{"name": "LABELS", "value": ["defect"]}]},
    {"name": "c_test_NOT_BUILT"},
    {"name": "layer_check", "command": ["sh", "check"]}]})");
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].group, kUnitTests);
  EXPECT_EQ(runs[0].name, "a_test");
  EXPECT_EQ(runs[0].argv, (std::vector<std::string>{"/b/a_test"}));
  EXPECT_EQ(runs[0].cwd, "/b");
  EXPECT_EQ(runs[1].group, "x_fuzzer");
  EXPECT_EQ(runs[1].argv, (std::vector<std::string>{"/b/x_fuzzer", "/b/one", "/b/two"}));
}

TEST(CoverageRun, OtherTextIsAnError) {
  EXPECT_THROW(parse_test_list("No tests were found!!!"), EnvironmentError);
  EXPECT_THROW(parse_test_list("{}"), EnvironmentError);
}

TEST(CoverageRun, EachProcessGetsAProfileOfItsGroupAndFailuresAreToldWithTheInput) {
  ScratchFolder folder(fs::temp_directory_path());
  fs::path profiles = folder.path() / "profiles";
  auto shell = [](const std::string& script) {
    return std::vector<std::string>{"/bin/sh", "-c", script};
  };
  std::vector<CoverageRun> runs = {
      {"good", "group", shell("echo \"$LLVM_PROFILE_FILE\""), folder.path()},
      {"bad", "other", shell("echo 'Running: one'; echo 'Running: two'; kill -ABRT $$"), {}},
      {"tests",
       "group",
       shell("echo '[  FAILED  ] A.One (1 ms)'; echo '[  FAILED  ] 1 test, listed below:';"
             "echo '[  FAILED  ] A.One, where x'; exit 1"),
       {}}};
  Progress progress;
  std::vector<FailedRun> failed = execute(runs, profiles, folder.path() / "logs", progress);
  EXPECT_EQ(read_file(folder.path() / "logs/good.log"),
            (profiles / "group/good-%p%c.profraw\n").string());
  ASSERT_EQ(failed.size(), 2u);
  std::sort(failed.begin(), failed.end(),
            [](const FailedRun& a, const FailedRun& b) { return a.run.name < b.run.name; });
  EXPECT_EQ(failed[0].run.name, "bad");
  EXPECT_EQ(failed[0].how, "killed by SIGABRT");
  EXPECT_EQ(failed[0].input, "two");
  EXPECT_EQ(read_file(failed[0].log), "Running: one\nRunning: two\n");
  EXPECT_EQ(failed[1].how, "exit status 1");
  EXPECT_EQ(failed[1].cases, (std::vector<std::string>{"A.One"}));
}

}  // namespace
}  // namespace tool
