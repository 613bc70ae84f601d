// Where two runs part.
#pragma once

#include <cstddef>
#include <string>

#include "fuzz/tool/trace_log.h"
#include "fuzz/tool/trace_text.h"

namespace tool {

struct Parting {
  bool parted = false;  // false: the same from start to end
  // The first event that differs, from 1, in each of them. One may have ended before it.
  size_t step_a = 0;
  size_t step_b = 0;
  uint64_t points = 0;  // scheduling points before it
};

// Events are the same if the same contexts do the same to the same objects. Operations are held
// against each other by their text, because two programs may number them differently. That a
// thread exists makes no difference before it runs.
Parting find_parting(const TraceLog& a, const TraceLog& b);

struct DiffSide {
  std::string title;  // which run it is
  const TraceLog& log;
  std::string verdict;  // empty: clean
};

// The last rows that both have, then side by side how each goes on.
std::string diff_text(const DiffSide& a, const DiffSide& b, const Parting& parting,
                      const TextStyle& style);

}  // namespace tool
