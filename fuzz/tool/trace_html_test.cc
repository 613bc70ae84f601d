#include "fuzz/tool/trace_html.h"

#include <gtest/gtest.h>

#include "fuzz/tool/trace_page.h"
#include "fuzz/tool/trace_samples.h"

namespace tool {
namespace {

std::string page_of(const std::string& trace, const std::string& verdict) {
  const TraceLog log = parse_trace(trace);
  return story_page(log, tell_story(log, {.verdict = verdict}), {"a title", verdict, {"a fact"}});
}

// What the page's script reads.
nlohmann::json data_in(const std::string& page) {
  constexpr std::string_view kOpen = "id=\"data\">";
  const size_t begin = page.find(kOpen) + kOpen.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(StoryPage, HoldsTheWholeStory) {
  const nlohmann::json data = data_in(page_of(contended_trace() + "finding\t-\n", "leak x"));
  EXPECT_EQ(data["title"], "a title");
  EXPECT_EQ(data["verdict"], "leak x");
  EXPECT_EQ(data["columns"], nlohmann::json({"t0 (CPU 0)", "t1 (CPU 1)"}));
  EXPECT_EQ(data["operations"]["1"], "t0: signal A");
  const nlohmann::json& irq = data["rows"][4];
  EXPECT_EQ(irq["text"], "interrupt irq0: 3 eop A");
  EXPECT_EQ(irq["column"], 0);
  EXPECT_EQ(irq["top"], true);
  EXPECT_EQ(irq["who"], "irq0");
  EXPECT_EQ(data["rows"].back()["kind"], "failure");
  EXPECT_EQ(data["rows"].back()["column"], -1);
  EXPECT_EQ(data["living"][1]["references"][0]["origin"], "slot of device#1");
}

TEST(StoryPage, TakesNothingOfTheRunForMarkup) {
  const std::string evil = "</script><script>alert(1)</script><!--&\"'";
  std::string trace = trace_text("context t0 0\nstart t0 _ _ -\nswitch t0 _ _ -\n");
  trace +=
      "op\t1\toperation 1: " + evil + "\noperation\tt0\t1\nget\tt0\t1\t2\t-\ttype\t" + evil + "\n";
  const std::string page = page_of(trace, evil);
  EXPECT_EQ(page.find("alert"), page.find("\\u003cscript>alert") + 13);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_EQ(page.find("<!--"), std::string::npos);
  EXPECT_EQ(data_in(page)["verdict"], evil);
  EXPECT_EQ(data_in(page)["rows"][0]["text"], "1 " + evil);
}

TEST(StoryPage, ShowsBytesThatAreNoText) {
  const nlohmann::json data = data_in(page_of(
      trace_text("context t0 0\nstart t0 _ _ -\nswitch t0 _ _ -\nlock t0 _ 1 - \xff\x01\n"), ""));
  EXPECT_EQ(data["rows"][0]["text"], "lock \\xff\\x01");
}

// Everything that it needs is in it, and it makes no markup of text.
TEST(StoryPage, LoadsNothing) {
  const std::string_view page = kTracePage;
  for (const std::string_view reference : {"http:", "https:", "src=", "href=", "url(", "@import",
                                           "fetch(", "XMLHttpRequest", "innerHTML", "eval("})
    EXPECT_EQ(page.find(reference), std::string_view::npos) << reference;
  EXPECT_NE(page.find("default-src 'none'"), std::string_view::npos);
  EXPECT_EQ(page.find("@DATA@"), page.rfind("@DATA@"));
}

}  // namespace
}  // namespace tool
