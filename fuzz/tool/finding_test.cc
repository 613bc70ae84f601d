#include "fuzz/tool/finding.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"

namespace tool {
namespace {

FindingComment sample() {
  return {.target = "userq_fuzzer",
          .sanitizer = "asan",
          .defect = "leak-signaled-at-create",
          .checks = "all",
          .seed = 123,
          .trace = "0x0123456789abcdef",
          .verdict = "reference-leak fence_driver held by fence_drv_array",
          .found = "2026-11-20T16:05:00Z",
          .commit = "abc1234-dirty",
          .signature = "1a2b3c4d5e"};
}

TEST(Finding, CommentLineIsTheAgreedOne) {
  EXPECT_EQ(format_comment(sample()),
            "# fencebench: target=userq_fuzzer sanitizer=asan defect=leak-signaled-at-create "
            "checks=all seed=123 trace=0x0123456789abcdef found=2026-11-20T16:05:00Z "
            "commit=abc1234-dirty signature=1a2b3c4d5e "
            "verdict=\"reference-leak fence_driver held by fence_drv_array\"");
}

TEST(Finding, CommentLineRoundTrips) {
  EXPECT_EQ(parse_comment(format_comment(sample())), sample());
  FindingComment bare{.target = "a_fuzzer",
                      .sanitizer = "",
                      .defect = "",
                      .checks = "",
                      .seed = {},
                      .trace = "",
                      .verdict = ""};
  EXPECT_EQ(parse_comment(format_comment(bare)), bare);
}

TEST(Finding, CommentLineIsFoundAmongOthers) {
  std::string text =
      "# a finding\r\n  " + format_comment(sample()) + "\r\ndevice cpus=2 seq64=64\n";
  EXPECT_EQ(parse_comment(text), sample());
  EXPECT_FALSE(parse_comment("# no such line\ndevice cpus=2\n"));
  EXPECT_FALSE(parse_comment(""));
}

TEST(Finding, OddCommentsAreReadAsFarAsTheyGo) {
  FindingComment comment = *parse_comment("# fencebench: later=1 target=x seed=abc verdict=\"open");
  EXPECT_EQ(comment.target, "x");
  EXPECT_FALSE(comment.seed);
  EXPECT_EQ(comment.verdict, "open");
  EXPECT_EQ(parse_comment("# fencebench:")->target, "");
}

TEST(Finding, HostileVerdictCannotBreakTheLine) {
  FindingComment comment = sample();
  comment.verdict = "a\"b\nc\x1b[31m";
  std::string line = format_comment(comment);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(parse_comment(line)->verdict, "a'b\\x0ac\\x1b[31m");
}

// A sidecar may hold anything; what is written back must stay one line with the fields it had.
TEST(Finding, HostileFieldsCannotBreakTheLine) {
  FindingComment comment = sample();
  comment.trace = "0x1\nt0: resume";
  comment.commit = "a verdict=\"clean\"";
  comment.target = "x\x1b[2J";
  std::string line = format_comment(comment);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(parse_comment(line)->verdict, sample().verdict);
  EXPECT_EQ(parse_comment(line)->commit, "a_verdict='clean'");
}

TEST(Finding, TheTimeIsUtcInOneForm) {
  std::string now = utc_now();
  ASSERT_EQ(now.size(), sample().found.size());
  for (size_t i = 0; i < now.size(); i++) {
    bool digit = now[i] >= '0' && now[i] <= '9';
    EXPECT_EQ(digit ? '0' : now[i], "0000-00-00T00:00:00Z"[i]) << now;
  }
}

TEST(Finding, SidecarRoundTrips) {
  EXPECT_EQ(comment_from_json(to_json(sample()).dump(), "x.json"), sample());
  EXPECT_THROW(comment_from_json("{", "x.json"), UsageError);
  EXPECT_THROW(comment_from_json("{}", "x.json"), UsageError);
  EXPECT_THROW(comment_from_json("{\"target\": 5}", "x.json"), UsageError);
  EXPECT_EQ(sidecar_of("out/a-1.bin"), "out/a-1.json");
}

TEST(Finding, NamesDependOnVerdictAndContent) {
  std::string name = finding_name("reference-leak fence_driver", "abc");
  EXPECT_TRUE(name.starts_with("reference-leak-fence-driver-"));
  EXPECT_EQ(name.size(), std::string("reference-leak-fence-driver-").size() + 8);
  EXPECT_EQ(name, finding_name("reference-leak fence_driver", "abc"));
  EXPECT_NE(name, finding_name("reference-leak fence_driver", "abd"));
}

}  // namespace
}  // namespace tool
