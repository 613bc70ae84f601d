#include "fuzz/tool/nearest.h"

#include <gtest/gtest.h>

#include "fuzz/tool/errors.h"

namespace tool {
namespace {

TEST(Nearest, FindsTheSlip) {
  std::vector<std::string> verbs = {"fuzz", "repro", "show", "asm", "test", "doctor"};
  EXPECT_EQ(nearest("fuz", verbs), "fuzz");
  EXPECT_EQ(nearest("tset", verbs), "test");
  EXPECT_EQ(nearest("docter", verbs), "doctor");
  EXPECT_EQ(nearest("reproduce", verbs), "repro");
  EXPECT_EQ(nearest("userq", {"canary_fuzzer", "userq_fuzzer"}), "userq_fuzzer");
  EXPECT_EQ(nearest("zzzzzz", verbs), "");
  EXPECT_EQ(nearest("", verbs), "");
}

TEST(Nearest, SaysWhatIsKnownWhenNothingIsNear) {
  EXPECT_EQ(suggestion("asn", {"asan", "tsan"}), "; did you mean 'asan'?");
  EXPECT_EQ(suggestion("valgrind", {"asan", "tsan"}), "; known: asan, tsan");
  EXPECT_EQ(suggestion("x", {}), "; there are none");
}

TEST(Nearest, RequireKnown) {
  EXPECT_NO_THROW(require_known("verb", "fuzz", {"fuzz"}));
  try {
    require_known("verb", "fuz\x1b", {"fuzz"});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "unknown verb 'fuz\\x1b'; did you mean 'fuzz'?");
  }
}

}  // namespace
}  // namespace tool
