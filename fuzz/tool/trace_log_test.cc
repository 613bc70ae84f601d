#include "fuzz/tool/trace_log.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/trace_samples.h"
#include "fuzz/tool/trace_words.h"

namespace tool {
namespace {

TEST(TraceLog, HasTheEventsWithAllTheirFields) {
  const TraceLog log = parse_trace(contended_trace() + "end\t123\t2\n");
  ASSERT_EQ(log.contexts.size(), 4u);
  EXPECT_EQ(log.contexts[2].name, "t1");
  EXPECT_EQ(log.contexts[2].cpu, 1u);
  const TraceEvent& moved = log.events[log.events.size() - 5];
  EXPECT_EQ(moved.kind, TraceKind::kMove);
  EXPECT_EQ(log.name(moved.context), "t1");
  EXPECT_EQ(moved.tag, 2u);
  EXPECT_EQ(moved.object, 9u);
  EXPECT_EQ(moved.other, kNobody);
  EXPECT_EQ(moved.what, "fence");
  EXPECT_EQ(moved.role, "array");
  EXPECT_EQ(moved.from_role, "slot");
  EXPECT_EQ(moved.from_object, 1u);
  EXPECT_EQ(moved.value, 1);
  EXPECT_EQ(log.operation(1), "t0: signal A");
  EXPECT_TRUE(log.ended);
  EXPECT_EQ(log.hash, 123u);
  EXPECT_EQ(log.points, 2u);
  EXPECT_FALSE(log.finding);
}

TEST(TraceLog, RemembersWhereSomethingWasReported) {
  const std::string trace = trace_text("context t0 0\nstart t0 _ _ -\nfinding t0\nfinding -\n");
  const TraceLog log = parse_trace(trace + "point\tt0\n");
  ASSERT_TRUE(log.finding);
  EXPECT_EQ(log.name(*log.finding), "t0");
  EXPECT_EQ(log.finding_at, 1u);
  EXPECT_EQ(log.events.size(), 2u);
  EXPECT_FALSE(log.ended);
  EXPECT_EQ(*parse_trace(trace_text("finding -\n")).finding, kNobody);
}

TEST(TraceLog, OfATargetThatDiedHasAllWholeLines) {
  const std::string trace = trace_text("context t0 0\nstart t0 _ _ -\n");
  EXPECT_EQ(parse_trace(trace + "lock\tt0\t\t1").events.size(), 1u);
  EXPECT_EQ(parse_trace(trace + std::string(4096, '\0')).events.size(), 1u);
}

TEST(TraceLog, NamesTheLineThatMakesNoSense) {
  auto message = [](const std::string& text) {
    try {
      parse_trace(text);
    } catch (const EnvironmentError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(message(""), "the target wrote no trace");
  EXPECT_EQ(message("something else\n"), "line 1 of the trace makes no sense: 'something else'");
  EXPECT_EQ(message(trace_text("start t0\n\x1bjump t0\n")),
            "line 3 of the trace makes no sense: '\\x1bjump\tt0'");
  EXPECT_EQ(message(trace_text("lock t0 x\n")),
            "line 2 of the trace makes no sense: 'lock\tt0\tx'");
}

TEST(TraceWords, SayWhatHappened) {
  const TraceLog log = parse_trace(contended_trace());
  const TraceWords words(log);
  std::vector<std::string> said;
  for (const TraceEvent& event : log.events)
    if (event.kind != TraceKind::kSwitch && event.kind != TraceKind::kStart)
      said.push_back(words.describe(event));
  const std::vector<std::string> expected = {
      "new device#1 for the door",
      "ends",
      "1 signal A",
      "point lock 5",
      "lock list_lock",
      "point atomic 7",
      "schedule entry 1: >irq",
      "interrupt irq0: 3 eop A",
      "fence#9: pending -> signaled",
      "ends",
      "end of irq0",
      "point atomic 7",
      "schedule entry 2: >t1",
      "2 wait A",
      "waits for list_lock, held by t0",
      "new fence#9 for creator of device#1",
      "get fence#9 for slot of device#1",
      "wakes t1",
      "unlock list_lock",
      "1 returns -EINVAL",
      "ends",
      "lock list_lock",
      "unlock list_lock",
      "move fence#9 from slot of device#1 to array of device#1",
      "put fence#9 by creator of device#1",
      "2 returns 0",
      "ends"};
  EXPECT_EQ(said, expected);
}

TEST(TraceWords, TellLocksOfOneNameApart) {
  const TraceLog log =
      parse_trace(trace_text("context t0 0\nlock t0 _ 3 - a\nlock t0 _ 4 - a shared\n"
                             "lock t0 _ 5 - b\n"));
  const TraceWords words(log);
  EXPECT_EQ(words.describe(log.events[0]), "lock a/3");
  EXPECT_EQ(words.describe(log.events[1]), "lock a/4 (shared)");
  EXPECT_EQ(words.describe(log.events[2]), "lock b");
}

TEST(TraceWords, NameErrorsAndTimes) {
  EXPECT_EQ(result_text(0), "0");
  EXPECT_EQ(result_text(7), "7");
  EXPECT_EQ(result_text(-22), "-EINVAL");
  EXPECT_EQ(result_text(-512), "-ERESTARTSYS");
  EXPECT_EQ(result_text(-4000), "-4000");
  EXPECT_EQ(duration_text(999), "999 ns");
  EXPECT_EQ(duration_text(2'500), "2.5 us");
  EXPECT_EQ(duration_text(10'000'000), "10 ms");
}

}  // namespace
}  // namespace tool
