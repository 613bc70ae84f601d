// A story (trace_story.h) for a terminal: a column for each thread, as wide as the terminal has
// room for; one column with names before the rows if that is too narrow.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/trace_story.h"

namespace tool {

struct TextStyle {
  size_t width = 80;
  bool colour = false;
  bool unicode = false;  // lines and marks beyond ASCII
};

// Titles and rows, each line ends with a newline, none is longer than the width.
std::string story_text(const Story& story, const TextStyle& style);

// One row as one line, without column or colour: "t0: get queue#7 for userq_xa".
std::string row_line(const TraceLog& log, const StoryRow& row);

// What is left at the end: who waits for what, which objects are alive and who holds them.
// `all`: also those that set-up made.
std::string remains_text(const Story& story, bool all);

// Lines of at most `width` characters, broken at blanks where there are some.
std::vector<std::string> wrap(std::string_view text, size_t width);

// Whether the environment says that a terminal understands UTF-8.
bool speaks_utf8();

}  // namespace tool
