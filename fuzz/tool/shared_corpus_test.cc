#include "fuzz/tool/shared_corpus.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fuzz/tool/durable.h"
#include "fuzz/tool/sha1.h"

namespace tool {
namespace {

class SharedCorpusTest : public testing::Test {
 protected:
  SharedCorpusTest() { fs::create_directories(new_inputs_); }

  void finds(const std::string& content) { write_file(new_inputs_ / sha1(content), content); }
  std::vector<std::string> contents() const {
    std::vector<std::string> all;
    for (const std::string& name : corpus_.names())
      all.push_back(read_file(corpus_.folder() / name));
    std::sort(all.begin(), all.end());
    return all;
  }
  using Contents = std::vector<std::string>;

  ScratchFolder scratch_{fs::temp_directory_path()};
  fs::path new_inputs_ = scratch_.path() / "new";
  fs::path aside_ = scratch_.path() / "aside";
  SharedCorpus corpus_{scratch_.path() / "corpus", aside_};
};

TEST_F(SharedCorpusTest, TakesWhatAJobFound) {
  finds("a");
  finds("b");
  Taken taken = corpus_.take(new_inputs_);
  EXPECT_EQ(taken.added, 2u);
  finds("a");
  finds("c");
  taken = corpus_.take(new_inputs_);
  EXPECT_EQ(taken.added, 1u);
  EXPECT_EQ(taken.known, 1u);
  EXPECT_EQ(contents(), (Contents{"a", "b", "c"}));
  EXPECT_TRUE(files_in(new_inputs_).empty());
}

TEST_F(SharedCorpusTest, WhatIsHalfWrittenIsNotTaken) {
  finds("whole");
  write_file(new_inputs_ / sha1("an input that was cut short"), "an input th");
  write_file(new_inputs_ / sha1("nothing of it was written"), "");
  Taken taken = corpus_.take(new_inputs_);
  EXPECT_EQ(taken.added, 1u);
  EXPECT_EQ(taken.broken, 2u);
  EXPECT_EQ(contents(), (Contents{"whole"}));
}

TEST_F(SharedCorpusTest, TidyNamesByContentAndSetsAsideWhatIsNoInput) {
  const fs::path& folder = corpus_.folder();
  write_file(folder / "mine", "mine");
  write_file(folder / "double", "mine");
  write_file(folder / "-rf * \x1b[31m\n$(reboot)", "hostile name");
  write_file(folder / "empty", "");
  write_file(folder / "huge", std::string(kMostInputBytes + 1, 'x'));
  write_file(folder / "unreadable", "x");
  ::chmod((folder / "unreadable").c_str(), 0);
  fs::create_directories(folder / "folder");
  write_file(folder / "folder" / "kept", "kept");
  fs::create_symlink("/nowhere", folder / "link");
  std::vector<SetAsideFile> moved = corpus_.tidy();

  EXPECT_EQ(contents(), (Contents{"hostile name", "mine"}));
  std::vector<std::string> names;
  for (const SetAsideFile& file : moved) names.push_back(file.name + ": " + file.why);
  EXPECT_EQ(names,
            (std::vector<std::string>{"empty: it is empty", "folder: it is a folder",
                                      "huge: it is too large (1,048,577 bytes)",
                                      "link: it is a link", "unreadable: it cannot be read"}));
  // Nothing is lost.
  EXPECT_EQ(files_in(aside_), (std::vector<std::string>{"empty-1", "huge-1", "unreadable-1"}));
  EXPECT_EQ(read_file(aside_ / "folder-1" / "kept"), "kept");
  EXPECT_TRUE(corpus_.tidy().empty());
}

TEST_F(SharedCorpusTest, TwoOfTheSameNameAreBothSetAside) {
  for (int i = 0; i < 2; i++) {
    write_file(corpus_.folder() / "empty", "");
    corpus_.tidy();
  }
  EXPECT_EQ(files_in(aside_), (std::vector<std::string>{"empty-1", "empty-2"}));
}

TEST_F(SharedCorpusTest, PruningKeepsWhatCameInTheMeantime) {
  corpus_.add("a", scratch_.path());
  corpus_.add("b", scratch_.path());
  const std::vector<std::string> candidates = corpus_.names();
  corpus_.add("came later", scratch_.path());
  EXPECT_EQ(corpus_.keep_only(candidates, {sha1("b")}), 1u);
  EXPECT_EQ(contents(), (Contents{"b", "came later"}));
}

TEST_F(SharedCorpusTest, PruningDeletesNothingIfWhatIsToBeKeptIsNotThere) {
  corpus_.add("a", scratch_.path());
  EXPECT_EQ(corpus_.keep_only(corpus_.names(), {sha1("b")}), 0u);
  EXPECT_EQ(contents(), (Contents{"a"}));
}

TEST_F(SharedCorpusTest, AnInputGoesOutAndComesBack) {
  corpus_.add("a", scratch_.path());
  const fs::path out = scratch_.path() / "out";
  corpus_.move_out(sha1("a"), out);
  corpus_.move_out(sha1("not there"), out);
  EXPECT_TRUE(corpus_.names().empty());
  EXPECT_EQ(corpus_.take(out).added, 1u);
  EXPECT_EQ(contents(), (Contents{"a"}));
}

TEST_F(SharedCorpusTest, AddsEachContentOnce) {
  EXPECT_TRUE(corpus_.add("a", scratch_.path()));
  EXPECT_FALSE(corpus_.add("a", scratch_.path()));
  EXPECT_FALSE(corpus_.add("", scratch_.path()));
  EXPECT_EQ(contents(), (Contents{"a"}));
}

TEST_F(SharedCorpusTest, ADurableWriteReplacesTheWholeFile) {
  const fs::path file = scratch_.path() / "file";
  write_durably(file, "first");
  write_durably(file, "second");
  EXPECT_EQ(read_file(file), "second");
  EXPECT_EQ(files_in(scratch_.path()), (std::vector<std::string>{"file"}));
}

TEST_F(SharedCorpusTest, ADurableWriteThatFailsLeavesWhatWasThere) {
  const fs::path file = "/dev/full-is-no-folder/file";
  EXPECT_THROW(write_durably(file, "x"), EnvironmentError);
  EXPECT_TRUE(is_unfinished_write("findings/report.txt.unfinished-write"));
  EXPECT_FALSE(is_unfinished_write("findings/report.txt"));
}

}  // namespace
}  // namespace tool
