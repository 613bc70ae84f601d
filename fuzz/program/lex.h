// Tokens of one line of the `.fence` form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace program {

struct Token {
  enum class Kind : uint8_t {
    kWord,    // a letter or _, then letters, digits and _
    kNumber,  // a digit, then letters, digits and _; number() says whether it is one
    kSymbol,  // one of = : [ ] , >
    kOther,   // any other byte
    kEnd,     // of the line or the comment sign
  };
  Kind kind = Kind::kEnd;
  std::string_view text;
  int column = 1;

  bool is(std::string_view word) const { return kind != Kind::kEnd && text == word; }
};

// Always ends with a kEnd token, whose column is one past the last token.
std::vector<Token> lex_line(std::string_view line);

// Decimal or 0x hex; false if `text` is no number or exceeds 64 bits.
bool to_number(std::string_view text, uint64_t* value);

// The token as it may be shown in a message: quoted, shortened, unprintable bytes as \xNN.
std::string quoted(const Token& token);

}  // namespace program
