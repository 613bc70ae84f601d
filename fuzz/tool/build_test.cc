#include "fuzz/tool/build.h"

#include <gtest/gtest.h>

#include "fuzz/tool/files.h"

namespace tool {
namespace {

TEST(Build, ReadsNinjasProgress) {
  BuildStep step = parse_build_step("[12/345] Building CXX object core/x.cc.o");
  EXPECT_EQ(step.done, 12u);
  EXPECT_EQ(step.all, 345u);
  EXPECT_EQ(step.what, "Building CXX object core/x.cc.o");
  EXPECT_EQ(parse_build_step("[ 3/10] x").done, 3u);
  for (const char* other : {"", "[", "[]", "[a/b] x", "[1 of 2]", "[5/2] x", "FAILED: x [1/2]"}) {
    EXPECT_EQ(parse_build_step(other).all, 0u) << other;
  }
}

TEST(Build, ReadsTheCMakeCache) {
  ScratchFolder scratch(fs::temp_directory_path());
  Project project(scratch.path());
  fs::create_directories(project.build_folder("asan"));
  write_file(project.build_folder("asan") / "CMakeCache.txt",
             "// The compiler\nCMAKE_CXX_COMPILER:FILEPATH=/usr/bin/clang++-22\n"
             "CMAKE_CXX_COMPILER_AR:FILEPATH=/usr/bin/ar\nX:STRING=a=b\n");
  EXPECT_EQ(cache_variable(project, "asan", "CMAKE_CXX_COMPILER"), "/usr/bin/clang++-22");
  EXPECT_EQ(cache_variable(project, "asan", "X"), "a=b");
  EXPECT_EQ(cache_variable(project, "asan", "CMAKE_CXX"), "");
  EXPECT_EQ(cache_variable(project, "tsan", "X"), "");
}

TEST(Project, ListsTargetsAndDefects) {
  ScratchFolder scratch(fs::temp_directory_path());
  Project project(scratch.path());
  EXPECT_TRUE(project.targets().empty());
  fs::create_directories(scratch.path() / "fuzz/targets");
  fs::create_directories(scratch.path() / "core/defects");
  for (const char* file :
       {"fuzz/targets/b_fuzzer.cc", "fuzz/targets/a_fuzzer.cc", "fuzz/targets/standalone_main.cc",
        "core/defects/leak.patch", "core/defects/README.md"}) {
    write_file(scratch.path() / file, "");
  }
  EXPECT_EQ(project.targets(), (std::vector<std::string>{"a_fuzzer", "b_fuzzer"}));
  EXPECT_EQ(project.defects(), (std::vector<std::string>{"leak"}));
}

TEST(Project, NamesBinariesAsTheBuildDoes) {
  Project project("/p");
  EXPECT_EQ(project.binary("asan", "userq_fuzzer", ""), "/p/build/asan/fuzz/targets/userq_fuzzer");
  EXPECT_EQ(project.binary("asan", "userq_fuzzer", "leak"),
            "/p/build/asan/defects/leak/userq_fuzzer-leak");
  EXPECT_EQ(Project::build_target("userq_fuzzer", ""), "userq_fuzzer");
  EXPECT_EQ(Project::build_target("userq_fuzzer", "leak"), "userq_fuzzer-leak");
}

}  // namespace
}  // namespace tool
