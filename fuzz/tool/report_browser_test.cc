// The report in a browser: Chromium without a window opens one that was made by the command from a
// file of results, and tells what became of it.
#include <gtest/gtest.h>
#include "fuzz/tool/browser.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/report_sample.h"

namespace tool {
namespace {

using std::chrono::seconds;

bool has(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) found++;
  return found;
}

class ReportInBrowser : public testing::Test {
 protected:
  void SetUp() override {
    browser_ = find_browser().string();
    if (browser_.empty())
      GTEST_SKIP() << "no Chromium on this machine (Debian: apt-get install chromium)";
  }

  fs::path file(const char* name) const { return folder_.path() / name; }

  // The document after its script ran.
  std::string opened(const fs::path& page, const std::string& window = "1280,1500") {
    Command command;
    command.argv = {browser_,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--user-data-dir=" + file("profile").string(),
                    "--window-size=" + window,
                    "--dump-dom",
                    "file://" + page.string()};
    command.stdout_file = file("document");
    command.deadline = seconds(100);
    const Finished finished = run_and_capture(command);
    EXPECT_TRUE(finished.exit.clean()) << finished.exit.describe() << "\n" << finished.output;
    return read_file(file("document"));
  }

 private:
  ScratchFolder folder_{testing::TempDir()};
  std::string browser_;
};

std::string lines_of(const HuntResults& results) {
  std::string text;
  for (const HuntRun& run : results.runs) text += record_line(to_json(run));
  for (const Trial& trial : results.trials) text += record_line(to_json(trial));
  for (const Replay& replay : results.replays) text += record_line(to_json(replay));
  return text;
}

// From the file of results on, as a person does it.
TEST_F(ReportInBrowser, OfTheCommandShowsChartsMatrixAndTable) {
  const ReportData planted = planted_report();
  write_file(file("hunt.jsonl"), lines_of(planted.results) + "{\"kind\":\"tri");
  write_file(file("coverage.json"), planted.coverage.dump());
  Command command;
  command.argv = {FENCEBENCH_COMMAND, "report",
                  "--hunt",           file("hunt.jsonl").string(),
                  "--coverage",       file("coverage.json").string(),
                  "--no-traces",      "--output",
                  file("report.html")};
  const Finished made = run_and_capture(command);
  ASSERT_TRUE(made.exit.clean()) << made.output;
  EXPECT_TRUE(has(made.output, "the last line is torn"));
  EXPECT_TRUE(has(made.output, "22 trials, 3 replays"));

  const std::string page = opened(file("report.html"));
  // Charts: a line and a band for each of both ways.
  const std::string chart = page.substr(page.find("class=\"chart wide\""));
  const std::string wide = chart.substr(0, chart.find("</svg>"));
  EXPECT_EQ(count(wide, "class=\"line s0\""), 1u);
  EXPECT_EQ(count(wide, "class=\"band s1\""), 1u);
  EXPECT_TRUE(has(wide, "fencebench: 50 % of 8 trials"));
  EXPECT_EQ(count(page, "class=\"spark\""), 2u);
  // Matrix.
  for (const char* what :
       {"title=\"ledger: on the reproducer; asan: reference-leak fence_driver; in 8 trials\">●",
        "title=\"LSan: on the reproducer; asan without our checkers: LeakSanitizer: leak in f\">●",
        "title=\"TSan: on the reproducer; tsan without our checkers: ThreadSanitizer: data-race in "
        "g\">●"})
    EXPECT_TRUE(has(page, what)) << what;
  // Table: the script has run, sorts and shows the first way's rows.
  EXPECT_TRUE(has(page, "<div class=\"filters\">"));
  EXPECT_TRUE(has(page,
                  "<th scope=\"col\" data-sorts=\"\" class=\"number\"><button type=\"button\">"
                  "median time</button>"));
  EXPECT_TRUE(has(page, "2 of 4</output>"));
  const std::string rows = page.substr(page.find("id=\"table\""));
  EXPECT_EQ(count(rows.substr(0, rows.find("</table>")), "hidden=\"\""), 2u);
  EXPECT_TRUE(has(page, "data-sort=\"2.5\">2.5 s"));
  EXPECT_TRUE(has(page, "data-sort=\"12500\">12,500"));
  EXPECT_TRUE(has(page, "<dt>defects found</dt><dd>1 of 2</dd>"));
}

TEST_F(ReportInBrowser, RunsNothingThatIsHostile) {
  // One script would be enough: at first only in the results, then everywhere.
  for (const ReportData& data : {nasty_report(), planted_report()}) {
    write_file(file("report.html"), report_page(data));
    const std::string page = opened(file("report.html"), "390,844");
    EXPECT_TRUE(has(page, "<title>fencebench report</title>"));
    EXPECT_EQ(count(page, "<script>"), 1u);
    EXPECT_FALSE(has(page, "<img"));
    EXPECT_EQ(count(page, "class=\"spark\""), 2u);
    EXPECT_TRUE(has(page, "<div class=\"filters\">"));
  }
}

// The same document would tell if a script did run: the test can see what it looks for.
TEST_F(ReportInBrowser, AScriptThatRunsIsSeen) {
  write_file(file("report.html"), "<!doctype html><title>before</title>" +
                                      std::string(kNasty.substr(kNasty.find("<s"))));
  EXPECT_TRUE(has(opened(file("report.html")), "<title>RAN</title>"));
  // And the policy of the page forbids it even where markup is not escaped.
  std::string page = report_page(planted_report());
  const std::string script = "<script>document.title='RAN'</script>";
  page.insert(page.find("<nav>"), script);
  write_file(file("report.html"), page);
  EXPECT_TRUE(has(opened(file("report.html")), "<title>fencebench report</title>"));
}

}  // namespace
}  // namespace tool
