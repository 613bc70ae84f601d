// What a run did as a person reads it: one row for each thing that happened, in the column of the
// thread that did it, an interrupt in the column of the thread that it interrupted. Terminal, page
// and comparison show the same rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/tool/trace_log.h"
#include "fuzz/tool/trace_replay.h"

namespace tool {

enum class RowKind : uint8_t {
  kPhase,      // set-up or clean-up, folded into one row
  kOperation,  // begins
  kResult,     // and returns
  kSchedule,   // an entry of the schedule takes effect
  kGoesOn,     // after it waited or was preempted
  kBegins,     // a softirq or a worker
  kEnds,
  kIrq,     // an interrupt, on top of the column's thread
  kIrqEnd,  // and its end
  kWaits,
  kWakes,
  kTime,
  kLock,
  kUnlock,
  kGet,
  kPut,
  kMove,
  kOpen,
  kClose,
  kState,
  kPoint,
  kFailure,
};
std::string_view name_of(RowKind kind);

struct StoryRow {
  RowKind kind;
  ContextId context;   // who does it; kNobody: nobody
  unsigned column;     // index into Story::columns; kAcross: over all of them
  bool on_top;         // within an interrupt that runs on top of the column's thread
  bool kept = false;   // takes a reference that is never dropped
  uint32_t tag;        // the operation it belongs to; 0: none
  uint32_t held;       // index into Story::held: the context's locks after it
  size_t first, last;  // steps: events of the log, from 1
  uint64_t points;     // scheduling points so far
  std::string text;
};
inline constexpr unsigned kAcross = ~0u;

struct StoryColumn {
  ContextId context;
  std::string title;  // "t0 CPU 0"
};

struct Story {
  std::vector<StoryColumn> columns;
  std::vector<StoryRow> rows;
  std::vector<std::vector<std::string>> held;  // sets of locks; 0: none
  std::vector<LivingObject> living;            // objects that are alive at the end
  std::vector<std::string> standing;  // "t1 waits for userq_mutex, held by t0", for the end
  size_t preemptions = 0;
  size_t switches = 0;
  bool failed = false;  // the last row is a failure
};

struct StoryOptions {
  bool all = false;     // every scheduling point, and set-up and clean-up in full
  std::string verdict;  // what the run came to, if something was found
};

Story tell_story(const TraceLog& log, const StoryOptions& options);

}  // namespace tool
