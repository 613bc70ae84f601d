#include "fuzz/tool/strings.h"

#include <gtest/gtest.h>

#include <array>

namespace tool {
namespace {

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,b", ','), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split("a,,", ','), (std::vector<std::string>{"a", "", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(Strings, NumbersAreWholeOrNothing) {
  EXPECT_EQ(to_number("60"), 60u);
  EXPECT_EQ(to_number("18446744073709551615"), UINT64_MAX);
  for (const char* bad :
       {"", "-1", "+1", " 1", "1 ", "1s", "0x10", "1e3", "18446744073709551616"}) {
    EXPECT_FALSE(to_number(bad)) << bad;
  }
}

TEST(Strings, PrintableLetsNoControlThrough) {
  EXPECT_EQ(printable("plain\ttext"), "plain\ttext");
  EXPECT_EQ(printable("\x1b[31mred\a\r\n"), "\\x1b[31mred\\x07\\x0d\\x0a");
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b"
            "31m");  // C1 control: CSI
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "txt"),
            "\\xe2\\x80\\xae"
            "txt");  // right-to-left override
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

// Whatever the bytes, the result holds neither controls nor DEL.
TEST(Strings, PrintableHoldsForEveryPairOfBytes) {
  for (int first = 0; first < 256; first++) {
    for (int second = 0; second < 256; second++) {
      std::array<char, 2> bytes = {static_cast<char>(first), static_cast<char>(second)};
      for (unsigned char c : printable({bytes.data(), bytes.size()})) {
        ASSERT_TRUE((c >= 0x20 && c != 0x7f) || c == '\t') << first << " " << second;
      }
    }
  }
}

TEST(Strings, SlugIsSafeAsAFileName) {
  EXPECT_EQ(slug("reference-leak fence_driver held by fence_drv_array", 60),
            "reference-leak-fence-driver-held-by-fence-drv-array");
  EXPECT_EQ(slug("../../etc/passwd", 60), "etc-passwd");
  EXPECT_EQ(slug("AddressSanitizer: SEGV", 60), "addresssanitizer-segv");
  EXPECT_EQ(slug("abc-def", 4), "abc");
  EXPECT_EQ(slug("\x1b\n", 60), "unnamed");
}

TEST(Strings, Human) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(human_seconds(0.44), "0.4 s");
  EXPECT_EQ(human_seconds(125.2), "2m05s");
  EXPECT_EQ(human_seconds(3720), "1h02m");
}

TEST(Strings, ShellQuote) {
  EXPECT_EQ(shell_quote("out/findings/a-1.fence"), "out/findings/a-1.fence");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Strings, ContentHashIsFnv1a) {
  EXPECT_EQ(content_hash(""), 0xcbf29ce484222325u);
  EXPECT_EQ(content_hash("a"), 0xaf63dc4c8601ec8cu);
}

}  // namespace
}  // namespace tool
