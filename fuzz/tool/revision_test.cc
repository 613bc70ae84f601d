#include "fuzz/tool/revision.h"

#include <gtest/gtest.h>

#include "fuzz/tool/process.h"

namespace tool {
namespace {

class RevisionTest : public testing::Test {
 protected:
  void git(std::vector<std::string> arguments) {
    Command command;
    command.argv = {"git",
                    "-C",
                    scratch_.path().string(),
                    "-c",
                    "user.name=a",
                    "-c",
                    "user.email=a@b",
                    "-c",
                    "commit.gpgsign=false"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    ASSERT_TRUE(run_and_capture(command).exit.clean());
  }
  void commit(const std::string& content, const std::string& title) {
    write_file(scratch_.path() / "a", content);
    git({"add", "."});
    git({"commit", "-q", "-m", title});
  }
  Revision now() const { return revision_of(scratch_.path()); }

  ScratchFolder scratch_{fs::temp_directory_path()};
};

TEST_F(RevisionTest, WithoutGitEverythingIsEmpty) {
  Revision revision = now();
  EXPECT_EQ(revision.id, "");
  EXPECT_EQ(revision.stamp, "");
  EXPECT_EQ(revision.text(), "");
  EXPECT_FALSE(revision.dirty);
}

TEST_F(RevisionTest, EachStateHasAnotherStamp) {
  git({"init", "-q"});
  commit("1", "one");
  Revision first = now();
  EXPECT_EQ(first.title, "one");
  EXPECT_EQ(first.text(), first.id);
  EXPECT_EQ(now().stamp, first.stamp);

  write_file(scratch_.path() / "a", "2");
  Revision changed = now();
  EXPECT_EQ(changed.id, first.id);
  EXPECT_EQ(changed.text(), first.id + "-dirty");
  EXPECT_NE(changed.stamp, first.stamp);
  write_file(scratch_.path() / "a", "3");
  EXPECT_NE(now().stamp, changed.stamp);

  commit("4", "two");
  EXPECT_NE(now().id, first.id);
  EXPECT_FALSE(now().dirty);

  write_file(scratch_.path() / "new", "");
  EXPECT_TRUE(now().dirty);
}

}  // namespace
}  // namespace tool
