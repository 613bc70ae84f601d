#include "fuzz/tool/triage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/sha1.h"

namespace tool {
namespace {

constexpr const char* kProgram = "device cpus=1 seq64=64\nt0: resume\n";
constexpr const char* kOther = "device cpus=1 seq64=64\nt0: suspend\n";
constexpr const char* kLonger = "device cpus=1 seq64=64\nt0: resume\nt0: suspend\nt0: resume\n";

std::vector<std::string> leak_report(int object) {
  return {"==fencebench== ERROR: reference-leak: fence_driver#" + std::to_string(object) +
              " is still referenced after device teardown",
          "SUMMARY: fencebench: reference-leak fence_driver held by fence_drv_array"};
}

class TriageTest : public testing::Test {
 protected:
  static FindingComment comment(const std::string& verdict, const std::string& sanitizer = "asan") {
    FindingComment made;
    made.target = "userq_fuzzer";
    made.sanitizer = sanitizer;
    made.checks = "all";
    made.verdict = verdict;
    return made;
  }

  fs::path store(const FindingComment& how, const std::string& text,
                 const std::vector<std::string>& report) {
    return store_finding(folder_, how, text, {}, report).input;
  }

  Scan scan(const std::string& target = "") { return scan_findings({folder_}, target, "/src/fb"); }

  std::string why(const Scan& result, const std::string& name) {
    for (const Passed& passed : result.passed) {
      if (passed.path.filename() == name) return passed.why;
    }
    return "not passed over";
  }

  ScratchFolder scratch_{fs::temp_directory_path()};
  fs::path folder_ = scratch_.path() / "findings";
};

TEST_F(TriageTest, OneBugIsOneRowWithItsSmallestReproducer) {
  const std::string verdict = "reference-leak fence_driver held by fence_drv_array";
  FindingComment early = comment(verdict);
  early.found = "2026-11-19T08:00:00Z";
  early.commit = "1111111";
  FindingComment late = comment(verdict, "tsan");
  late.found = "2026-11-20T09:30:00Z";
  late.commit = "2222222";
  store(early, kLonger, leak_report(13));
  const fs::path small = store(late, kProgram, leak_report(8));
  store(comment("deadlock reset_domain.sem"), kOther,
        {"SUMMARY: fencebench: deadlock reset_domain.sem"});

  Scan result = scan();
  std::vector<BugRow> rows = group_findings(result.found);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].count, 2u);
  EXPECT_EQ(rows[0].signature.text(), verdict);
  EXPECT_EQ(result.found[rows[0].members.front()].path, small);
  EXPECT_EQ(rows[0].first, "2026-11-19T08:00:00Z");
  EXPECT_EQ(rows[0].last, "2026-11-20T09:30:00Z");
  EXPECT_FALSE(rows[0].times_are_of_files);
  EXPECT_EQ(rows[0].sanitizers, (std::set<std::string>{"asan", "tsan"}));
  EXPECT_EQ(rows[0].commits, (std::set<std::string>{"1111111", "2222222"}));
  EXPECT_EQ(rows[1].verdict, "deadlock reset_domain.sem");
  EXPECT_TRUE(rows[1].times_are_of_files);
  EXPECT_TRUE(result.passed.empty());
}

TEST_F(TriageTest, TheRecordCountsWhereThereIsNoReport) {
  FindingComment how = comment("AddressSanitizer: SEGV in f core/a.cc:7");
  how.signature = "0123456789";
  fs::create_directories(folder_);
  write_file(folder_ / "a.fence", finding_text(how, {}, kProgram));
  Scan result = scan();
  ASSERT_EQ(result.found.size(), 1u);
  EXPECT_EQ(result.found[0].signature.id, "0123456789");
  EXPECT_EQ(result.found[0].verdict.text(), how.verdict);
}

TEST_F(TriageTest, AReportWithoutAnInputIsAFinding) {
  const fs::path folder = folder_ / "userq_fuzzer";
  fs::create_directories(folder);
  write_file(folder / "x.txt", leak_report(3)[1] + "\n");
  Scan result = scan();
  ASSERT_EQ(result.found.size(), 1u);
  EXPECT_FALSE(result.found[0].has_input);
  EXPECT_EQ(result.found[0].comment.target, "userq_fuzzer");
}

TEST_F(TriageTest, RawFilesOfLibFuzzerNeedATarget) {
  fs::create_directories(folder_);
  write_file(folder_ / "crash-0123", "bytes");
  EXPECT_EQ(why(scan(), "crash-0123"),
            "was left by libFuzzer; --target NAME says for which target it is");
  Scan named = scan("canary_fuzzer");
  ASSERT_EQ(named.found.size(), 1u);
  EXPECT_EQ(named.found[0].verdict.text(), "libFuzzer: crash");
  EXPECT_EQ(named.found[0].bytes, 5u);
}

// Everything that is no finding, or cannot be read, is said; what can be read is read all the same.
TEST_F(TriageTest, AHostileFolderLosesNothing) {
  store(comment("canary shouted"), kProgram, {"SUMMARY: fencebench: canary shouted"});
  write_file(folder_ / "empty.fence", "");
  write_file(folder_ / "plain.fence", kProgram);
  write_file(folder_ / "alone.bin", "x");
  write_file(folder_ / "broken.bin", "x");
  write_file(folder_ / "broken.json", "{\"target\": [");
  write_file(folder_ / "notes.html", "<b>");
  write_file(folder_ / "words.txt", "no report");
  write_file(folder_ / "huge.fence", "");
  fs::resize_file(folder_ / "huge.fence", 64 << 20);
  fs::create_directories(folder_ / "hollow");
  fs::create_symlink("/etc/passwd", folder_ / "link.fence");
  fs::create_symlink("nowhere", folder_ / "dangling.fence");
  fs::create_directory_symlink(folder_, folder_ / "loop");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.fence").c_str(), 0600), 0);
  const std::string nasty = "a\x1b[2J\n<script>\xff.fence";
  write_file(folder_ / nasty, finding_text(comment("deadlock x"), {}, kOther));
  write_file(folder_ / "mistake.fence",
             finding_text(comment("deadlock y"), {}, "t0: frobnicate\n"));

  Scan result = scan();
  ASSERT_EQ(result.found.size(), 3u);
  EXPECT_TRUE(why(result, "empty.fence").starts_with("says no verdict"));
  EXPECT_TRUE(why(result, "plain.fence").starts_with("says no verdict"));
  EXPECT_TRUE(why(result, "alone.bin").starts_with("has no .json"));
  EXPECT_TRUE(why(result, "broken.bin").find("does not say how") != std::string::npos);
  EXPECT_EQ(why(result, "notes.html"), "is no finding");
  EXPECT_EQ(why(result, "words.txt"), "is no report");
  EXPECT_EQ(why(result, "huge.fence"), "is too large for a finding: 67,108,864 bytes, not read");
  EXPECT_EQ(why(result, "hollow"), "is empty");
  EXPECT_EQ(why(result, "link.fence"), "is a link, not followed");
  EXPECT_EQ(why(result, "dangling.fence"), "is a link, not followed");
  EXPECT_EQ(why(result, "loop"), "is a link, not followed");
  EXPECT_EQ(why(result, "pipe.fence"), "is no regular file");
  for (const Found& found : result.found) {
    EXPECT_EQ(found.broken.empty(), found.path.filename() != "mistake.fence") << found.broken;
  }
  // One that cannot be executed is a finding, but no reproducer.
  EXPECT_EQ(group_findings(result.found).size(), 3u);
}

TEST_F(TriageTest, AFolderThatCannotBeReadIsSaid) {
  store(comment("canary shouted"), kProgram, {});
  fs::create_directories(folder_ / "closed");
  fs::permissions(folder_ / "closed", fs::perms::none);
  // Root reads everything: somebody else looks then.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) {
    fs::permissions(folder_.parent_path(),
                    fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  Scan result = scan();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(folder_ / "closed", fs::perms::owner_all);
  EXPECT_EQ(result.found.size(), 1u);
  EXPECT_TRUE(why(result, "closed").starts_with("cannot be read"));
}

TEST_F(TriageTest, WhatIsNoFolderIsWrongUsage) {
  EXPECT_THROW(scan(), UsageError);
  EXPECT_THROW(scan_findings({"/etc/passwd"}, "", "/"), UsageError);
}

TEST_F(TriageTest, AFolderNamedTwiceCountsOnce) {
  store(comment("canary shouted"), kProgram, {});
  EXPECT_EQ(scan_findings({folder_, folder_ / "."}, "", "/").found.size(), 1u);
}

// ---- which are the same

Found finding(const std::string& text, const std::string& content,
              const std::string& function = "") {
  Found made;
  made.path = "/" + sha1(text + content);
  made.has_input = true;
  made.content = content;
  made.verdict = *verdict_from_text(text);
  made.signature = signature_of(made.verdict, {});
  made.signature.function = function;
  return made;
}

TEST(TriageSame, TheSameInputIsTheSameBug) {
  std::vector<BugRow> rows =
      group_findings({finding("AddressSanitizer: SEGV in f core/a.cc:1", "x"),
                      finding("deadlock a", "x"), finding("deadlock b", "y")});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].signature.text(), "deadlock a");  // ours names it
  ASSERT_EQ(rows[0].aliases.size(), 1u);
  EXPECT_EQ(rows[0].aliases[0].why, "the same input ended in both");
}

TEST(TriageSame, TheLedgersLeakAndLeakSanitizersOfTheSameObject) {
  std::vector<BugRow> rows = group_findings(
      {finding("reference-leak fence_driver held by fence_drv_array", "1"),
       finding(
           "LeakSanitizer: memory-leak in userq::fence_driver_alloc core/userq/fence_driver.cc:50",
           "2"),
       finding("LeakSanitizer: memory-leak in drm::syncobj_create core/drm/syncobj.cc:9", "3")});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].count, 2u);
  EXPECT_EQ(rows[0].aliases.at(0).why,
            "LeakSanitizer's memory is that of the fence_driver which leaked");
  // "fence" is part of the name only.
  EXPECT_EQ(group_findings(
                {finding("reference-leak fence held by x", "1"),
                 finding("LeakSanitizer: memory-leak in userq_fence_alloc core/userq/a.cc:1", "2")})
                .size(),
            2u);
}

TEST(TriageSame, MisusedMemoryInOneFunctionSeenByTwoDetectors) {
  const std::string where = "syncobj_find core/drm/syncobj.cc";
  std::vector<Found> found = {
      finding("AddressSanitizer: heap-use-after-free in drm::syncobj_find core/drm/syncobj.cc:69",
              "1", where),
      finding(
          "MemorySanitizer: use-of-uninitialized-value in drm::syncobj_find core/drm/syncobj.cc:71",
          "2", where),
      finding("AddressSanitizer: heap-use-after-free in drm::syncobj_wait core/drm/syncobj.cc:9",
              "3", "syncobj_wait core/drm/syncobj.cc"),
      finding("deadlock a", "4", where)};
  std::vector<BugRow> rows = group_findings(found);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].count, 2u);
  EXPECT_EQ(rows[0].aliases.at(0).why, "both in " + where);
}

TEST(TriageSame, AnotherCoreIsAnotherBug) {
  std::vector<Found> found = {
      finding("AddressSanitizer: SEGV in f core/a.cc:1", "1", "f core/a.cc"),
      finding("MemorySanitizer: SEGV in f core/a.cc:1", "2", "f core/a.cc")};
  found[1].comment.defect = "some-defect";
  EXPECT_EQ(group_findings(found).size(), 2u);
  found[1].comment.defect = "";
  EXPECT_EQ(group_findings(found).size(), 1u);
}

TEST(TriageSame, TheOrderOfTheFilesDoesNotMatter) {
  std::vector<Found> found = {finding("AddressSanitizer: SEGV in f core/a.cc:1", "x"),
                              finding("deadlock a", "x"), finding("deadlock a", "y"),
                              finding("libFuzzer: timeout", "y"), finding("livelock", "z")};
  auto shape = [](const std::vector<Found>& all) {
    std::string text;
    for (const BugRow& row : group_findings(all)) {
      text += row.signature.id + " " + std::to_string(row.count) + " " +
              all[row.members.front()].path.string();
      for (const auto& alias : row.aliases) text += " " + alias.signature.id;
      text += "\n";
    }
    return text;
  };
  const std::string expected = shape(found);
  for (size_t i = 0; i < found.size(); i++) {
    std::rotate(found.begin(), found.begin() + 1, found.end());
    EXPECT_EQ(shape(found), expected);
  }
}

}  // namespace
}  // namespace tool
