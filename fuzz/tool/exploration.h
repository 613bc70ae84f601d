// Walks every schedule of an input within a bound. The target does (fuzz/targets/explore.h); this
// watches it, and executes alone the schedule that ends in a finding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sched/decider.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct ExploreRequest {
  std::string sanitizer;     // of which build the target is
  unsigned preemptions = 2;  // at most, in each schedule
  bool prune = true;
  std::optional<uint64_t> limit;    // schedules
  std::optional<uint64_t> seconds;  // without those for a report
};

// How far a search is.
struct SearchProgress {
  uint64_t schedules = 0;    // walked
  uint64_t cut = 0;          // of these, followed no further than to a known state
  uint64_t skipped = 0;      // not walked: equivalent to one of these
  uint64_t states = 0;       // distinct ones
  unsigned preemptions = 0;  // of the latest schedule
  double seconds = 0;
  bool complete = false;

  double rate() const { return seconds > 0 ? static_cast<double>(schedules) / seconds : 0; }
};
// Nothing if the line says nothing of the kind.
std::optional<SearchProgress> parse_search_line(std::string_view line);

using Schedule = std::vector<sched::Preemption>;

struct Exploration {
  enum class End : uint8_t { kComplete, kLimit, kTime, kInterrupted, kOutOfMemory, kFound };
  End end = End::kComplete;
  SearchProgress walked;

  // With a finding:
  Schedule schedule;           // that failed
  std::vector<uint8_t> bytes;  // the input with it; empty: inputs of the target cannot hold it
  Outcome outcome;             // of the search
  Outcome alone;               // of these bytes
  // They gave the verdict of the search; and its trace, if both could print one.
  bool replays = false;

  // The one to show: what it says alone is not about the schedules that came before it.
  const Outcome& shown() const { return alone.verdict ? alone : outcome; }
};

// The binary must be there. `input.comment` says how to execute it. EnvironmentError if the target
// cannot search.
Exploration explore(const Project& project, const Input& input, const ExploreRequest& request,
                    Progress& progress);

// The input under that schedule instead of its own; empty: inputs of the target have none, or none
// with such numbers.
std::vector<uint8_t> with_schedule(const std::string& target, const std::vector<uint8_t>& bytes,
                                   const Schedule& schedule);
// "31>t1 4>irq"; "none".
std::string to_text(const Schedule& schedule);

}  // namespace tool
