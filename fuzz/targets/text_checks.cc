#include "fuzz/targets/text_checks.h"

#include "core/sched/sanitizer.h"

#if defined(FENCEBENCH_MSAN)

void check_text_of(const program::Program&) {}
void check_as_text(const uint8_t*, size_t) {}

#else

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "fuzz/program/codec.h"
#include "fuzz/program/print.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace {

using program::Program;

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A column may be one past the end of its line.
bool place_exists(const program::ParseError& error, std::string_view text) {
  if (error.line < 1 || error.column < 1) return false;
  for (int line = 1; line < error.line; ++line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return static_cast<size_t>(error.column) <= std::min(text.find('\n'), text.size()) + 1;
}

void check_error(const program::ParseError& error, std::string_view text) {
  require(place_exists(error, text), "parse", "an error at a place that the text does not have");
  require(!error.message.empty(), "parse", "an error without a message");
  for (const char c : error.message)
    require(c >= ' ' && c <= '~', "parse", "an error message holds raw bytes of the text");
}

}  // namespace

void check_text_of(const Program& program) {
  const std::string text = program::to_text(program);
  const auto parsed = program::parse(text);
  const Program* again = std::get_if<Program>(&parsed);
  require(again != nullptr, "parse", "the text of a program is refused");
  require(*again == program, "parse", "the text of a program is another program");

  std::string printed;
  auto append = [](void* context, const char* line, size_t size) {
    static_cast<std::string*>(context)->append(line, size);
  };
  program::print_program(program, append, &printed);
  require(printed == text, "print_program", "prints another text than to_text()");
  size_t at = 0;
  for (const program::Op& op : program.ops) {
    char line[program::kMaxOpText + 2] = {'\n'};
    const size_t size = program::format_op(op, line + 1, program::kMaxOpText);
    line[size + 1] = '\n';
    at = text.find(std::string_view(line, size + 2), at);
    require(at != std::string::npos, "format_op", "an operation reads differently in the text");
    ++at;
  }
}

void check_as_text(const uint8_t* data, size_t size) {
  const std::string_view text = view(data, size);
  const auto parsed = program::parse(text);
  if (const auto* error = std::get_if<program::ParseError>(&parsed))
    return check_error(*error, text);
  const Program& program = std::get<Program>(parsed);
  require(program::is_valid(program), "parse", "a parsed program is not valid");
  const auto bytes = program::encode(program);
  require(program::decode(bytes.data(), bytes.size()) == program, "decode",
          "the encoding of a parsed program decodes to another one");
  check_text_of(program);
}

#endif
