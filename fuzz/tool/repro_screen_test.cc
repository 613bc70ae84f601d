#include "fuzz/tool/repro_screen.h"

#include <gtest/gtest.h>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

Outcome outcome(const std::string& verdict) {
  Outcome now;
  now.verdict = verdict_from_text(verdict);
  if (!now.verdict) now.exit.code = 0;
  return now;
}

ReproScreen sample(Presence presence) {
  ReproScreen screen;
  screen.recorded.target = "userq_fuzzer";
  screen.recorded.sanitizer = "asan";
  screen.recorded.verdict = "reference-leak fence held by x";
  screen.recorded.commit = "1111111";
  screen.recorded.found = "2026-11-20T16:05:00Z";
  screen.presence = presence;
  if (presence == Presence::kThere) screen.now = signature_of(outcome(screen.recorded.verdict), "");
  screen.revision = "2222222";
  screen.replay = "./fencebench repro f.fence";
  screen.minimize = "./fencebench minimize f.fence";
  return screen;
}

TEST(ReproScreen, SaysWhetherItIsStillThere) {
  EXPECT_EQ(presence_text(sample(Presence::kThere)), "still there at 2222222");
  EXPECT_EQ(presence_text(sample(Presence::kGone)),
            "no longer there at 2222222: was found at 1111111 by asan on 2026-11-20T16:05:00Z");
  EXPECT_EQ(presence_text(sample(Presence::kAnother)),
            "another one at 2222222: was found at 1111111 by asan on 2026-11-20T16:05:00Z");
  ReproScreen unknown;
  EXPECT_EQ(presence_text(unknown), "nothing there here");
}

TEST(ReproScreen, NamesTheBugAndTheNextCommands) {
  const std::string text = join(screen_lines(sample(Presence::kThere)), "\n");
  EXPECT_NE(text.find("reference-leak fence held by x"), std::string::npos) << text;
  EXPECT_NE(text.find("replay   ./fencebench repro f.fence\n"), std::string::npos) << text;
  EXPECT_NE(text.find("minimize ./fencebench minimize f.fence"), std::string::npos) << text;
  EXPECT_EQ(join(screen_lines(sample(Presence::kGone)), "\n").find("minimize"), std::string::npos);
}

TEST(ReproScreen, HostileRecordsAreMadeHarmless) {
  ReproScreen screen = sample(Presence::kGone);
  screen.recorded.commit = "\x1b[2J\n<script>";
  screen.recorded.signature = "\x1b]0;x\x07";
  screen.replay = "./fencebench repro 'a\x1b[31m\nb'";
  for (const std::string& line : screen_lines(screen)) {
    EXPECT_EQ(line.find_first_of("\x1b\x07\n"), std::string::npos) << line;
  }
}

TEST(ReproScreen, PresenceIsJudgedBySignatureOrByVerdict) {
  FindingComment recorded;
  recorded.verdict = "reference-leak fence held by x";
  EXPECT_EQ(presence_of(recorded, outcome("reference-leak fence held by x")), Presence::kThere);
  EXPECT_EQ(presence_of(recorded, outcome("reference-leak fence held by y")), Presence::kAnother);
  EXPECT_EQ(presence_of(recorded, outcome("")), Presence::kGone);
  recorded.verdict = "AddressSanitizer: SEGV in f core/a.cc:10";
  EXPECT_EQ(presence_of(recorded, outcome("AddressSanitizer: SEGV in f core/a.cc:12")),
            Presence::kThere);
  recorded.verdict = "worded in another way";
  recorded.signature = signature_of(outcome("AddressSanitizer: SEGV in f core/a.cc:1"), "").id;
  EXPECT_EQ(presence_of(recorded, outcome("AddressSanitizer: SEGV in f core/a.cc:12")),
            Presence::kThere);
  EXPECT_EQ(presence_of({}, outcome("canary shouted")), Presence::kThere);
}

TEST(ReproScreen, ADeathWithoutAReportIsAnotherOne) {
  FindingComment recorded;
  recorded.verdict = "reference-leak fence held by x";
  Outcome died;
  died.exit.code = 2;
  EXPECT_EQ(presence_of(recorded, died), Presence::kAnother);
}

TEST(ReproScreen, LongReportsAreCutToAScreen) {
  std::vector<std::string> report = {"headline"};
  for (int i = 0; i < 100; i++) report.push_back("    #" + std::to_string(i));
  report.push_back("SUMMARY: x");
  std::vector<std::string> lines = shortened(report, 10);
  ASSERT_EQ(lines.size(), 10u);
  EXPECT_EQ(lines.front(), "headline");
  EXPECT_EQ(lines.back(), "SUMMARY: x");
  EXPECT_EQ(lines[8], "    ... 93 more lines; --report prints all of it");
  EXPECT_EQ(shortened({"a", "b"}, 10), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tool
