// What a run did, read from the file that a target writes (fuzz/targets/trace_writer.h has the
// format).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

enum class TraceKind : uint8_t {
  kPoint,
  kSwitch,
  kPreempt,
  kIrqEnter,
  kIrqExit,
  kStart,
  kEnd,
  kBlock,
  kWake,
  kTime,
  kLock,
  kUnlock,
  kGet,
  kPut,
  kMove,
  kOpen,
  kClose,
  kState,
  kOperation,
  kResult,
};

using ContextId = uint8_t;
inline constexpr ContextId kNobody = 255;

// The fields of sched::Event. Texts lie in the log's own copy of the file.
struct TraceEvent {
  TraceKind kind;
  ContextId context;  // index into TraceLog::contexts
  ContextId other;
  uint32_t tag;
  uint32_t object;
  uint32_t from_object;
  int64_t value;
  std::string_view what;
  std::string_view role;
  std::string_view from_role;
};

struct TraceContext {
  std::string name;
  unsigned cpu;  // where it runs; only threads and interrupts have one
};

struct TraceLog {
  std::string text;
  std::vector<TraceContext> contexts;  // in the order of their first appearance
  std::vector<TraceEvent> events;
  std::map<uint32_t, std::string> operations;  // by tag, without the number
  bool full = false;                           // not everything is in it
  bool ended = false;                          // the run came to its end
  // Something was reported: who ran then (kNobody: nobody any more), after how many events.
  std::optional<ContextId> finding;
  size_t finding_at = 0;
  uint64_t hash = 0;  // both 0 unless it ended
  uint64_t points = 0;

  TraceLog() = default;
  // Moving keeps the texts where they are only if the copy of the file is long; it is.
  TraceLog(TraceLog&&) = default;
  TraceLog& operator=(TraceLog&&) = default;

  std::string_view name(ContextId context) const {
    return context == kNobody ? std::string_view("nobody") : contexts[context].name;
  }
  // "t0: signal A"; "" for what works for no operation.
  std::string_view operation(uint32_t tag) const;
};

// EnvironmentError, with the line, if `text` is not what a target writes. An incomplete last line
// is left out: the target died while it wrote that.
TraceLog parse_trace(std::string text);

}  // namespace tool
