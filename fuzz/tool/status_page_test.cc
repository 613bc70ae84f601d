#include "fuzz/tool/status_page.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace tool {
namespace {

using nlohmann::json;

constexpr int64_t kNoon = 1'780'000'000 / 86400 * 86400 + 12 * 3600;  // 2026-05-28

json sample() {
  return {
      {"store", "out/continuous"},
      {"generated", kNoon + 3600},
      {"started", kNoon},
      {"running", true},
      {"pid", 4711},
      {"commit", {{"id", "abc1234"}, {"title", "a title"}, {"dirty", true}}},
      {"message", ""},
      {"executions", 1'234'567},
      {"fuzzing_seconds", 7200},
      {"jobs",
       {{{"target", "userq_fuzzer"},
         {"sanitizer", "asan"},
         {"weight", 3},
         {"seconds", 100},
         {"executions", 50'000},
         {"edges", 2345},
         {"features", 9876},
         {"corpus", 543},
         {"last", kNoon + 60},
         {"state", "running"},
         {"note", "a note"}},
        {{"target", "userq_fuzzer"}, {"sanitizer", "tsan"}, {"corpus", 543}, {"state", "broken"}}}},
      {"findings",
       {{{"signature", "1a2b3c4d"},
         {"verdict", "reference-leak"},
         {"status", "fixed"},
         {"first_seen", kNoon + 100},
         {"last_seen", kNoon + 200},
         {"first_commit", "abc1234"},
         {"fixed_commit", "def5678"},
         {"count", 3},
         {"targets", {"userq_fuzzer"}},
         {"sanitizers", {"asan", "tsan"}},
         {"file", "findings/x.fence"},
         {"size", "5 operations"},
         {"bytes", 40},
         {"reproduce", "./fencebench repro x.fence"},
         {"details", {"held by a", "held by b"}}},
        {{"signature", "5e6f7a8b"},
         {"verdict", "data-race"},
         {"status", "open"},
         {"first_seen", kNoon + 50}}}},
      {"coverage",
       {{{"target", "userq_fuzzer"},
         {"sanitizer", "asan"},
         {"points", {{kNoon, 100, 200, 3}, {kNoon + 3000, 150, 300, 5}}}}}},
      {"commits",
       {{{"time", kNoon}, {"id", "abc1234"}, {"title", "a title"}, {"result", "built"}}}},
      {"events",
       {{{"time", kNoon}, {"kind", "start"}, {"text", "first event"}},
        {{"time", kNoon + 9}, {"kind", "finding"}, {"text", "second event"}}}},
      {"disk", {{"bytes", 1'000'000}, {"limit", 2'000'000'000}, {"free", 3'000'000'000}}}};
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) found++;
  return found;
}

bool has(const std::string& page, std::string_view what) { return page.find(what) != page.npos; }

// Every element is closed, in order; so no text opened or closed one.
void expect_well_formed(const std::string& page) {
  static const std::set<std::string> kVoid = {"meta", "br", "!doctype"};
  std::vector<std::string> open;
  // No '<' stands in the style or the script but as an operator, followed by a blank.
  const std::regex tag("<(/?)([a-z!][a-z0-9]*)[^>]*?(/?)>");
  for (auto at = std::sregex_iterator(page.begin(), page.end(), tag); at != std::sregex_iterator();
       ++at) {
    const std::string name = (*at)[2];
    if (kVoid.contains(name) || (*at)[3].length() > 0) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name) << "at " << at->position();
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(StatusPage, TellsEverything) {
  const std::string page = status_page(sample());
  for (const char* what : {">running</span> since 2026-05-28 12:00",
                           "(1 h 00 min)",
                           "<code>abc1234</code> a title",
                           "with changes that are not committed",
                           "out/continuous",
                           "process 4711",
                           "1,234,567",
                           "1.0 MB of 2.0 GB",
                           "3.0 GB",
                           "userq_fuzzer",
                           "2,345",
                           "9,876",
                           "a note",
                           "500",
                           "reference-leak",
                           "<code>./fencebench repro x.fence</code>",
                           "held by a\nheld by b\n",
                           "<code>def5678</code>",
                           "userq_fuzzer · asan, tsan",
                           "5 operations",
                           "findings/x.fence",
                           "second event"})
    EXPECT_TRUE(has(page, what)) << what;
  EXPECT_TRUE(has(page, "<title>fencebench running, 1 open: out/continuous</title>"));
  // A target's jobs share their inputs.
  EXPECT_TRUE(has(page, "<dt>inputs</dt><dd>543</dd>"));
  EXPECT_EQ(count(page, "<svg "), 2u);
  expect_well_formed(page);
}

TEST(StatusPage, OpenFindingsAndNewEventsComeFirst) {
  const std::string page = status_page(sample());
  const size_t table = page.find("<h2>Findings");
  EXPECT_LT(page.find("data-race", table), page.find("reference-leak", table));
  EXPECT_LT(page.find("second event"), page.find("first event"));
}

TEST(StatusPage, ReadsItselfAgainOnlyWhileTheJobRuns) {
  json status = sample();
  EXPECT_TRUE(has(status_page(status), "http-equiv=\"refresh\" content=\"30\""));
  status["running"] = false;
  const std::string stopped = status_page(status);
  EXPECT_FALSE(has(stopped, "http-equiv=\"refresh\""));
  EXPECT_TRUE(has(stopped, ">stopped</span>"));
  EXPECT_TRUE(has(stopped, "data-generated=\"0\""));
}

TEST(StatusPage, TroubleIsSaid) {
  json status = sample();
  status["message"] = "the disk is full";
  const std::string page = status_page(status);
  EXPECT_TRUE(has(page, ">trouble</span> running since"));
  EXPECT_TRUE(has(page, "role=\"alert\">the disk is full</p>"));
}

// Puts the nasty text wherever there is text.
json made_nasty(const json& value, const std::string& nasty) {
  if (value.is_string()) return nasty;
  if (!value.is_structured()) return value;
  json result = value;
  for (auto& [key, child] : result.items()) child = made_nasty(child, nasty);
  return result;
}

TEST(StatusPage, TakesNoTextForMarkup) {
  const std::string nasty =
      "</title></script></style></svg>\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
      "<!-- &lt; @BODY@ @SCRIPT@ \x1b[31m\n\x80\xe2\x80\xae";
  const std::string page = status_page(made_nasty(sample(), nasty));
  EXPECT_EQ(count(page, "<script"), 1u);
  EXPECT_EQ(count(page, "</script"), 1u);
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "<!--"));
  EXPECT_FALSE(has(page, "\x1b"));
  EXPECT_FALSE(has(page, "\xe2\x80\xae"));
  EXPECT_TRUE(has(page,
                  "&lt;img src=x onerror=alert(2)&gt;&lt;!-- &amp;lt; @BODY@ @SCRIPT@ "
                  "\\x1b[31m\\x0a\\x80"));
  expect_well_formed(page);
}

// One after the other: a single field that is not escaped does not hide behind the rest.
TEST(StatusPage, EachTextIsEscaped) {
  const json plain = sample().flatten();
  for (const auto& [key, value] : plain.items()) {
    if (!value.is_string()) continue;
    json status = plain;
    status[key] = "<i>'|\"|";
    const std::string page = status_page(status.unflatten());
    EXPECT_FALSE(has(page, "<i>")) << key;
    EXPECT_FALSE(has(page, "'|")) << key;
    EXPECT_FALSE(has(page, "\"|")) << key;
  }
}

TEST(StatusPage, NothingIsNeeded) {
  for (const json& status : {json(), json::object(), json::array(), json("text"),
                             json{{"jobs", 3}, {"findings", {1, "x", nullptr}}, {"disk", {}}},
                             json{{"coverage", {{{"points", {{1}}}}, 3}}, {"events", {json()}}}}) {
    const std::string page = status_page(status);
    EXPECT_TRUE(has(page, ">stopped</span>"));
    expect_well_formed(page);
  }
}

TEST(StatusPage, KindsDoNotMatter) {
  const json plain = sample().flatten();
  for (const json& odd : {json("x"), json(-1), json(1e308), json(true), json()}) {
    json status = plain;
    for (auto& [key, value] : status.items()) value = odd;
    expect_well_formed(status_page(status.unflatten()));
  }
}

TEST(StatusPage, StaysOfAReadableSize) {
  json status = sample();
  const json finding = status["findings"][0], job = status["jobs"][0], event = status["events"][0];
  for (int i = 0; i < 1000; i++) {
    status["findings"].push_back(finding);
    status["findings"].back()["first_seen"] = kNoon + i;
    status["findings"].back()["details"] = std::vector<std::string>(100, std::string(500, 'x'));
    status["jobs"].push_back(job);
    status["events"].push_back(event);
    status["events"].back()["text"] = std::string(10'000, 'y');
  }
  for (int target = 0; target < 8; target++) {
    json points = json::array();
    for (int i = 0; i < 10'000; i++) points.push_back({kNoon + i, 100 + i % 7 + i / 10, 0, 0});
    status["coverage"].push_back(
        {{"target", "t" + std::to_string(target)}, {"sanitizer", "asan"}, {"points", points}});
  }
  status["message"] = std::string(1'000'000, 'z');
  const std::string page = status_page(status);
  EXPECT_LT(page.size(), 8'000'000u);
  EXPECT_TRUE(has(page, "and 802 more in the store"));
  EXPECT_TRUE(has(page, "987 findings before these") || has(page, "986 findings before these"));
}

// Everything that it needs is in it, and only its own script runs.
TEST(StatusPage, LoadsNothing) {
  for (const std::string_view reference : {"http:", "https:", "src=", "href=", "url(", "@import",
                                           "fetch(", "XMLHttpRequest", "innerHTML", "eval("})
    EXPECT_EQ(kStatusPage.find(reference), std::string_view::npos) << reference;
  EXPECT_TRUE(std::regex_search(
      status_page(sample()), std::regex("default-src 'none'; style-src 'unsafe-inline'; script-src "
                                        "'sha256-[A-Za-z0-9+/]{43}='\"")));
  for (const std::string_view place : {"@SCRIPT@", "@REFRESH@", "@TITLE@", "@GENERATED@", "@BODY@"})
    EXPECT_EQ(count(std::string(kStatusPage), place), 1u) << place;
}

}  // namespace
}  // namespace tool
