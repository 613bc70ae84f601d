#include "fuzz/program/lex.h"

#include <charconv>

namespace program {

namespace {

constexpr size_t kLongestQuote = 40;

// Not <cctype>: the same for every locale, and defined for all bytes.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_symbol(char c) { return std::string_view("=:[],>").find(c) != std::string_view::npos; }

}  // namespace

std::vector<Token> lex_line(std::string_view line) {
  std::vector<Token> tokens;
  int end_column = 1;
  for (size_t at = 0; at < line.size() && line[at] != '#';) {
    char c = line[at];
    if (c == ' ' || c == '\t') {
      at++;
      continue;
    }
    size_t end = at + 1;
    Token::Kind kind = is_symbol(c) ? Token::Kind::kSymbol : Token::Kind::kOther;
    if (is_word_char(c)) {
      kind = is_digit(c) ? Token::Kind::kNumber : Token::Kind::kWord;
      while (end < line.size() && is_word_char(line[end])) end++;
    }
    tokens.push_back({kind, line.substr(at, end - at), static_cast<int>(at) + 1});
    at = end;
    end_column = static_cast<int>(end) + 1;
  }
  tokens.push_back({Token::Kind::kEnd, {}, end_column});
  return tokens;
}

bool to_number(std::string_view text, uint64_t* value) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return error == std::errc() && end == text.data() + text.size();
}

std::string quoted(const Token& token) {
  if (token.kind == Token::Kind::kEnd) return "the end of the line";
  std::string text = "'";
  for (char c : token.text.substr(0, kLongestQuote)) {
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      unsigned char byte = static_cast<unsigned char>(c);
      text += "\\x";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  if (token.text.size() > kLongestQuote) text += "...";
  return text + "'";
}

}  // namespace program
