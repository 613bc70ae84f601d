#include "fuzz/targets/canary_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>

#include "core/kernel/canary.h"

namespace {

kernel::CanaryCounts counts_in(const std::string& path) {
  kernel::CanaryCounts counts{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(&counts), sizeof counts);
  EXPECT_EQ(file.gcount(), static_cast<std::streamsize>(sizeof counts));
  return counts;
}

// In a child, because where the counts are kept is for the rest of a process.
template <class Function>
void in_child(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    function();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

class CanaryFileTest : public testing::Test {
 protected:
  CanaryFileTest() : path_(testing::TempDir() + "canary_file_test." + std::to_string(getpid())) {}
  ~CanaryFileTest() override { std::remove(path_.c_str()); }
  const std::string path_;
};

TEST_F(CanaryFileTest, HoldsTheCountsWhenTheProcessHasDied) {
  in_child([this] {
    if (!keep_canary_in(path_.c_str())) _exit(1);
    kernel::canary_run_begins();
    kernel::canary_run_begins();
    kernel::canary(false);
    kernel::canary_run_begins();
    kernel::canary(true);
  });
  const kernel::CanaryCounts counts = counts_in(path_);
  EXPECT_EQ(counts.runs, 3u);
  EXPECT_EQ(counts.reached, 2u);
  EXPECT_EQ(counts.triggered, 1u);
  EXPECT_EQ(counts.first_reached, 2u);
  EXPECT_EQ(counts.first_triggered, 3u);
}

TEST_F(CanaryFileTest, GoesOnWhereItStood) {
  for (int start = 0; start < 2; ++start) {
    in_child([this] {
      if (!keep_canary_in(path_.c_str())) _exit(1);
      kernel::canary_run_begins();
      kernel::canary(true);
    });
  }
  const kernel::CanaryCounts counts = counts_in(path_);
  EXPECT_EQ(counts.runs, 2u);
  EXPECT_EQ(counts.triggered, 2u);
  EXPECT_EQ(counts.first_triggered, 1u);
}

TEST_F(CanaryFileTest, ThatCannotBeWrittenIsToldWithAnErrno) {
  errno = 0;
  EXPECT_FALSE(keep_canary_in("/nonexistent/folder/file"));
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
