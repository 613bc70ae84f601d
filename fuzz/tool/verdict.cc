#include "fuzz/tool/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSummary = "SUMMARY: ";

// Cuts " (BuildId: x)" and " (module+0x1234)" from the end of a frame.
std::string_view without_module(std::string_view text) {
  while (text.ends_with(')')) {
    size_t open = text.rfind(" (");
    if (open == std::string_view::npos) break;
    std::string_view inside = text.substr(open + 2);
    bool module = inside.starts_with("BuildId: ") || inside.find("+0x") != std::string_view::npos;
    if (!module) break;
    text = trim(text.substr(0, open));
  }
  return text;
}

// `ns::f(int, char) const` -> `ns::f`; operator() and lambdas keep their parentheses.
std::string_view without_parameters(std::string_view function) {
  if (function.ends_with(" const")) function.remove_suffix(6);
  if (!function.ends_with(')')) return function;
  int depth = 0;
  for (size_t i = function.size(); i-- > 0;) {
    if (function[i] == ')') depth++;
    if (function[i] == '(' && --depth == 0) {
      bool call_operator = function.substr(0, i).ends_with("operator");
      return call_operator || i == 0 ? function : function.substr(0, i);
    }
  }
  return function;
}

struct Location {
  std::string file;
  int line = 0;
};

// file:line:column, file:line or file. Nothing if it does not look like a file of source.
std::optional<Location> parse_location(std::string_view text) {
  Location location;
  std::vector<int> numbers;
  while (numbers.size() < 2) {
    size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) break;
    auto number = to_number(text.substr(colon + 1));
    if (!number || *number > 10'000'000) break;
    numbers.push_back(static_cast<int>(*number));
    text = text.substr(0, colon);
  }
  if (text.empty() || text.front() == '(' || text == "<null>") return {};
  if (numbers.empty() && text.find('/') == std::string_view::npos) return {};
  location.file = text;
  if (!numbers.empty()) location.line = numbers.back();
  return location;
}

// Below the root: relative to it, also where the compiler was given a path from the build folder.
// In a defect's copy of the sources: as in the original. Else the bare name: the rest of the path
// says something of the machine, not of the bug.
std::string short_path(const std::string& file, const fs::path& root) {
  fs::path path = fs::path(file).lexically_normal();
  std::string text = path.string();
  constexpr std::string_view kCopy = "/src/";
  size_t defects = text.find("defects/");
  size_t copy = defects == std::string::npos ? defects : text.find(kCopy, defects);
  if (copy != std::string::npos) return text.substr(copy + kCopy.size());
  if (path.is_absolute()) {
    path = path.lexically_relative(root);
    // An object from a cache may have been compiled in another checkout.
    return path.empty() || *path.begin() == ".." ? source_path(text) : path.string();
  }
  while (text.starts_with("../")) text.erase(0, 3);
  return text;
}

std::string place_of(const Frame& frame, const fs::path& root) {
  std::string place = "in " + frame.function;
  if (!frame.file.empty()) {
    place += " " + short_path(frame.file, root);
    if (frame.line > 0) place += fmt::format(":{}", frame.line);
  }
  return place;
}

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Frames that say how memory was asked for, not by whom.
bool is_allocator(const Frame& frame) {
  return is_any(frame.function, {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc",
                                 "memalign", "strdup"}) ||
         frame.function.starts_with("operator new") ||
         frame.file.find("core/kernel/slab") != std::string::npos ||
         frame.file.find("/bits/") != std::string::npos;
}

// Frames that only carry a signal or an abort.
bool is_machinery(const Frame& frame) {
  return frame.file.empty() || frame.function.starts_with("fuzzer::") ||
         frame.function.starts_with("__sanitizer") || frame.function.starts_with("__interceptor") ||
         frame.function.starts_with("__assert") || frame.function.starts_with("__pthread_kill") ||
         is_any(frame.function, {"raise", "abort", "gsignal", "__libc_start_main"});
}

// The first frame after line `from` that `skip` does not pass over; the stack ends at the first
// line that is no frame.
template <typename Skip>
std::optional<Frame> first_frame(const std::vector<std::string>& report, size_t from, Skip skip) {
  bool inside = false;
  for (size_t i = from; i < report.size(); i++) {
    std::optional<Frame> frame = parse_frame(report[i]);
    if (!frame) {
      if (inside) return {};
      continue;
    }
    inside = true;
    if (!skip(*frame)) return frame;
  }
  return {};
}

size_t line_with(const std::vector<std::string>& report, std::string_view text) {
  for (size_t i = 0; i < report.size(); i++) {
    if (report[i].find(text) != std::string::npos) return i;
  }
  return report.size();
}

std::string dashed(std::string_view kind) {
  std::string text(trim(kind));
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

// "(/path/program+0x1234) (BuildId: x)" -> "(program+0x1234)": the same in every run.
std::string without_machine(std::string_view summary) {
  std::string out(summary);
  for (size_t at = out.find(" (BuildId: "); at != std::string::npos; at = out.find(" (BuildId: ")) {
    size_t close = out.find(')', at);
    out.erase(at, close == std::string::npos ? close : close - at + 1);
  }
  size_t open = out.find("(/");
  size_t offset = open == std::string::npos ? open : out.find("+0x", open);
  if (offset != std::string::npos) {
    size_t slash = out.rfind('/', offset);
    out.erase(open + 1, slash - open);
  }
  return out;
}

Verdict judge_leak(const std::vector<std::string>& report, const fs::path& root) {
  Verdict verdict{.detector = "LeakSanitizer", .kind = "memory-leak", .place = "", .summary = ""};
  // What leaks directly is the cause; indirect leaks hang on it.
  size_t from = line_with(report, "Direct leak of ");
  if (from == report.size()) from = line_with(report, "Indirect leak of ");
  if (auto frame = first_frame(report, from + 1, is_allocator))
    verdict.place = place_of(*frame, root);
  return verdict;
}

// rest: "heap-use-after-free /path/x.cc:12:3 in f(int)", "data race (/path/p+0x12) in f", "SEGV
// ..."
Verdict judge_sanitizer(std::string_view tool, std::string_view rest,
                        const std::vector<std::string>& report, const fs::path& root) {
  Verdict verdict{.detector = std::string(tool), .kind = "", .place = "", .summary = ""};
  size_t in = rest.find(" in ");
  std::string_view head = trim(rest.substr(0, in));
  std::string function;
  if (in != std::string_view::npos) function = without_parameters(trim(rest.substr(in + 4)));
  head = without_module(head);
  size_t blank = head.rfind(' ');
  Frame frame{.function = function, .file = "", .line = 0};
  if (blank != std::string_view::npos) {
    std::string_view last = head.substr(blank + 1);
    if (auto location = parse_location(last)) {
      frame.file = location->file;
      frame.line = location->line;
      head = trim(head.substr(0, blank));
    } else if (last == "<null>") {
      head = trim(head.substr(0, blank));
    }
  }
  verdict.kind = dashed(head);
  if (frame.function.empty()) {
    // UndefinedBehaviorSanitizer names no function there; the stack does.
    if (auto top = first_frame(report, 0, [](const Frame&) { return false; })) frame = *top;
  } else if (frame.file.empty() &&
             is_any(frame.function, {"free", "realloc", "operator delete", "operator delete[]"})) {
    // The run-time library's own: who called it is the place.
    auto caller = first_frame(report, 0, [](const Frame& one) { return one.file.empty(); });
    if (caller) frame = *caller;
  }
  if (!frame.function.empty()) {
    verdict.place = place_of(frame, root);
  } else if (!frame.file.empty()) {
    verdict.place = fmt::format("at {}:{}", short_path(frame.file, root), frame.line);
  }
  return verdict;
}

Verdict judge_libfuzzer(std::string_view kind, const std::vector<std::string>& report,
                        const fs::path& root) {
  Verdict verdict{.detector = "libFuzzer", .kind = dashed(kind), .place = "", .summary = ""};
  size_t from = line_with(report, "ERROR: libFuzzer");
  if (from == report.size()) from = 0;
  if (kind == "out-of-memory") return verdict;  // the stacks there are of all live memory
  if (auto frame = first_frame(report, from, is_machinery)) verdict.place = place_of(*frame, root);
  return verdict;
}

}  // namespace

std::string Verdict::text() const {
  std::string what = place.empty() ? kind : kind + " " + place;
  return detector == "fencebench" ? what : detector + ": " + what;
}

std::optional<Frame> parse_frame(std::string_view text) {
  text = trim(text);
  if (!text.starts_with('#')) return {};
  size_t blank = text.find(' ');
  if (blank == std::string_view::npos || !to_number(text.substr(1, blank - 1))) return {};
  text = trim(text.substr(blank));
  if (text.starts_with("0x")) {
    size_t end = text.find(' ');
    if (end == std::string_view::npos) return {};
    text = trim(text.substr(end));
    if (text.starts_with("in ")) text = trim(text.substr(3));
  }
  text = without_module(text);
  Frame frame;
  size_t last = text.rfind(' ');
  if (last != std::string_view::npos) {
    std::string_view word = text.substr(last + 1);
    auto location = parse_location(word);
    if (location || word == "<null>") {
      if (location) {
        frame.file = location->file;
        frame.line = location->line;
      }
      text = trim(text.substr(0, last));
    }
  }
  frame.function = without_parameters(text);
  if (frame.function.empty() || frame.function.front() == '(') {
    if (!frame.function.starts_with("(anonymous namespace)")) frame.function = "?";
  }
  return frame;
}

std::optional<Verdict> judge(const std::vector<std::string>& report, const fs::path& root) {
  std::optional<Verdict> found;
  for (const std::string& line : report) {
    if (!line.starts_with(kSummary)) continue;
    std::string_view summary = std::string_view(line).substr(kSummary.size());
    size_t colon = summary.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string_view tool = summary.substr(0, colon);
    std::string_view rest = trim(summary.substr(colon + 2));
    bool weak = tool == "libFuzzer";
    if (found && weak) continue;
    Verdict verdict;
    if (tool == "fencebench") {
      size_t blank = rest.find(' ');
      verdict.detector = tool;
      verdict.kind = rest.substr(0, blank);
      if (blank != std::string_view::npos) verdict.place = trim(rest.substr(blank));
    } else if (tool == "libFuzzer") {
      verdict = judge_libfuzzer(rest, report, root);
    } else if (rest.find(" byte(s) leaked in ") != std::string_view::npos) {
      verdict = judge_leak(report, root);
    } else {
      verdict = judge_sanitizer(tool, rest, report, root);
    }
    verdict.summary = without_machine(line);
    verdict.kind = printable(verdict.kind);
    verdict.place = printable(verdict.place);
    found = verdict;
    if (!weak) break;
  }
  return found;
}

std::vector<std::string> report_details(const std::vector<std::string>& report) {
  constexpr size_t kMost = 8;
  std::vector<std::string> details;
  bool inside = false;
  for (const std::string& line : report) {
    if (line.starts_with("==fencebench== ERROR")) {
      inside = true;
      continue;
    }
    if (!inside) continue;
    if (!line.starts_with("  ") || parse_frame(line) || details.size() == kMost) break;
    details.push_back(printable(line.substr(2)));
  }
  return details;
}

}  // namespace tool
