#include "fuzz/tool/history.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_repository.h"

namespace tool {
namespace {

class HistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_);
    ASSERT_TRUE(repository_.init());
    for (int i = 0; i < 6; i++) commit("state", std::to_string(i), "change " + std::to_string(i));
  }

  bool git(const std::vector<std::string>& arguments) { return repository_.git(arguments); }
  void commit(const std::string& file, const std::string& content, const std::string& title) {
    ASSERT_TRUE(repository_.commit(file, content, title));
  }

  static std::string failure(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }

  ScratchFolder scratch_{fs::temp_directory_path()};
  fs::path root_ = scratch_.path() / "a repository";
  FakeRepository repository_{root_};
};

TEST_F(HistoryTest, GoesFromTheNamedOneToHead) {
  History history = history_since(root_, "HEAD~3");
  ASSERT_EQ(history.commits.size(), 4u);
  EXPECT_EQ(history.commits.front().title, "change 2");
  EXPECT_EQ(history.commits.back().title, "change 5");
  EXPECT_FALSE(history.common_ancestor);
  EXPECT_EQ(history.commits.back().id.size(), 40u);
  EXPECT_EQ(history.commits.back().date.size(), 10u);
}

TEST_F(HistoryTest, OfAnotherBranchTheCommonAncestorCounts) {
  ASSERT_TRUE(git({"checkout", "--quiet", "-b", "side", "HEAD~2"}));
  commit("other", "x", "aside");
  ASSERT_TRUE(git({"checkout", "--quiet", "main"}));
  History history = history_since(root_, "side");
  EXPECT_TRUE(history.common_ancestor);
  ASSERT_EQ(history.commits.size(), 3u);
  EXPECT_EQ(history.commits.front().title, "change 3");
}

TEST_F(HistoryTest, AMergeIsOneStep) {
  ASSERT_TRUE(git({"checkout", "--quiet", "-b", "side", "HEAD~1"}));
  commit("other", "x", "aside");
  ASSERT_TRUE(git({"checkout", "--quiet", "main"}));
  ASSERT_TRUE(git({"merge", "--quiet", "--no-ff", "-m", "merged", "side"}));
  History history = history_since(root_, "HEAD~2");
  ASSERT_EQ(history.commits.size(), 3u);
  EXPECT_EQ(history.commits[1].title, "change 5");
  EXPECT_EQ(history.commits[2].title, "merged");
}

TEST_F(HistoryTest, WhatThereIsNotIsSaidWithTheNearestName) {
  EXPECT_EQ(failure([&] { history_since(root_, "mian"); }),
            "there is no commit 'mian' here; did you mean 'main'?");
  EXPECT_TRUE(failure([&] { history_since(root_, "--all"); }).starts_with("there is no commit"));
  EXPECT_TRUE(
      failure([&] { history_since(root_, "\x1b[2J"); }).starts_with("there is no commit '\\x1b"));
  EXPECT_TRUE(failure([&] { history_since(root_, "HEAD"); }).find("nothing between") !=
              std::string::npos);
  EXPECT_THROW(history_since(scratch_.path(), "HEAD~1"), EnvironmentError);
}

TEST_F(HistoryTest, HistoriesWithNothingInCommonAreRefused) {
  ASSERT_TRUE(git({"checkout", "--quiet", "--orphan", "alone"}));
  commit("other", "x", "aside");
  ASSERT_TRUE(git({"checkout", "--quiet", "main"}));
  EXPECT_EQ(failure([&] { history_since(root_, "alone"); }),
            "'alone' and HEAD have no history in common");
}

TEST_F(HistoryTest, TheSecondCheckoutLeavesTheFirstAlone) {
  write_file(root_ / "state", "not committed");
  History history = history_since(root_, "HEAD~4");
  const fs::path folder = root_ / "build" / "since";
  {
    SecondCheckout second(root_, folder);
    second.put(history.commits.front());
    EXPECT_EQ(read_file(folder / "state"), "1");
    write_file(folder / "state", "trampled on");
    write_file(folder / "object", "built");
    second.put(history.commits.back());
    EXPECT_EQ(read_file(folder / "state"), "5");
    EXPECT_EQ(read_file(folder / "object"), "built");
    EXPECT_THROW(SecondCheckout(root_, folder), EnvironmentError);
  }
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_EQ(read_file(root_ / "state"), "not committed");
  EXPECT_TRUE(files_in(root_ / ".git/worktrees").empty());
}

// As a kill leaves it.
TEST_F(HistoryTest, WhatStoodInTheFolderIsReplaced) {
  const fs::path folder = root_ / "build" / "since";
  fs::create_directories(folder / ".git");
  write_file(folder / "left", "over");
  SecondCheckout second(root_, folder);
  second.put(history_since(root_, "HEAD~1").commits.front());
  EXPECT_FALSE(fs::exists(folder / "left"));
  EXPECT_EQ(read_file(folder / "state"), "4");
}

}  // namespace
}  // namespace tool
