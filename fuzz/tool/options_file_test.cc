#include "fuzz/tool/options_file.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"

namespace tool {
namespace {

TEST(OptionsFile, ParsesLinesAndDropsComments) {
  EXPECT_EQ(parse_options("# why\nhalt_on_error=1\n\n  exitcode=66   # told apart\n", "t.options"),
            (std::vector<std::string>{"halt_on_error=1", "exitcode=66"}));
  EXPECT_TRUE(parse_options("", "t.options").empty());
}

TEST(OptionsFile, NamesTheBadLine) {
  try {
    parse_options("a=1\nhalt_on_error\n", "sanitizers/tsan.options");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "sanitizers/tsan.options:2: 'halt_on_error' is not of the form key=value");
  }
  EXPECT_THROW(parse_options("=1", "t.options"), UsageError);
}

TEST(OptionsFile, JoinsAndQuotes) {
  EXPECT_EQ(join_options({}), "");
  EXPECT_EQ(join_options({"a=1", "b=x/y"}), "a=1:b=x/y");
  EXPECT_EQ(join_options({"log_path=/a:b", "c=\"d:e\""}), "log_path='/a:b':c=\"d:e\"");
}

TEST(OptionsFile, EnvironmentHoldsEachSanitizer) {
  ScratchFolder scratch(fs::temp_directory_path());
  write_file(scratch.path() / "asan.options", "detect_leaks=1\n");
  write_file(scratch.path() / "lsan.options", "suppressions=lsan.supp\n");
  auto environment = sanitizer_environment(scratch.path(), {"symbolize=0"});
  EXPECT_EQ(environment.size(), 5u);
  EXPECT_EQ(environment["ASAN_OPTIONS"], "detect_leaks=1:symbolize=0");
  EXPECT_EQ(environment["LSAN_OPTIONS"],
            "suppressions=" + (scratch.path() / "lsan.supp").string() + ":symbolize=0");
  EXPECT_EQ(environment["TSAN_OPTIONS"], "symbolize=0");
}

}  // namespace
}  // namespace tool
