#include "fuzz/tool/regression.h"

#include <gtest/gtest.h>

#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr const char* kFinding =
    "# fencebench: target=userq_fuzzer sanitizer=tsan defect=some-defect checks=all seed=7 "
    "trace=0x01 verdict=\"deadlock x\"\n"
    "# deadlock x\n"
    "# Found by tsan after 561 executions.\n"
    "# Minimized from 16 operations, 1 thread, 0 preemptions, 0 faults.\n"
    "device cpus=1 seq64=64\n"
    "t0: resume\n";

TEST(Regression, KeepsWhatItEndedInAndDropsWhatChangesWithTheCore) {
  const std::string text = regression_text(*parse_comment(kFinding), "The resume waits for itself",
                                           "From x.fence.", kFinding);
  const std::string signature = signature_of(*verdict_from_text("deadlock x"), {}).id;
  EXPECT_EQ(text,
            "# fencebench: target=userq_fuzzer sanitizer=tsan checks=all signature=" + signature +
                " verdict=\"deadlock x\"\n"
                "# The resume waits for itself\n"
                "# From x.fence.\n"
                "# Minimized from 16 operations, 1 thread, 0 preemptions, 0 faults.\n"
                "device cpus=1 seq64=64\n"
                "t0: resume\n");
  EXPECT_TRUE(is_minimized(text));
  EXPECT_FALSE(is_minimized("device cpus=1\n"));
}

TEST(Regression, HostileTextStaysInItsComment) {
  FindingComment comment = *parse_comment(kFinding);
  comment.verdict = "warn-on \x1b[2J\nt0: kill";
  comment.commit = "a b\nt0: kill";
  const std::string text =
      regression_text(comment, "Title\nt0: kill\x07", "From \xe2\x80\xae\nt0: kill", kFinding);
  for (const std::string& line : split(text, '\n')) {
    EXPECT_FALSE(line.starts_with("t0: kill")) << line;
    EXPECT_EQ(line.find_first_of("\x1b\x07"), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
}

TEST(Regression, IsNamedByTitleAndBytes) {
  FindingComment comment = *parse_comment(kFinding);
  EXPECT_TRUE(regression_name(comment, "A <b>/../x\n", {1}).starts_with("a-b-x-"));
  EXPECT_TRUE(regression_name(comment, "", {1}).starts_with("deadlock-x-"));
  EXPECT_NE(regression_name(comment, "", {1}), regression_name(comment, "", {2}));
}

TEST(Regression, WhatTheTestsExecuteAlreadyIsFound) {
  FakeCheckout checkout;
  const fs::path corpus = checkout.root() / "corpus";
  for (const char* folder : {"userq_fuzzer", "defects", "regressions"}) {
    fs::create_directories(corpus / folder);
  }
  write_file(checkout.root() / "in.fence", kFinding);
  const Input input = load_input(checkout.root() / "in.fence");
  EXPECT_FALSE(stored_already(checkout.project(), input));
  write_file(corpus / "regressions/broken.fence", "t0: frobnicate\n");
  write_file(corpus / "regressions/other.fence",
             "# fencebench: target=userq_fuzzer\ndevice cpus=1 seq64=64\nt0: suspend\n");
  EXPECT_FALSE(stored_already(checkout.project(), input));
  write_file(corpus / "regressions/same.fence", regression_text(input.comment, "t", "f", kFinding));
  EXPECT_EQ(stored_already(checkout.project(), input), corpus / "regressions/same.fence");
  write_file(corpus / "userq_fuzzer/seed.fence", "device cpus=1 seq64=64\nt0: resume\n");
  EXPECT_EQ(stored_already(checkout.project(), input), corpus / "userq_fuzzer/seed.fence");
}

}  // namespace
}  // namespace tool
