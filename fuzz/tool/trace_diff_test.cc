#include "fuzz/tool/trace_diff.h"

#include <gtest/gtest.h>

#include "fuzz/tool/trace_samples.h"

namespace tool {
namespace {

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, what.size(), with);
}

TEST(Parting, OfOneRunWithItselfIsNone) {
  const TraceLog a = parse_trace(contended_trace() + "end\t1\t2\n");
  const TraceLog b = parse_trace(contended_trace() + "end\t1\t2\n");
  const Parting parting = find_parting(a, b);
  EXPECT_FALSE(parting.parted);
  EXPECT_EQ(parting.points, 3u);
  const std::string text = diff_text({"one", a, ""}, {"two", b, ""}, parting, {.width = 100});
  EXPECT_NE(text.find("they are the same from start to end: 39 steps"), std::string::npos) << text;
}

TEST(Parting, IsTheFirstEventThatDiffers) {
  const TraceLog a = parse_trace(contended_trace());
  const TraceLog b = parse_trace(replaced(contended_trace(), "get\tt0\t1\t9", "put\tt0\t1\t9"));
  const Parting parting = find_parting(a, b);
  EXPECT_TRUE(parting.parted);
  EXPECT_EQ(parting.step_a, 27u);
  EXPECT_EQ(parting.points, 3u);
  EXPECT_EQ(b.events[parting.step_b - 1].kind, TraceKind::kPut);
}

TEST(Parting, ComesAfterTheShorterRun) {
  const TraceLog a = parse_trace(contended_trace());
  const TraceLog b = parse_trace(contended_trace() + "point\tt1\t2\n");
  EXPECT_TRUE(find_parting(a, b).parted);
  EXPECT_EQ(find_parting(a, b).step_b, a.events.size() + 1);
}

TEST(Parting, DoesNotCareHowOperationsAreNumbered) {
  const std::string one = "context t0 0\nop 1 operation~1:~t0:~signal~A\noperation t0 1 _ -\n";
  const std::string seven = "context t0 0\nop 7 operation~7:~t0:~signal~A\noperation t0 7 _ -\n";
  const std::string other = "context t0 0\nop 7 operation~7:~t0:~signal~B\noperation t0 7 _ -\n";
  const TraceLog a = parse_trace(trace_text(one));
  EXPECT_FALSE(find_parting(a, parse_trace(trace_text(seven))).parted);
  EXPECT_TRUE(find_parting(a, parse_trace(trace_text(other))).parted);
}

TEST(Parting, IsNotThatAThreadExistsButThatItRuns) {
  const std::string begin = "context t0 0\nstart t0 _ _ -\n";
  const std::string second = "context t1 1\nstart t1 _ _ -\n";
  const std::string both = "switch t0 _ _ -\npoint t0 _ 1\n";
  const TraceLog a = parse_trace(trace_text(begin + both + "point t0 _ 2\n"));
  const TraceLog b = parse_trace(trace_text(begin + second + both + "switch t1 _ _ t0\n"));
  const Parting parting = find_parting(a, b);
  EXPECT_TRUE(parting.parted);
  EXPECT_EQ(parting.step_a, 4u);
  EXPECT_EQ(parting.step_b, 5u);
  const std::string text = diff_text({"one", a, ""}, {"two", b, ""}, parting, {.width = 80});
  EXPECT_NE(text.find("     4  t0: point"), std::string::npos) << text;
  EXPECT_NE(text.find("|      5  t1: goes on\n"), std::string::npos) << text;
}

TEST(DiffText, ShowsWhatBothDidAndThenEachByItself) {
  const TraceLog a = parse_trace(contended_trace() + "end\t1\t2\n");
  const TraceLog b = parse_trace(replaced(contended_trace(), "get\tt0\t1\t9", "put\tt0\t1\t9"));
  const std::string text =
      diff_text({"one", a, ""}, {"two", b, "leak"}, find_parting(a, b), {.width = 120});
  EXPECT_NE(text.find("A  one: clean\nB  two: leak\nthe same for 26 steps, 3 scheduling points\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("    26  t0: new fence#9 for creator of device#1\n\nthey part at step 27\n"),
            std::string::npos)
      << text;
  const size_t first = text.find("    27  t0: get fence#9 for slot of device#1");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find(" |     27  t0: put fence#9 by slot of device#1\n"), first + 58) << text;
}

}  // namespace
}  // namespace tool
