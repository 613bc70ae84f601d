#include "fuzz/tool/revision.h"

#include <gtest/gtest.h>

#include "fuzz/tool/fake_repository.h"

namespace tool {
namespace {

class RevisionTest : public testing::Test {
 protected:
  Revision now() const { return revision_of(scratch_.path()); }

  ScratchFolder scratch_{fs::temp_directory_path()};
  FakeRepository repository_{scratch_.path()};
};

TEST_F(RevisionTest, WithoutGitEverythingIsEmpty) {
  Revision revision = now();
  EXPECT_EQ(revision.id, "");
  EXPECT_EQ(revision.stamp, "");
  EXPECT_EQ(revision.text(), "");
  EXPECT_FALSE(revision.dirty);
}

TEST_F(RevisionTest, EachStateHasAnotherStamp) {
  ASSERT_TRUE(repository_.init());
  ASSERT_TRUE(repository_.commit("a", "1", "one"));
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

  ASSERT_TRUE(repository_.commit("a", "4", "two"));
  EXPECT_NE(now().id, first.id);
  EXPECT_FALSE(now().dirty);

  write_file(scratch_.path() / "new", "");
  EXPECT_TRUE(now().dirty);
}

}  // namespace
}  // namespace tool
