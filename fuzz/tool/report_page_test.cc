#include "fuzz/tool/report_page.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "fuzz/tool/report_sample.h"

namespace tool {
namespace {

bool has(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) found++;
  return found;
}

// Each element is closed by its own end.
void expect_well_formed(const std::string& page) {
  static const std::set<std::string> kVoid = {"meta", "input", "br", "path"};
  const std::string body = page.substr(0, page.find("<script>"));
  const std::regex tag("<(/?)([a-z0-9]+)((?:[^<>\"]|\"[^\"]*\")*)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(body.begin(), body.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (kVoid.contains(name)) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name << " at " << at->position();
      ASSERT_EQ(open.back(), name) << "at " << at->position();
      open.pop_back();
    }
  }
  EXPECT_EQ(open, (std::vector<std::string>{"html", "body"}));
}

TEST(ReportPage, TellsFiguresFirst) {
  const std::string page = report_page(planted_report());
  for (const char* what :
       {"<dt>defects found</dt><dd>1 of 2</dd>", "<dt>in every trial</dt><dd>1 of 2</dd>",
        "<dt>trials that detect</dt><dd>50 %</dd>", "<dd class=\"note\">4 of 8</dd>",
        "<b class=\"\">0</b> detections", "in 4 trials", "<dt>mutants killed</dt><dd>50 %</dd>",
        "<dt>lines reached</dt><dd>90.0 %</dd>", "<dt>median below 10 s</dt><dd>1 of 2</dd>",
        "commit <code>abc1234</code>", "60 s a trial, 2 cores, 2 at once"})
    EXPECT_TRUE(has(page, what)) << what;
  EXPECT_LT(page.find("class=\"facts\""), page.find("<nav>"));
  expect_well_formed(page);
}

TEST(ReportPage, TellsOfEachDefect) {
  const std::string page = report_page(planted_report());
  for (const char* what :
       {"id=\"defect-quick-leak\"", "id=\"defect-slow-race\"",
        "<a href=\"https://git.kernel.org/torvalds/c/dd88d42d9ca0\" rel=\"noreferrer\">",
        "<a href=\"https://www.cve.org/CVERecord?id=CVE-2025-68203\" rel=\"noreferrer\">",
        "<span class=\"removed\">-  put(a);</span>", "<span class=\"added\">+  (void)a;</span>",
        "<span class=\"c1\">queue_create</span>", "t0: step one",
        "No trace: there is no reproducer", "./fencebench repro corpus/defects/quick-leak.fence",
        "asan without our checkers: LeakSanitizer: leak in f"})
    EXPECT_TRUE(has(page, what)) << what;
}

TEST(ReportPage, ComparesAndLists) {
  const std::string page = report_page(planted_report());
  // Median and its interval, as R has them for 1, 2, 3, 4.
  EXPECT_TRUE(has(page, "data-sort=\"2.5\">2.5 s <span class=\"dim interval\">1 s to –</span>"));
  EXPECT_TRUE(has(page, "data-sort=\"2500\">2,500 "));
  EXPECT_TRUE(has(page, "<h2 id=\"missed\">Not found by fencebench</h2>"));
  EXPECT_TRUE(has(page, "reached, but never in the state that makes it fail"));
  // 16 of 16 pairs, p of the exact test 2 / C(8, 4); twice that, for two defects.
  EXPECT_TRUE(has(page, "data-title=\"U\">16</td>"));
  EXPECT_TRUE(has(page, "data-title=\"p\">0.029</td>"));
  EXPECT_TRUE(has(page, "0.057</b>"));
  EXPECT_TRUE(has(page, "1 survivor</summary>"));
  EXPECT_TRUE(has(page, "<code>mutant-drop-put-002</code>"));
  EXPECT_EQ(count(page, "class=\"chart wide\""), 1u);
  EXPECT_EQ(count(page, "class=\"chart narrow\""), 1u);
  EXPECT_EQ(count(page, "class=\"chart story\""), 2u);
  EXPECT_EQ(count(page, "class=\"spark\""), 2u);
}

TEST(ReportPage, WithoutResultsItIsTheCatalogue) {
  ReportData data = planted_report();
  data.results = {};
  data.coverage = {};
  const std::string page = report_page(data);
  EXPECT_TRUE(has(page, "<dt>in the catalogue</dt><dd>2</dd>"));
  EXPECT_TRUE(has(page, "id=\"defect-quick-leak\""));
  EXPECT_FALSE(has(page, "<svg"));
  expect_well_formed(page);
  expect_well_formed(report_page({}));
}

TEST(ReportPage, WhatIsNotInTheCatalogueIsTold) {
  ReportData data = planted_report();
  data.catalogue.clear();
  EXPECT_EQ(count(report_page(data), "Not in the catalogue of this checkout."), 2u);
}

TEST(ReportPage, DetectionsOnTheCorrectCoreAreLoud) {
  ReportData data = planted_report();
  data.results.trials.push_back(planted_trial("", "fencebench", 3, true));
  const std::string page = report_page(data);
  EXPECT_TRUE(has(page, "<b class=\"hot\">1</b> detection<"));
  EXPECT_TRUE(has(page,
                  "role=\"alert\"><b>on the correct core</b>, 1 × userq_fuzzer asan: "
                  "reference-leak fence_driver</p>"));
}

TEST(ReportPage, TakesNoTextForMarkup) {
  const std::string page = report_page(nasty_report());
  EXPECT_EQ(count(page, "<script"), 1u);
  EXPECT_EQ(count(page, "</script"), 1u);
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "<!--"));
  EXPECT_FALSE(has(page, "\x1b"));
  EXPECT_FALSE(has(page, "\xe2\x80\xae"));
  EXPECT_FALSE(has(page, "'>"));
  expect_well_formed(page);
}

// Everything that it needs is in it, and only its own script runs.
TEST(ReportPage, LoadsNothing) {
  for (const std::string_view reference : {"http:", "https:", "src=", "url(", "@import", "fetch(",
                                           "XMLHttpRequest", "innerHTML", "eval(", "import("})
    EXPECT_EQ(kReportPage.find(reference), std::string_view::npos) << reference;
  const std::string page = report_page(planted_report());
  EXPECT_TRUE(std::regex_search(
      page, std::regex("default-src 'none'; style-src 'unsafe-inline'; script-src "
                       "'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'")));
  for (const std::string_view place : {"@SCRIPT@", "@BODY@"})
    EXPECT_EQ(count(std::string(kReportPage), place), 1u) << place;
}

}  // namespace
}  // namespace tool
