// The inputs of the targets as text that a person can read and write. For the build's assembler and
// for the command; targets themselves do without std::string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace text_form {

enum class Form {
  kProgram,  // .fence, fuzz/program
  kSteps,    // .steps, steps.h
  kCalls,    // .calls, hostile.h
  kBytes,    // no text
};

Form of_target(const std::string& target);
// By how its name ends.
Form of_file(std::string_view path);
// How files of that form end: ".fence"; ".bin" for bytes.
const char* extension(Form form);

struct Error {
  int line = 0;
  int column = 0;  // 0: the whole line
  std::string message;
};

// The bytes that `target` reads. Bytes stay as they are.
std::variant<std::vector<uint8_t>, Error> assemble(Form form, const std::string& target,
                                                   std::string_view text);

// The other way round; empty if inputs of the target have no text. What the target would not
// execute is left out: assembling the text again may give fewer bytes.
std::string disassemble(const std::string& target, const std::vector<uint8_t>& bytes);

}  // namespace text_form
