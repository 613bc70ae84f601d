// An input that the user named: text (a program, steps, calls) or the bytes a target reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/program/program.h"
#include "fuzz/program/text.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/finding.h"

namespace tool {

// A .fence file with a mistake. what() is "FILE:LINE:COL: message"; the source line with a caret
// below it comes as well.
struct ProgramError : UsageError {
  ProgramError(const std::filesystem::path& path, std::string_view text,
               const program::ParseError& error);
  std::string excerpt;  // two lines
};

struct Input {
  std::filesystem::path path;
  bool is_text = false;
  std::vector<uint8_t> bytes;  // what the target reads
  // The program, for .fence always; for bytes unless they are known to be something else.
  std::optional<program::Program> program;
  // From the comment line, the sidecar, or the folder of the corpus that the file lies in.
  FindingComment comment;
};

// UsageError for a file that is missing or unreadable, or whose text is wrong. `target`: what the
// user says it is for; empty: what the file says.
Input load_input(const std::filesystem::path& path, const std::string& target = "");

// Parses the text of a .fence file; ProgramError if it is wrong.
program::Program parse_program(const std::filesystem::path& path, std::string_view text);

// The bytes that `target` reads when it is given that file: text is assembled, bytes stay as they
// are. UsageError if the text is wrong.
std::vector<uint8_t> assemble(const std::filesystem::path& path, const std::string& target,
                              const std::string& content);

}  // namespace tool
