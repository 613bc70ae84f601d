#include "fuzz/tool/arguments.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fuzz_report.h"

namespace tool {
namespace {

int unused(const std::vector<std::string>&) { return 0; }
constexpr Verb kVerb = {"sample", "a sample", unused};

struct Parsed {
  std::vector<std::string> targets;
  std::vector<std::string> list;
  std::string time;
  bool no_seeds = false;
  std::string error;  // what went wrong
};

Parsed parsed(const std::vector<std::string>& arguments) {
  Parsed result;
  auto app = command_line(kVerb, "Does nothing.", "  sample");
  app->add_option("TARGET", result.targets, "Targets");
  add_list(*app, "--sanitizer", result.list, "Sanitizers");
  app->add_option("--time", result.time, "Seconds");
  app->add_flag("--no-seeds", result.no_seeds, "No seeds");
  try {
    parse(*app, arguments);
  } catch (const UsageError& error) {
    result.error = error.what();
  }
  return result;
}

TEST(Arguments, FlagsAndTargetsMix) {
  Parsed result =
      parsed({"a", "--sanitizer", "asan,tsan", "b", "--time=5", "--sanitizer=asan", "--no-seeds"});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(list_items(result.list), (std::vector<std::string>{"asan", "tsan"}));
  EXPECT_EQ(result.time, "5");
  EXPECT_TRUE(result.no_seeds);
}

TEST(Arguments, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(parsed({"--tyme", "5"}).error,
            "unknown flag '--tyme' of sample; did you mean '--time'?");
  EXPECT_EQ(parsed({"--noseeds"}).error,
            "unknown flag '--noseeds' of sample; did you mean '--no-seeds'?");
  EXPECT_EQ(parsed({"--frobnicate"}).error,
            "unknown flag '--frobnicate' of sample; see './fencebench sample --help'");
}

TEST(Arguments, ErrorsAreOneLine) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--time"}, {"--time", "1", "--time", "2"}, {"--x\n\x1b[31m"}, {"--no-seeds=maybe"}}) {
    std::string error = parsed(arguments).error;
    EXPECT_NE(error, "");
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_EQ(error.find('\x1b'), std::string::npos) << error;
  }
}

TEST(Arguments, NumbersHaveARange) {
  EXPECT_EQ(number("--time", "60", 1, 100), 60u);
  EXPECT_FALSE(optional_number("--time", {}, 1, 100));
  EXPECT_EQ(optional_number("--time", "60", 1, 100), 60u);
  for (const char* bad : {"0", "101", "-1", "1.5", "5m", "x", ""}) {
    try {
      number("--time", bad, 1, 100);
      ADD_FAILURE() << bad << " accepted";
    } catch (const UsageError& error) {
      EXPECT_EQ(std::string(error.what()),
                std::string("--time is '") + bad + "'; it must be a whole number from 1 to 100");
    }
  }
}

TEST(FuzzReport, Median) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({5, 1, 3}), 3);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
}

}  // namespace
}  // namespace tool
