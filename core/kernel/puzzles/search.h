// How many schedules of a puzzle a decider needs until the bug shows.
#pragma once

#include <cstdint>

#include "core/kernel/puzzles/puzzle.h"

namespace puzzles {

enum class Method : uint8_t { kRandom, kPct, kBounded };

struct Searcher {
  const char* name;
  Method method;
  // kRandom: the longest stretch without a preemption; kPct: the depth; kBounded: unused.
  unsigned parameter;
};

// Stretches of one or two points, and of up to eight; PCT; bounded search with pruning.
inline constexpr Searcher kSearchers[] = {{"random-2", Method::kRandom, 2},
                                          {"random-8", Method::kRandom, 8},
                                          {"pct-2", Method::kPct, 2},
                                          {"pct-3", Method::kPct, 3},
                                          {"bounded", Method::kBounded, 0}};

struct Search {
  bool found;
  uint64_t schedules;    // that ran, the one that shows the bug included
  unsigned preemptions;  // kBounded: the bound that was reached
};

// Runs until the bug shows or `limit` schedules ran. Random ones draw their seeds from `seed`. PCT
// takes the length of a run from its first schedule, which has no preemptions and counts. Bounded
// search walks all schedules without preemptions, then with at most one, and so on; it has no
// seed, and all of its schedules count, also those that it walked with a lower bound before. It
// ends early if there are no more within the largest bound.
Search search(const Puzzle& puzzle, Version version, const Searcher& searcher, uint64_t seed,
              uint64_t limit);

}  // namespace puzzles
