#include "fuzz/tool/ctest_log.h"

#include <gtest/gtest.h>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// What ctest 3.25 prints for one test of each outcome.
constexpr const char* kOutput = R"(Test project /tmp/x
    Start 1: suite.good
    Start 2: suite.bad
1/6 Test #1: suite.good .......................   Passed    0.00 sec
    Start 3: suite.slow
2/6 Test #2: suite.bad ........................***Failed    0.00 sec
broken
 1/2 odd output

    Start 4: suite.gone
Could not find executable /no/such/program
3/6 Test #4: suite.gone .......................***Not Run   0.00 sec
    Start 5: suite.skip
4/6 Test #5: suite.skip .......................***Skipped   0.00 sec
    Start 6: suite.crash
5/6 Test #6: suite.crash ......................***Exception: SegFault  0.00 sec

6/6 Test #3: suite.slow .......................***Timeout   1.00 sec


33% tests passed, 4 tests failed out of 6

Total Test time (real) =   1.01 sec

The following tests FAILED:
	  2 - suite.bad (Failed)
Errors while running CTest
)";

CTestLog read(std::string_view text) {
  CTestLog log;
  for (const std::string& line : split(text, '\n')) log.line(line);
  return log;
}

TEST(CTestLog, CountsWhatDidNotPassAsFailedAndTheSkippedApart) {
  CTestLog log = read(kOutput);
  EXPECT_EQ(log.all(), 6u);
  EXPECT_EQ(log.done(), 6u);
  EXPECT_EQ(log.passed(), 1u);
  EXPECT_EQ(log.failed(),
            (std::vector<std::string>{"suite.bad", "suite.gone", "suite.crash", "suite.slow"}));
  EXPECT_EQ(log.skipped(), (std::vector<std::string>{"suite.skip"}));
}

TEST(CTestLog, KeepsWhatFailedTestsPrinted) {
  std::string output = join(read(kOutput).failure_output(), "\n");
  EXPECT_NE(output.find("suite.bad ........................***Failed"), std::string::npos);
  EXPECT_NE(output.find("broken\n 1/2 odd output"), std::string::npos);
  EXPECT_EQ(output.find("suite.good"), std::string::npos);
  EXPECT_EQ(output.find("tests passed"), std::string::npos);
}

TEST(CTestLog, TellsAnUnfinishedRun) {
  CTestLog log = read("1/3 Test #1: a.b ...   Passed    0.00 sec\n");
  EXPECT_EQ(log.all(), 3u);
  EXPECT_EQ(log.done(), 1u);
  EXPECT_EQ(log.last(), "a.b");
}

TEST(CTestLog, NoTests) {
  CTestLog log = read("Test project /tmp/x\nNo tests were found!!!\n");
  EXPECT_EQ(log.all(), 0u);
}

}  // namespace
}  // namespace tool
