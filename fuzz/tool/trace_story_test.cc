#include "fuzz/tool/trace_story.h"

#include <gtest/gtest.h>

#include "fuzz/tool/trace_samples.h"
#include "fuzz/tool/trace_text.h"

namespace tool {
namespace {

// "t0| lock a": column, who if another one than the column's thread, and what.
std::vector<std::string> told(const TraceLog& log, const Story& story) {
  std::vector<std::string> lines;
  for (const StoryRow& row : story.rows) {
    std::string column = "all";
    if (row.column != kAcross) column = log.name(story.columns[row.column].context);
    lines.push_back(column + (row.on_top ? "#" : "|") + " " + row.text);
  }
  return lines;
}

std::vector<std::string> told(const TraceLog& log, const StoryOptions& options = {}) {
  return told(log, tell_story(log, options));
}

TEST(Story, HasAColumnForEachThreadAndAnInterruptOnTopOfWhatItInterrupted) {
  const TraceLog log = parse_trace(contended_trace() + "end\t1\t2\n");
  const std::vector<std::string> expected = {
      "all| set-up: 4 steps, 0 scheduling points",
      "t0| 1 signal A",
      "t0| lock list_lock",
      "t0| schedule entry 1: >irq",
      "t0# interrupt irq0: 3 eop A",
      "t0# fence#9: pending -> signaled",
      "t0# end of irq0",
      "t0| schedule entry 2: >t1",
      "t1| 2 wait A",
      "t1| waits for list_lock, held by t0",
      "t0| goes on",
      "t0| new fence#9 for creator of device#1",
      "t0| get fence#9 for slot of device#1",
      "t0| wakes t1",
      "t0| unlock list_lock",
      "t0| 1 returns -EINVAL",
      "t0| ends",
      "t1| goes on",
      "t1| lock, unlock list_lock",
      "t1| move fence#9 from slot of device#1 to array of device#1",
      "t1| put fence#9 by creator of device#1",
      "t1| 2 returns 0",
      "t1| ends"};
  EXPECT_EQ(told(log), expected);
  const Story story = tell_story(log, {});
  EXPECT_EQ(story.preemptions, 2u);
  EXPECT_FALSE(story.failed);
  ASSERT_EQ(story.columns.size(), 2u);
  EXPECT_EQ(story.columns[0].title, "t0 (CPU 0)");
}

TEST(Story, TellsAnEntryOfTheScheduleBeforeWhatItBringsAbout) {
  const TraceLog log =
      parse_trace(trace_text("context t0 0\nstart t0 _ _ -\nswitch t0 _ _ -\noperation t0 1 _ -\n"
                             "context irq0 0\nirq!enter irq0 _ _ t0\npreempt t0 1 1 - irq\n"));
  const std::vector<std::string> lines = told(log, {.verdict = "x"});
  EXPECT_EQ(lines[1], "t0| schedule entry 1: >irq");
  EXPECT_EQ(lines[2], "t0# interrupt irq0");
}

TEST(Story, KnowsTheLocksThatAreHeld) {
  const TraceLog log = parse_trace(contended_trace());
  const Story story = tell_story(log, {});
  EXPECT_TRUE(story.held[story.rows[1].held].empty());
  EXPECT_EQ(story.held[story.rows[2].held], std::vector<std::string>{"list_lock"});
  EXPECT_TRUE(story.held[story.rows[4].held].empty()) << "the interrupt holds nothing itself";
  EXPECT_EQ(story.held[story.rows[10].held], std::vector<std::string>{"list_lock"});
  EXPECT_TRUE(story.held[story.rows[18].held].empty());
}

TEST(Story, WithAllOfItLeavesNothingOut) {
  const TraceLog log = parse_trace(contended_trace() + "end\t1\t2\n");
  const std::vector<std::string> lines = told(log, {.all = true, .verdict = ""});
  EXPECT_EQ(lines[0], "main| begins");
  EXPECT_EQ(lines[1], "main| new device#1 for the door");
  EXPECT_NE(std::find(lines.begin(), lines.end(), "t0| point atomic 7"), lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "t1| unlock list_lock"), lines.end());
}

TEST(Story, MarksWhereTheRunFailsAndWhoWaitsForWhatThere) {
  const std::string trace = contended_trace();
  const size_t cut = trace.find("open\tt0");
  const TraceLog log = parse_trace(trace.substr(0, cut) + "finding\tt0\n");
  const Story story = tell_story(log, {.verdict = "deadlock list_lock"});
  EXPECT_TRUE(story.failed);
  EXPECT_EQ(told(log, story).back(), "t0| deadlock list_lock");
  EXPECT_EQ(story.rows.back().kind, RowKind::kFailure);
  const std::vector<std::string> expected = {"t0 runs, last at point atomic 7; holds list_lock",
                                             "t1 waits for list_lock, held by t0"};
  EXPECT_EQ(story.standing, expected);
}

TEST(Story, OfATargetThatDiedFailsAtItsLastEvent) {
  const std::string trace = contended_trace();
  const TraceLog log = parse_trace(trace.substr(0, trace.find("move\tt1")));
  const Story story = tell_story(log, {.verdict = "killed by SIGSEGV"});
  EXPECT_EQ(told(log, story).back(), "t1| killed by SIGSEGV");
}

TEST(Story, PointsOutTheReferencesThatAreNeverDropped) {
  const TraceLog log = parse_trace(contended_trace() + "finding\t-\n");
  const Story story = tell_story(log, {.verdict = "reference-leak fence held by array"});
  std::vector<std::string> kept;
  for (const StoryRow& row : story.rows)
    if (row.kept) kept.push_back(row.text);
  const std::vector<std::string> expected = {
      "get fence#9 for slot of device#1",
      "move fence#9 from slot of device#1 to array of device#1"};
  EXPECT_EQ(kept, expected);
  ASSERT_EQ(story.living.size(), 2u);
  EXPECT_EQ(story.living[1].name, "fence#9");
  ASSERT_EQ(story.living[1].references.size(), 1u);
  const Reference& reference = story.living[1].references[0];
  EXPECT_EQ(reference.holder, "array of device#1");
  EXPECT_EQ(reference.origin, "slot of device#1");
  EXPECT_EQ(reference.tag, 1u);
  EXPECT_EQ(reference.moved_tag, 2u);
  EXPECT_EQ(story.rows.back().column, kAcross) << "nobody runs any more";
}

TEST(Story, BeforeAFailureInTheCleanUpShowsHowItCameToThat) {
  std::string trace = contended_trace() + trace_text("start main _ _ -\n").substr(19);
  for (int i = 0; i < 100; ++i) trace += "get\tmain\t\t1\t-\tdevice\trole\n";
  const TraceLog log = parse_trace(trace + "finding\tmain\n");
  const std::vector<std::string> lines = told(log, {.verdict = "x"});
  EXPECT_EQ(lines.back(), "main| x");
  EXPECT_EQ(lines[lines.size() - 2], "main| get device#1 for role");
  EXPECT_EQ(lines[lines.size() - 42], "all| clean-up: 61 steps, 0 scheduling points, and then");
}

TEST(StoryText, PutsEachThreadInItsColumn) {
  const Story story = tell_story(parse_trace(contended_trace()), {});
  const std::string text = story_text(story, {.width = 80});
  EXPECT_NE(text.find("\n point  t0 (CPU 0)"), 1u);
  EXPECT_NE(text.find("\n       > 1 signal A\n"), std::string::npos) << text;
  EXPECT_NE(text.find("+ interrupt irq0: 3 eop A\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n       # fence#9: pending -> signaled\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n" + std::string(44, ' ') + "> 2 wait A\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| new fence#9 for creator of"), std::string::npos)
      << "a bar for the lock that is held\n"
      << text;
}

TEST(StoryText, IsNeverWiderThanTheTerminal) {
  const Story story = tell_story(parse_trace(contended_trace() + "finding\tt0\n"),
                                 {.all = true, .verdict = std::string(300, 'x')});
  for (const size_t width : {40, 57, 80, 160}) {
    const std::string text = story_text(story, {.width = width});
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      EXPECT_LE(end - at, width) << text.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(StoryText, NamesTheThreadOfEachRowWhereColumnsHaveNoRoom) {
  const Story story = tell_story(parse_trace(contended_trace()), {});
  const std::string text = story_text(story, {.width = 50});
  EXPECT_NE(text.find("t0 (CPU 0)  > 1 signal A\n"), std::string::npos) << text;
  EXPECT_NE(text.find("t1 (CPU 1)  > 2 wait A\n"), std::string::npos) << text;
}

TEST(StoryText, IsPlainUnlessColourIsWanted) {
  const Story story = tell_story(parse_trace(contended_trace()), {});
  EXPECT_EQ(story_text(story, {.width = 80}).find('\x1b'), std::string::npos);
  EXPECT_NE(story_text(story, {.width = 80, .colour = true}).find("\x1b[1m"), std::string::npos);
}

TEST(StoryText, ListsWhatIsAliveWithItsHolders) {
  const Story story =
      tell_story(parse_trace(contended_trace() + "finding\t-\n"), {.verdict = "leak"});
  EXPECT_EQ(remains_text(story, false),
            "alive at the end\n"
            "  device#1 since step 3\n"
            "    held by the door: taken at step 3\n"
            "  fence#9 since step 26, operation 1\n"
            "    held by array of device#1: taken at step 27, operation 1 for slot of device#1, "
            "moved at step 35, operation 2\n");
}

}  // namespace
}  // namespace tool
