// The half of program_fuzzer that is about text.
//
// The parser works with std::string. In MemorySanitizer's build, whose libstdc++ is not
// instrumented, that gives false reports: there each of these functions does nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernel/report.h"
#include "fuzz/program/program.h"

// Reports wrong-result unless `ok`. `where` names the function that is wrong.
inline void require(bool ok, const char* where, const char* what) {
  if (!ok) kernel::report(kernel::Verdict::kWrongResult, where, "%s", what);
}

// The text of a valid program is that program, and its lines are what the reports print.
void check_text_of(const program::Program& program);

// Any bytes as text: an error at a place that the text has, or a program whose bytes and text are
// that program.
void check_as_text(const uint8_t* data, size_t size);
