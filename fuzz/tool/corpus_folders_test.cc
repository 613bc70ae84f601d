#include "fuzz/tool/corpus_folders.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "fuzz/tool/sha1.h"
#include "fuzz/tool/shared_corpus.h"

namespace tool {
namespace {

class CorpusFolders : public testing::Test {
 protected:
  fs::path folder(const std::string& name, const std::vector<std::string>& inputs) {
    fs::path made = scratch_.path() / name;
    fs::create_directories(made);
    for (const std::string& input : inputs) write_file(made / sha1(input), input);
    return made;
  }
  fs::path at(const std::string& name) const { return scratch_.path() / name; }

  ScratchFolder scratch_{fs::temp_directory_path()};
};

TEST_F(CorpusFolders, AllVariantsButOnesOwnLieBeside) {
  folder("T/asan", {});
  folder("T/tsan", {});
  folder("T/afl", {});
  write_file(at("T/file"), "x");
  EXPECT_EQ(corpora_beside(at("T/asan")), (std::vector<fs::path>{at("T/afl"), at("T/tsan")}));
  EXPECT_TRUE(corpora_beside(at("U/asan")).empty());
}

TEST_F(CorpusFolders, InputsAreGatheredOnceUnderTheNameOfTheirContent) {
  folder("a", {"one", "two"});
  folder("b", {"two", "three"});
  write_file(at("b/seed.fence"), "one");
  EXPECT_EQ(gather_inputs({at("a"), at("b")}, at("all"), Gather::kCopy), 3u);
  std::vector<std::string> names = {sha1("one"), sha1("three"), sha1("two")};
  std::sort(names.begin(), names.end());
  EXPECT_EQ(files_in(at("all")), names);
  EXPECT_EQ(read_file(at("all") / sha1("three")), "three");
}

TEST_F(CorpusFolders, WhatHasItsNameIsLinkedWhereNobodyWrites) {
  folder("a", {"one"});
  write_file(at("a/named"), "two");
  EXPECT_EQ(gather_inputs({at("a")}, at("links"), Gather::kLink), 2u);
  EXPECT_EQ(fs::hard_link_count(at("links") / sha1("one")), 2u);
  EXPECT_EQ(read_file(at("links") / sha1("two")), "two");
  EXPECT_EQ(gather_inputs({at("a")}, at("copies"), Gather::kCopy), 2u);
  EXPECT_EQ(fs::hard_link_count(at("copies") / sha1("one")), 1u);
}

TEST_F(CorpusFolders, WhatIsKnownIsLeftOut) {
  folder("a", {"one", "two"});
  folder("own", {"two"});
  EXPECT_EQ(gather_inputs({at("a")}, at("all"), Gather::kCopy, {at("own")}), 1u);
  EXPECT_TRUE(fs::exists(at("all") / sha1("one")));
}

TEST_F(CorpusFolders, WhatIsNoInputIsLeftOut) {
  folder("a", {"good"});
  write_file(at("a/empty"), "");
  write_file(at("a/large"), std::string(kMostInputBytes + 1, 'x'));
  fs::create_directories(at("a/folder"));
  ::mkfifo((at("a") / "fifo").c_str(), 0600);
  fs::create_symlink("nowhere", at("a/dangling"));
  write_file(at("a") / "$(reboot)\n\x1b[31m", "hostile name");
  EXPECT_EQ(gather_inputs({at("a"), at("nowhere")}, at("all"), Gather::kCopy), 2u);
  EXPECT_TRUE(fs::exists(at("all") / sha1("good")));
  EXPECT_TRUE(fs::exists(at("all") / sha1("hostile name")));
}

TEST_F(CorpusFolders, AnInputIsAddedOnce) {
  folder("scratch", {});
  EXPECT_TRUE(add_input(at("new"), "input", at("scratch")));
  EXPECT_FALSE(add_input(at("new"), "input", at("scratch")));
  EXPECT_EQ(read_file(at("new") / sha1("input")), "input");
  EXPECT_TRUE(files_in(at("scratch")).empty());
}

}  // namespace
}  // namespace tool
