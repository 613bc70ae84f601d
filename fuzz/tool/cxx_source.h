// The functions and statements of a C++ file, as far as a mutation needs them: where each begins
// and ends. No compiler: it knows the C++ that the core is written in, laid out by clang-format,
// and what it makes of anything else is harmless, because every mutant is compiled.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool::cxx {

// Half-open, of bytes or of tokens.
struct Range {
  size_t begin = 0;
  size_t end = 0;

  bool empty() const { return begin >= end; }
  bool operator==(const Range&) const = default;
};

struct Token {
  enum class Kind { kWord, kNumber, kText, kSign };
  Kind kind;
  Range bytes;
};

struct Statement {
  enum class Kind {
    kBlock,        // children: its statements
    kIf,           // children: what follows, and what follows `else`
    kLoop,         // for, while, and macros that are one; children: the body
    kSwitch,       // children: the body
    kLabel,        // "case X:"; what it labels stands beside it
    kDeclaration,  // of a local variable
    kExpression,
    kReturn,
    kJump,   // break, continue, goto
    kOther,  // do, try, local types: nothing is looked for inside
  };
  Kind kind = Kind::kOther;
  Range tokens;  // with the last `;` or `}`
  Range head;    // the tokens between the parentheses of if, loop, switch
  bool is_for = false;
  std::vector<Statement> children;

  bool has_else() const { return kind == Kind::kIf && children.size() > 1; }
};

struct Function {
  std::string name;  // without its namespaces
  Statement body;
};

// name(arguments), where name is the last word of a::b.c->name.
struct Call {
  std::string name;
  Range tokens;  // from the first word of the path to the closing parenthesis
  size_t name_token = 0;
  std::vector<Range> arguments;  // tokens of each
};

class Source {
 public:
  explicit Source(std::string text);

  const std::string& text() const { return text_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  const std::vector<Function>& functions() const { return functions_; }

  // What token `i` says; empty past the end.
  std::string_view word(size_t i) const;
  // The text from the first of the tokens to the last, as it stands there.
  std::string_view text_of(Range tokens) const;
  Range bytes_of(Range tokens) const;
  // The bracket that belongs to the bracket `i`; `i` itself if there is none.
  size_t partner(size_t i) const { return partner_[i]; }

  size_t line_of(size_t byte) const;  // from 1
  size_t line_begin(size_t byte) const;
  size_t line_end(size_t byte) const;  // past the newline
  std::string indent_at(size_t byte) const;
  bool alone_on_its_lines(const Statement& statement) const;

  // The tokens in a range that say `sign` outside of all brackets.
  std::vector<size_t> outer(Range tokens, std::string_view sign) const;
  bool mentions(Range tokens, std::string_view word) const;
  size_t count(Range tokens, std::string_view word) const;

  // The one call that a statement is: "f(x);".
  std::optional<Call> sole_call(const Statement& statement) const;
  // All calls in a range, in the order of their names, nested ones too.
  std::vector<Call> calls(Range tokens) const;

 private:
  std::optional<Call> call_at(size_t name_token) const;

  std::string text_;
  std::vector<Token> tokens_;
  std::vector<size_t> partner_;
  std::vector<size_t> lines_;  // where each begins
  std::vector<Function> functions_;
};

}  // namespace tool::cxx
