#include "fuzz/tool/trace_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kMark = "fencebench-trace 1";

constexpr std::array<std::string_view, 20> kKinds = {
    "point", "switch", "preempt", "irq_enter", "irq_exit",  "start", "end_job",
    "block", "wake",   "time",    "lock",      "unlock",    "get",   "put",
    "move",  "open",   "close",   "state",     "operation", "result"};

// The fields of a line, one after the other; empty ones at its end.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::string_view next() {
    const size_t tab = rest_.find('\t');
    std::string_view field = rest_.substr(0, tab);
    rest_ = tab == std::string_view::npos ? std::string_view() : rest_.substr(tab + 1);
    return field;
  }
  std::string_view rest() const { return rest_; }

  // An empty field is 0.
  template <typename Number>
  bool number(Number& value) {
    const std::string_view field = next();
    value = 0;
    if (field.empty()) return true;
    const char* end = field.data() + field.size();
    const auto result = std::from_chars(field.data(), end, value);
    return result.ec == std::errc() && result.ptr == end;
  }

 private:
  std::string_view rest_;
};

class Parser {
 public:
  explicit Parser(TraceLog& log) : log_(log) {}

  // False: the line is wrong.
  bool line(std::string_view text) {
    Fields fields(text);
    const std::string_view word = fields.next();
    if (word == "context") return context(fields);
    if (word == "op") return operation(fields);
    if (word == "full") return log_.full = true;
    if (word == "finding") {
      if (log_.finding) return true;  // one report may lead to the next
      log_.finding = find(fields.next());
      log_.finding_at = log_.events.size();
      return true;
    }
    if (word == "end") return log_.ended = fields.number(log_.hash) && fields.number(log_.points);
    return event(word, fields);
  }

 private:
  bool context(Fields& fields) {
    TraceContext context{std::string(fields.next()), 0};
    if (!fields.number(context.cpu) || context.name.empty()) return false;
    log_.contexts.push_back(std::move(context));
    return log_.contexts.size() < kNobody;
  }

  bool operation(Fields& fields) {
    uint32_t tag;
    if (!fields.number(tag)) return false;
    std::string_view text = fields.rest();
    const std::string number = fmt::format("operation {}: ", tag);
    if (text.starts_with(number)) text.remove_prefix(number.size());
    if (tag != 0) log_.operations[tag] = text;
    return true;
  }

  bool event(std::string_view word, Fields& fields) {
    const auto kind = std::find(kKinds.begin(), kKinds.end(), word);
    if (kind == kKinds.end()) return false;
    TraceEvent event{};
    event.kind = static_cast<TraceKind>(kind - kKinds.begin());
    event.context = find(fields.next());
    if (!fields.number(event.tag) || !fields.number(event.object)) return false;
    event.other = find(fields.next());
    event.what = fields.next();
    event.role = fields.next();
    event.from_role = fields.next();
    if (!fields.number(event.from_object) || !fields.number(event.value)) return false;
    log_.events.push_back(event);
    return true;
  }

  ContextId find(std::string_view name) const {
    for (size_t i = 0; i < log_.contexts.size(); ++i)
      if (log_.contexts[i].name == name) return static_cast<ContextId>(i);
    return kNobody;
  }

  TraceLog& log_;
};

}  // namespace

std::string_view TraceLog::operation(uint32_t tag) const {
  const auto found = operations.find(tag);
  return found == operations.end() ? std::string_view() : found->second;
}

TraceLog parse_trace(std::string content) {
  TraceLog log;
  log.text = std::move(content);
  std::string_view text = log.text;
  text = text.substr(0, text.find('\0'));
  text = text.substr(0, text.rfind('\n') + 1);
  Parser parser(log);
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const bool right = ++number == 1 ? line == kMark : parser.line(line);
    if (!right) {
      throw EnvironmentError(
          fmt::format("line {} of the trace makes no sense: '{}'", number, printable(line)));
    }
  }
  if (number == 0) throw EnvironmentError("the target wrote no trace");
  return log;
}

}  // namespace tool
