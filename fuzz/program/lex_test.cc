#include "fuzz/program/lex.h"

#include <gtest/gtest.h>

namespace program {
namespace {

using Kind = Token::Kind;

TEST(Lex, TokensAndColumns) {
  std::vector<Token> tokens = lex_line("t0:\tA = x_1  31>t1 # [");
  const struct {
    Kind kind;
    std::string_view text;
    int column;
  } expected[] = {{Kind::kWord, "t0", 1},   {Kind::kSymbol, ":", 3}, {Kind::kWord, "A", 5},
                  {Kind::kSymbol, "=", 7},  {Kind::kWord, "x_1", 9}, {Kind::kNumber, "31", 14},
                  {Kind::kSymbol, ">", 16}, {Kind::kWord, "t1", 17}, {Kind::kEnd, "", 19}};
  ASSERT_EQ(tokens.size(), std::size(expected));
  for (size_t i = 0; i < tokens.size(); i++) {
    EXPECT_EQ(tokens[i].kind, expected[i].kind) << i;
    EXPECT_EQ(tokens[i].text, expected[i].text) << i;
    EXPECT_EQ(tokens[i].column, expected[i].column) << i;
  }
}

TEST(Lex, EmptyLines) {
  for (std::string_view line : {"", "   ", "\t", "# comment", "  #"}) {
    EXPECT_EQ(lex_line(line).size(), 1u) << line;
  }
}

TEST(Lex, AnyByteIsSomeToken) {
  for (int byte = 0; byte < 256; byte++) {
    char c = static_cast<char>(byte);
    std::vector<Token> tokens = lex_line(std::string_view(&c, 1));
    EXPECT_LE(tokens.size(), 2u);
    EXPECT_EQ(tokens.back().kind, Kind::kEnd);
  }
}

TEST(Lex, Numbers) {
  auto number = [](std::string_view text) {
    uint64_t value = 0;
    return to_number(text, &value) ? std::to_string(value) : "none";
  };
  EXPECT_EQ(number("0"), "0");
  EXPECT_EQ(number("007"), "7");
  EXPECT_EQ(number("0x1F"), "31");
  EXPECT_EQ(number("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(number("0xffffffffffffffff"), "18446744073709551615");
  EXPECT_EQ(number("18446744073709551616"), "none");
  for (std::string_view text : {"", "0x", "1_000", "12ab", "0xg", "-1", "+1", " 1", "1 "}) {
    EXPECT_EQ(number(text), "none") << text;
  }
}

TEST(Lex, QuotesArePrintableAndShort) {
  EXPECT_EQ(quoted({Kind::kOther, std::string_view("\0", 1), 1}), "'\\x00'");
  EXPECT_EQ(quoted({Kind::kOther, "\xff", 1}), "'\\xff'");
  EXPECT_EQ(quoted({Kind::kEnd, "", 1}), "the end of the line");
  std::string word(5000, 'x');
  EXPECT_LT(quoted({Kind::kWord, word, 1}).size(), 60u);
}

}  // namespace
}  // namespace program
