#include "fuzz/tool/finding_files.h"

#include <gtest/gtest.h>

#include "fuzz/tool/files.h"

namespace tool {
namespace {

FindingComment comment_for(const std::string& target) {
  FindingComment comment;
  comment.target = target;
  comment.verdict = "reference-leak fence_driver";
  return comment;
}

class FindingFilesTest : public testing::Test {
 protected:
  ScratchFolder scratch_{fs::temp_directory_path()};
  fs::path folder_ = scratch_.path() / "findings";
};

TEST_F(FindingFilesTest, AProgramIsTextWithItsComment) {
  FindingFiles files = store_finding(folder_, comment_for("userq_fuzzer"), "t0: resume\n",
                                     {"a note\x1b[2J"}, {"first", "se\x1b[2Jcond"});
  EXPECT_EQ(files.input.extension(), ".fence");
  EXPECT_EQ(read_file(files.input),
            "# fencebench: target=userq_fuzzer verdict=\"reference-leak fence_driver\"\n"
            "# a note\\x1b[2J\n"
            "t0: resume\n");
  EXPECT_EQ(read_file(files.report), "first\nse\\x1b[2Jcond\n");
  EXPECT_EQ(files.report.stem(), files.input.stem());
}

TEST_F(FindingFilesTest, BytesHaveTheirCommentBesideThem) {
  FindingFiles files = store_finding(folder_, comment_for("canary_fuzzer"), "\x01\x02", {"n"}, {});
  EXPECT_EQ(read_file(files.input), "\x01\x02");
  FindingComment comment = comment_from_json(read_file(sidecar_of(files.input)), files.input);
  EXPECT_EQ(comment, comment_for("canary_fuzzer"));
}

TEST_F(FindingFilesTest, WithoutAnInputThereIsAReport) {
  FindingFiles files = store_finding(folder_, comment_for("userq_fuzzer"), {}, {}, {"what"});
  EXPECT_TRUE(files.input.empty());
  EXPECT_EQ(files_in(folder_).size(), 1u);
  EXPECT_EQ(read_file(files.report), "what\n");
}

TEST_F(FindingFilesTest, EachDefectHasFilesOfItsOwn) {
  FindingComment comment = comment_for("userq_fuzzer");
  FindingFiles plain = store_finding(folder_, comment, "t0: resume\n", {}, {});
  comment.defect = "some-defect";
  EXPECT_NE(store_finding(folder_, comment, "t0: resume\n", {}, {}).input, plain.input);
}

}  // namespace
}  // namespace tool
