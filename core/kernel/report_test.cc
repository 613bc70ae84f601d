// The text of a report, which tools parse, and who may turn it off.
#include "core/kernel/report.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "core/kernel/canary.h"
#include "core/kernel/mutex.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::run_alone;
using kernel::TestRun;
using kernel::Verdict;

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return static_cast<size_t>(std::snprintf(buffer, capacity, "t%u: do something", tag - 1));
}

// Runs `body` as operation 1 and lets a report end the process.
void run_printing(const std::function<void()>& body) {
  kernel::set_operation_printer(print_operation);
  TestRun run;
  run.print = true;
  run.threads = {body};
  run();
}

void find_something() {
  kernel::report(Verdict::kReferenceLeak, "thing held by user", "thing#%d is lost\n  since then",
                 7);
}

TEST(ReportDeathTest, BeginsWithVerdictDetailAndOperation) {
  EXPECT_DEATH(run_printing(find_something),
               "^==fencebench== ERROR: reference-leak: thing#7 is lost\n"
               "  since then\n"
               "  in t0, operation 1: t0: do something\n");
}

TEST(ReportDeathTest, EndsWithTheSummary) {
  EXPECT_DEATH(run_printing(find_something),
               "\nSUMMARY: fencebench: reference-leak thing held by user\n$");
}

TEST(ReportDeathTest, SaysHowOftenADefectWasReachedAndTriggered) {
  EXPECT_DEATH(run_printing([] {
                 CANARY(false);
                 CANARY(true);
                 find_something();
               }),
               "  defect reached: 2, triggered: 1\n");
}

TEST(ReportDeathTest, EndsTheProcessByAbort) {
  EXPECT_EXIT(run_printing(find_something), testing::KilledBySignal(SIGABRT), "SUMMARY");
}

TEST(ReportDeathTest, EpilogueFollowsTheSummary) {
  EXPECT_DEATH(
      {
        kernel::set_report_epilogue([] { std::fputs("epilogue\n", stderr); });
        run_printing(find_something);
      },
      "\nSUMMARY: fencebench: [^\n]*\nepilogue\n$");
}

TEST(ReportDeathTest, OverlongDetailIsCutAndTheSummaryStays) {
  EXPECT_DEATH(run_printing([] { kernel::report(Verdict::kWarnOn, "place", "%*s", 20000, ""); }),
               "\nSUMMARY: fencebench: warn-on place\n$");
}

TEST(ReportDeathTest, OutsideOfAnyContextThereIsNoOperation) {
  EXPECT_DEATH(find_something(), "  since then\n[^\n]*(SUMMARY|#0)");
}

TEST(ReportDeathTest, DeadlockTellsWhoWaitsForWhat) {
  kernel::ChecksOff off;  // the second mutex_lock() would be reported as a recursion
  kernel::OnHeap<kernel::Mutex> mutex;
  kernel::mutex_init(mutex, "mutex");
  EXPECT_DEATH(run_printing([&] {
                 kernel::mutex_lock(mutex);
                 kernel::mutex_lock(mutex);
               }),
               "ERROR: deadlock: no context can go on\n"
               "  t0 sleeps on mutex, held by t0 \\(operation 1: t0: do something\\)\n(.|\n)*"
               "SUMMARY: fencebench: deadlock mutex\n$");
}

TEST(Report, OperationIsDescribedByNumberAndPrinter) {
  EXPECT_STREQ(kernel::describe_operation(0), "device set-up or teardown");
  EXPECT_STREQ(kernel::describe_operation(5), "operation 5");
  kernel::set_operation_printer(print_operation);
  EXPECT_STREQ(kernel::describe_operation(5), "operation 5: t4: do something");
  EXPECT_STREQ(kernel::describe_operation(0), "device set-up or teardown");
  kernel::set_operation_printer(nullptr);
}

TEST(Report, LastFourDescriptionsStayValid) {
  const char* texts[4];
  for (uint32_t i = 0; i < 4; ++i) texts[i] = kernel::describe_operation(i + 1);
  EXPECT_STREQ(texts[0], "operation 1");
  EXPECT_STREQ(texts[3], "operation 4");
}

TEST(Report, VerdictsHaveDistinctNamesOfWordsAndHyphens) {
  std::set<std::string> names;
  unsigned count = 0;
#define VERDICT(enumerator, name, meaning) \
  names.insert(kernel::verdict_name(Verdict::enumerator)), ++count;
#include "core/kernel/verdicts.def"
#undef VERDICT
  EXPECT_EQ(names.size(), count);
  for (const std::string& name : names)
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos) << name;
  EXPECT_STREQ(kernel::verdict_name(Verdict::kReferenceLeak), "reference-leak");
}

void warn_if(bool condition) { WARN_ON(condition); }

TEST(Report, WarnOnReportsTheFunctionIfTheConditionHolds) {
  EXPECT_EQ(run_alone([] { warn_if(false); }), "nothing");
  EXPECT_EQ(run_alone([] { warn_if(true); }), "warn-on warn_if");
}

TEST(Report, WarnOnIsAnExpressionAndSilentWithTheChecksOff) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              EXPECT_TRUE(WARN_ON(1 + 1 == 2));
              EXPECT_FALSE(WARN_ON(1 + 1 == 3));
            }),
            "nothing");
}

}  // namespace
