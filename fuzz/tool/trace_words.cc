#include "fuzz/tool/trace_words.h"

#include <fmt/format.h>

#include <cstring>

#include "fuzz/tool/strings.h"

namespace tool {

TraceWords::TraceWords(const TraceLog& log) : log_(log) {
  for (const TraceEvent& event : log.events) {
    switch (event.kind) {
      case TraceKind::kOpen:
        types_[event.object] = event.what;
        break;
      case TraceKind::kLock:
        locks_[event.what].insert(event.object);
        break;
      default:
        break;
    }
  }
}

std::string TraceWords::object(uint32_t object) const {
  const auto type = types_.find(object);
  return fmt::format("{}#{}", type == types_.end() ? "object" : type->second, object);
}

std::string TraceWords::holder(std::string_view role, uint32_t holder) const {
  return holder == 0 ? std::string(role) : fmt::format("{} of {}", role, object(holder));
}

std::string TraceWords::lock(std::string_view name, uint32_t id) const {
  const auto known = locks_.find(name);
  if (known == locks_.end() || known->second.size() < 2) return std::string(name);
  return fmt::format("{}/{}", name, id);
}

// Without the lane, which is the column.
std::string TraceWords::operation(uint32_t tag) const {
  std::string_view text = log_.operation(tag);
  if (text.size() > 4 && text[0] == 't' && text[2] == ':') text.remove_prefix(4);
  if (text.starts_with("irq: ")) text.remove_prefix(5);
  return std::string(text);
}

std::string TraceWords::describe(const TraceEvent& event) const {
  return printable(words_for(event));
}

std::string TraceWords::describe_pair(const TraceEvent& taken) const {
  if (taken.kind == TraceKind::kLock)
    return printable(fmt::format("lock, unlock {}{}", lock(taken.what, taken.object),
                                 taken.role.empty() ? "" : " (shared)"));
  return printable(fmt::format("get, put {} for {}", object(taken.object),
                               holder(taken.role, static_cast<uint32_t>(taken.value))));
}

std::string TraceWords::words_for(const TraceEvent& event) const {
  const auto by = static_cast<uint32_t>(event.value);
  const std::string_view shared = event.role.empty() ? "" : " (shared)";
  switch (event.kind) {
    case TraceKind::kPoint:
      return event.object == 0 ? fmt::format("point {}", event.what)
                               : fmt::format("point {} {}", event.what, event.object);
    case TraceKind::kSwitch:
      return event.context == kNobody ? "all is done" : "goes on";
    case TraceKind::kPreempt:
      return event.object == 0 ? fmt::format("preempted: >{}", event.what)
                               : fmt::format("schedule entry {}: >{}", event.object, event.what);
    case TraceKind::kIrqEnter:
      return event.tag == 0 ? fmt::format("interrupt {}", log_.name(event.context))
                            : fmt::format("interrupt {}: {} {}", log_.name(event.context),
                                          event.tag, operation(event.tag));
    case TraceKind::kIrqExit:
      return fmt::format("end of {}", log_.name(event.context));
    case TraceKind::kStart:
      return "begins";
    case TraceKind::kEnd:
      return "ends";
    case TraceKind::kBlock:
      return event.other == kNobody
                 ? fmt::format("waits for {}", event.what)
                 : fmt::format("waits for {}, held by {}", event.what, log_.name(event.other));
    case TraceKind::kWake:
      return event.other == kNobody ? std::string("time is up")
                                    : fmt::format("wakes {}", log_.name(event.context));
    case TraceKind::kTime:
      return fmt::format("the time is {}", duration_text(event.value));
    case TraceKind::kLock:
      return fmt::format("lock {}{}", lock(event.what, event.object), shared);
    case TraceKind::kUnlock:
      return fmt::format("unlock {}{}", lock(event.what, event.object), shared);
    case TraceKind::kGet:
      return fmt::format("get {} for {}", object(event.object), holder(event.role, by));
    case TraceKind::kPut:
      return fmt::format("put {} by {}", object(event.object), holder(event.role, by));
    case TraceKind::kMove:
      return fmt::format("move {} from {} to {}", object(event.object),
                         holder(event.from_role, event.from_object), holder(event.role, by));
    case TraceKind::kOpen:
      return fmt::format("new {} for {}", object(event.object), holder(event.role, by));
    case TraceKind::kClose:
      return fmt::format("last reference of {} gone", object(event.object));
    case TraceKind::kState: {
      const std::string who = event.object == 0 ? std::string(event.what) : object(event.object);
      const std::string error =
          event.value == 0 ? "" : fmt::format(" ({})", result_text(event.value));
      return fmt::format("{}: {} -> {}{}", who, event.from_role, event.role, error);
    }
    case TraceKind::kOperation:
      return fmt::format("{} {}", event.tag, operation(event.tag));
    case TraceKind::kResult:
      return fmt::format("{} returns {}", event.tag, result_text(event.value));
  }
  return "";
}

std::string result_text(int64_t result) {
  if (result >= 0 || result < -4095) return fmt::format("{}", result);
  const int error = static_cast<int>(-result);
  // Two that exist only inside the kernel.
  if (error == 512) return "-ERESTARTSYS";
  if (error == 524) return "-ENOTSUPP";
  const char* name = strerrorname_np(error);
  return name != nullptr ? fmt::format("-{}", name) : fmt::format("{}", result);
}

std::string duration_text(int64_t nanoseconds) {
  constexpr double kMillisecond = 1e6;
  const auto time = static_cast<double>(nanoseconds);
  if (nanoseconds < 1000) return fmt::format("{} ns", nanoseconds);
  if (time < kMillisecond) return fmt::format("{} us", time / 1e3);
  return fmt::format("{} ms", time / kMillisecond);
}

}  // namespace tool
