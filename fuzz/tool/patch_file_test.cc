#include "fuzz/tool/patch_file.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_target.h"

namespace tool {
namespace {

constexpr const char* kSource = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

class PatchFileTest : public testing::Test {
 protected:
  PatchFileTest() {
    put("core/userq/queue.cc", kSource);
    put("core/userq/fence.cc", kSource);
    put("core/defects/a-leak.patch",
        "name: a-leak\n\n--- a/core/userq/queue.cc\n+++ b/core/userq/queue.cc\n"
        "@@ -1,4 +1,3 @@\n one\n-two\n three\n four\n");
  }
  void put(const std::string& name, const std::string& content) {
    fs::create_directories((checkout_.root() / name).parent_path());
    write_file(checkout_.root() / name, content);
  }
  PatchedCore patch(const std::string& text, const std::string& defect = "") {
    return patch_core(checkout_.project(), defect, text, "my fix.patch");
  }
  std::string refusal(const std::string& text) {
    try {
      patch(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  FakeCheckout checkout_;
};

std::string change(const std::string& from, const std::string& to) {
  return "--- " + from + "\n+++ " + to + "\n@@ -3,3 +3,3 @@\n three\n-four\n+FOUR\n five\n";
}

TEST_F(PatchFileTest, FormsOfGitAndDiffAreTheSameCore) {
  const PatchedCore git = patch("From: a mail\n\ndiff --git a/core/userq/queue.cc b/...\n" +
                                change("a/core/userq/queue.cc", "b/core/userq/queue.cc"));
  EXPECT_EQ(git.name.substr(0, 13), "patch-my-fix-");
  EXPECT_NE(git.diff.find("+FOUR"), std::string::npos);
  const PatchedCore plain =
      patch(change("core/userq/queue.cc", "core/userq/queue.cc\t2026-11-20 10:00:00"));
  EXPECT_EQ(git.name, plain.name);
  EXPECT_EQ(git.diff, plain.diff);
}

TEST_F(PatchFileTest, LinesMayHaveMoved) {
  put("core/userq/queue.cc", "new\nnew\nnew\n" + std::string(kSource));
  const PatchedCore core = patch(change("a/core/userq/queue.cc", "b/core/userq/queue.cc"));
  EXPECT_NE(core.diff.find("@@ -4,7 +4,7 @@"), std::string::npos) << core.diff;
}

TEST_F(PatchFileTest, ComesOnTopOfADefect) {
  const PatchedCore core = patch(
      "--- a/core/userq/queue.cc\n+++ b/core/userq/queue.cc\n"
      "@@ -1,3 +1,3 @@\n one\n-three\n+THREE\n four\n",
      "a-leak");
  EXPECT_NE(core.diff.find("-two"), std::string::npos) << core.diff;
  EXPECT_NE(core.diff.find("+THREE"), std::string::npos) << core.diff;
}

TEST_F(PatchFileTest, WhatUndoesTheDefectIsTheCoreAsItIs) {
  const PatchedCore core = patch(
      "--- a/core/userq/queue.cc\n+++ b/core/userq/queue.cc\n"
      "@@ -1,3 +1,4 @@\n one\n+two\n three\n four\n",
      "a-leak");
  EXPECT_EQ(core.name, "");
  EXPECT_EQ(core.diff, "");
}

TEST_F(PatchFileTest, SaysWhyItIsOfNoUse) {
  EXPECT_NE(refusal("hello\n").find("is no patch"), std::string::npos);
  EXPECT_NE(refusal(change("a/core/userq/gone.cc", "b/core/userq/gone.cc")).find("there is not"),
            std::string::npos);
  EXPECT_NE(refusal(change("a/README.md", "b/README.md")).find("sources below core/"),
            std::string::npos);
  EXPECT_NE(refusal(change("a/core/../../etc/x.cc", "b/core/../../etc/x.cc")).find("sources below"),
            std::string::npos);
  EXPECT_NE(refusal("--- a/core/userq/queue.cc\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n")
                .find("deletes a file"),
            std::string::npos);
  EXPECT_NE(refusal("--- a/core/userq/queue.cc\n+++ b/core/userq/queue.cc\n"
                    "@@ -1,3 +1,3 @@\n alpha\n-beta\n+gamma\n delta\n")
                .find("does not apply"),
            std::string::npos);
}

TEST_F(PatchFileTest, IsKnownToTheBuildForAWhileAndKeptForLater) {
  const fs::path active = checkout_.root() / "build/patches";
  std::string name;
  {
    ActivePatches patches(checkout_.project());
    put("my.patch", change("a/core/userq/queue.cc", "b/core/userq/queue.cc"));
    name = patches.add_file("", checkout_.root() / "my.patch");
    EXPECT_TRUE(is_patched_core(name));
    EXPECT_EQ(files_in(active), (std::vector<std::string>{name + ".patch"}));
  }
  EXPECT_TRUE(files_in(active).empty());
  ActivePatches later(checkout_.project());
  EXPECT_TRUE(later.add_kept(name));
  EXPECT_EQ(files_in(active), (std::vector<std::string>{name + ".patch"}));
  EXPECT_FALSE(later.add_kept("patch-unknown-00000000"));
  EXPECT_FALSE(later.add_kept("patch-../../etc/passwd"));
}

}  // namespace
}  // namespace tool
