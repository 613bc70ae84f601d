// An input that the user named: a program as text (.fence) or the bytes a target reads.
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
  // The program, for text always; for bytes unless they are known to be something else.
  std::optional<program::Program> program;
  // From the comment line, the sidecar, or the folder of the corpus that the file lies in.
  FindingComment comment;
};

// UsageError for a file that is missing, unreadable or no program.
Input load_input(const std::filesystem::path& path);

// Parses the text of a .fence file; ProgramError if it is wrong.
program::Program parse_program(const std::filesystem::path& path, std::string_view text);

}  // namespace tool
