#include "fuzz/tool/cxx_source.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tool::cxx {
namespace {

using Kind = Statement::Kind;

bool is_word_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

constexpr std::array<std::string_view, 26> kSigns = {
    "<<=", ">>=", "<=>", "->*", "...", "::", "->", "++", "--", "<<", ">>", "<=", ">=",
    "==",  "!=",  "&&",  "||",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##"};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (skip_blank()) tokens_.push_back(next());
    return std::move(tokens_);
  }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  // Past blanks, comments and lines of the preprocessor. False: the end.
  bool skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        line_is_empty_ = true;
        at_++;
      } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
        at_++;
      } else if (c == '/' && at(at_ + 1) == '/') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '/' && at(at_ + 1) == '*') {
        const size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else if (c == '#' && line_is_empty_) {
        skip_directive();
      } else {
        line_is_empty_ = false;
        return true;
      }
    }
    return false;
  }

  void skip_directive() {
    while (at_ < text_.size() && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_, text_.size());
  }

  Token next() {
    const size_t begin = at_;
    const char c = text_[at_];
    Token::Kind kind = Token::Kind::kSign;
    if (is_word_start(c)) {
      kind = Token::Kind::kWord;
      while (is_word(at(at_))) at_++;
      if (at(at_) == '"' && text_[at_ - 1] == 'R') {
        kind = Token::Kind::kText;
        skip_raw();
      }
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      kind = Token::Kind::kNumber;
      while (is_word(at(at_)) || at(at_) == '.' || at(at_) == '\'') at_++;
    } else if (c == '"' || c == '\'') {
      kind = Token::Kind::kText;
      at_++;
      while (at_ < text_.size() && text_[at_] != c) at_ += text_[at_] == '\\' ? 2 : 1;
      at_ = std::min(at_ + 1, text_.size());
    } else {
      const std::string_view rest = text_.substr(at_);
      auto sign = std::find_if(kSigns.begin(), kSigns.end(),
                               [rest](std::string_view one) { return rest.starts_with(one); });
      at_ += sign != kSigns.end() ? sign->size() : 1;
    }
    return {kind, {begin, at_}};
  }

  void skip_raw() {
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      return;
    }
    const std::string close = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const size_t end = text_.find(close, open);
    at_ = end == std::string_view::npos ? text_.size() : end + close.size();
  }

  std::string_view text_;
  size_t at_ = 0;
  bool line_is_empty_ = true;
  std::vector<Token> tokens_;
};

bool opens(std::string_view sign) { return sign == "(" || sign == "[" || sign == "{"; }
bool closes(std::string_view sign) { return sign == ")" || sign == "]" || sign == "}"; }

// Reads statements from tokens.
class Reader {
 public:
  explicit Reader(const Source& source) : source_(source) {}

  // Functions between two tokens outside of any function.
  void scope(Range tokens, std::vector<Function>& functions) const {
    size_t head = tokens.begin;
    for (size_t i = tokens.begin; i < tokens.end; i++) {
      const std::string_view word = source_.word(i);
      if (word == ";" || (word == ":" && is_access(head, i))) {
        head = i + 1;
      } else if (word == "(" || word == "[") {
        i = source_.partner(i);
      } else if (word == "{") {
        const size_t close = source_.partner(i);
        if (close == i) return;
        if (is_open_scope(head, i)) {
          scope({i + 1, close}, functions);
        } else if (auto name = function_name({head, i})) {
          functions.push_back({*name, block(i)});
        } else {
          i = close;
          continue;  // an initializer: the declaration goes on to its `;`
        }
        i = close;
        head = i + 1;
      }
    }
  }

 private:
  bool is_access(size_t head, size_t colon) const {
    const std::string_view word = source_.word(head);
    return colon == head + 1 && (word == "public" || word == "private" || word == "protected");
  }

  bool has(Range head, std::string_view word) const { return source_.mentions(head, word); }

  bool is_open_scope(size_t head, size_t brace) const {
    const Range range{head, brace};
    if (has(range, "namespace") || source_.word(head) == "extern") return true;
    const bool type = has(range, "class") || has(range, "struct") || has(range, "union");
    return type && !has(range, "(") && source_.outer(range, "=").empty() && !has(range, "enum");
  }

  // "int f(int x) const" or "X(int x) : y(x)": the word before the first parenthesis.
  std::optional<std::string> function_name(Range head) const {
    if (!source_.outer(head, "=").empty()) return std::nullopt;
    for (size_t i = head.begin + 1; i < head.end; i++) {
      if (source_.word(i) != "(") continue;
      const Token& before = source_.tokens()[i - 1];
      if (before.kind != Token::Kind::kWord) return std::nullopt;
      std::string name(source_.word(i - 1));
      if (i >= 2 && source_.word(i - 2) == "~") name.insert(0, "~");
      return name;
    }
    return std::nullopt;
  }

  Statement block(size_t brace) const {
    Statement statement;
    statement.kind = Kind::kBlock;
    const size_t close = source_.partner(brace);
    statement.tokens = {brace, close + 1};
    for (size_t i = brace + 1; i < close;) {
      statement.children.push_back(read(i, close));
      i = std::max(statement.children.back().tokens.end, i + 1);
    }
    return statement;
  }

  // One that begins at token `i` and ends at `limit` at the latest.
  Statement read(size_t i, size_t limit) const {
    const std::string_view word = source_.word(i);
    if (word == "{") return block(i);
    if (word == "if") return read_if(i, limit);
    if (word == "for" || word == "while") return with_body(i, i + 1, limit, Kind::kLoop);
    if (word == "switch") return with_body(i, i + 1, limit, Kind::kSwitch);
    if (word == "case" || word == "default") return label(i, limit);
    if (word == "return") return simple(i, limit, Kind::kReturn);
    if (word == "break" || word == "continue" || word == "goto")
      return simple(i, limit, Kind::kJump);
    if (word == "do" || word == "try" || word == "struct" || word == "class" || word == "using" ||
        word == "static_assert")
      return simple(i, limit, Kind::kOther);
    if (const size_t open = macro_loop(i); open != 0) return with_body(i, open, limit, Kind::kLoop);
    return simple(i, limit, is_declaration(i) ? Kind::kDeclaration : Kind::kExpression);
  }

  Statement read_if(size_t i, size_t limit) const {
    const size_t open = source_.word(i + 1) == "constexpr" ? i + 2 : i + 1;
    Statement statement = with_body(i, open, limit, Kind::kIf);
    if (source_.word(statement.tokens.end) != "else") return statement;
    statement.children.push_back(read(statement.tokens.end + 1, limit));
    statement.tokens.end = statement.children.back().tokens.end;
    return statement;
  }

  Statement with_body(size_t i, size_t open, size_t limit, Kind kind) const {
    Statement statement;
    statement.kind = kind;
    statement.is_for = source_.word(i) == "for";
    const size_t close = source_.partner(open);
    if (source_.word(open) != "(" || close == open || close + 1 >= limit)
      return simple(i, limit, Kind::kOther);
    statement.head = {open + 1, close};
    statement.children.push_back(read(close + 1, limit));
    statement.tokens = {i, statement.children.back().tokens.end};
    return statement;
  }

  Statement label(size_t i, size_t limit) const {
    Statement statement;
    statement.kind = Kind::kLabel;
    size_t end = i;
    while (end < limit && source_.word(end) != ":") end++;
    statement.tokens = {i, std::min(end + 1, limit)};
    return statement;
  }

  // To its `;`.
  Statement simple(size_t i, size_t limit, Kind kind) const {
    Statement statement;
    statement.kind = kind;
    size_t end = i;
    while (end < limit && source_.word(end) != ";")
      end = opens(source_.word(end)) ? source_.partner(end) + 1 : end + 1;
    statement.tokens = {i, std::min(end + 1, limit)};
    return statement;
  }

  // The opening parenthesis of a macro that is a loop: after its arguments a statement begins.
  // 0: it is none.
  size_t macro_loop(size_t i) const {
    if (source_.tokens()[i].kind != Token::Kind::kWord || source_.word(i + 1) != "(") return 0;
    const size_t after = source_.partner(i + 1) + 1;
    const std::string_view name = source_.word(i);
    const bool named_so = name.find("for_each") != std::string_view::npos ||
                          name.find("until_all") != std::string_view::npos;
    const bool begins =
        source_.word(after) == "{" ||
        (after < source_.tokens().size() && source_.tokens()[after].kind == Token::Kind::kWord);
    return named_so || begins ? i + 1 : 0;
  }

  // "const T x", "T x", "T* x", "T<U> x".
  bool is_declaration(size_t i) const {
    static constexpr std::array<std::string_view, 9> kBegin = {
        "const", "constexpr", "static", "auto", "unsigned", "int", "bool", "uint32_t", "uint64_t"};
    if (std::find(kBegin.begin(), kBegin.end(), source_.word(i)) != kBegin.end()) return true;
    if (!is_word_token(i)) return false;
    while (source_.word(i + 1) == "::") i += 2;
    const std::string_view next = source_.word(i + 1);
    if (next == "<" && source_.tokens()[i + 1].bytes.begin == source_.tokens()[i].bytes.end)
      return true;
    size_t after = i + 1;
    while (source_.word(after) == "*" || source_.word(after) == "&") after++;
    return is_word_token(after);
  }

  bool is_word_token(size_t i) const {
    return i < source_.tokens().size() && source_.tokens()[i].kind == Token::Kind::kWord;
  }

  const Source& source_;
};

}  // namespace

Source::Source(std::string text) : text_(std::move(text)), tokens_(Lexer(text_).run()) {
  partner_.resize(tokens_.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < tokens_.size(); i++) {
    partner_[i] = i;
    if (tokens_[i].kind != Token::Kind::kSign) continue;
    if (opens(word(i))) {
      open.push_back(i);
    } else if (closes(word(i)) && !open.empty()) {
      partner_[i] = open.back();
      partner_[open.back()] = i;
      open.pop_back();
    }
  }
  lines_.push_back(0);
  for (size_t i = 0; i < text_.size(); i++)
    if (text_[i] == '\n') lines_.push_back(i + 1);
  // A file that does not close what it opens is none of ours.
  if (open.empty()) Reader(*this).scope({0, tokens_.size()}, functions_);
}

std::string_view Source::word(size_t i) const {
  if (i >= tokens_.size()) return {};
  const Range& bytes = tokens_[i].bytes;
  return std::string_view(text_).substr(bytes.begin, bytes.end - bytes.begin);
}

Range Source::bytes_of(Range tokens) const {
  if (tokens.empty() || tokens.end > tokens_.size()) return {};
  return {tokens_[tokens.begin].bytes.begin, tokens_[tokens.end - 1].bytes.end};
}

std::string_view Source::text_of(Range tokens) const {
  const Range bytes = bytes_of(tokens);
  return std::string_view(text_).substr(bytes.begin, bytes.end - bytes.begin);
}

size_t Source::line_of(size_t byte) const {
  return static_cast<size_t>(std::upper_bound(lines_.begin(), lines_.end(), byte) - lines_.begin());
}

size_t Source::line_begin(size_t byte) const { return lines_[line_of(byte) - 1]; }

size_t Source::line_end(size_t byte) const {
  const size_t line = line_of(byte);
  return line < lines_.size() ? lines_[line] : text_.size();
}

std::string Source::indent_at(size_t byte) const {
  const size_t begin = line_begin(byte);
  const size_t end = text_.find_first_not_of(' ', begin);
  return text_.substr(begin, std::min(end, byte) - begin);
}

bool Source::alone_on_its_lines(const Statement& statement) const {
  const Range bytes = bytes_of(statement.tokens);
  auto blank = [this](size_t begin, size_t end) {
    return std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                       text_.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char c) { return c == ' ' || c == '\n'; });
  };
  return blank(line_begin(bytes.begin), bytes.begin) && blank(bytes.end, line_end(bytes.end - 1));
}

std::vector<size_t> Source::outer(Range tokens, std::string_view sign) const {
  std::vector<size_t> found;
  for (size_t i = tokens.begin; i < tokens.end; i++) {
    if (word(i) == sign) found.push_back(i);
    if (opens(word(i))) i = partner_[i];
  }
  return found;
}

size_t Source::count(Range tokens, std::string_view wanted) const {
  size_t count = 0;
  for (size_t i = tokens.begin; i < tokens.end; i++) count += word(i) == wanted ? 1 : 0;
  return count;
}

bool Source::mentions(Range tokens, std::string_view wanted) const {
  return count(tokens, wanted) > 0;
}

std::optional<Call> Source::call_at(size_t name_token) const {
  static constexpr std::array<std::string_view, 8> kNoCalls = {
      "if", "for", "while", "switch", "return", "sizeof", "alignof", "static_assert"};
  if (tokens_[name_token].kind != Token::Kind::kWord || word(name_token + 1) != "(")
    return std::nullopt;
  if (std::find(kNoCalls.begin(), kNoCalls.end(), word(name_token)) != kNoCalls.end())
    return std::nullopt;
  const size_t open = name_token + 1;
  const size_t close = partner_[open];
  if (close == open) return std::nullopt;
  Call call;
  call.name = word(name_token);
  call.name_token = name_token;
  size_t first = name_token;
  while (first >= 2 &&
         (word(first - 1) == "::" || word(first - 1) == "." || word(first - 1) == "->") &&
         tokens_[first - 2].kind == Token::Kind::kWord)
    first -= 2;
  call.tokens = {first, close + 1};
  size_t begin = open + 1;
  for (size_t comma : outer({begin, close}, ",")) {
    call.arguments.push_back({begin, comma});
    begin = comma + 1;
  }
  if (begin < close) call.arguments.push_back({begin, close});
  return call;
}

std::vector<Call> Source::calls(Range tokens) const {
  std::vector<Call> found;
  for (size_t i = tokens.begin; i < tokens.end; i++)
    if (auto call = call_at(i)) found.push_back(std::move(*call));
  return found;
}

std::optional<Call> Source::sole_call(const Statement& statement) const {
  if (statement.kind != Statement::Kind::kExpression) return std::nullopt;
  for (size_t i = statement.tokens.begin; i < statement.tokens.end; i++) {
    if (word(i) == "(") return std::nullopt;
    auto call = call_at(i);
    if (!call) continue;
    const bool whole = call->tokens.begin == statement.tokens.begin &&
                       call->tokens.end + 1 == statement.tokens.end;
    return whole ? call : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tool::cxx
