// Programs as text: the `.fence` form. README.md beside this file has the grammar.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "fuzz/program/program.h"

namespace program {

// parse(to_text(p)) == p for every valid p.
std::string to_text(const Program& program);

// Where a text is wrong (both from 1; columns count bytes), and how to mend it.
struct ParseError {
  int line = 0;
  int column = 0;
  std::string message;

  bool operator==(const ParseError&) const = default;
};

// Accepts any bytes. Comments, blank lines, Windows line ends and a byte order mark are ignored.
std::variant<Program, ParseError> parse(std::string_view text);

}  // namespace program
