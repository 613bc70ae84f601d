#include "fuzz/tool/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kHeadline = "==fencebench== ERROR: ";

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What stands in brackets goes, with them.
std::string without_groups(std::string_view text) {
  std::string out;
  int depth = 0;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    // operator<, operator->, operator() and the like keep their sign.
    if (depth == 0 && out.ends_with("operator") &&
        is_any(text.substr(i, 1), {"<", ">", "-", "("})) {
      const size_t end = text.find_first_of("( ", i + 1);
      if (c == '(') {
        out += "()";
        i++;
      } else {
        out += text.substr(i, end - i);
        if (end == std::string_view::npos) break;
        i = end - 1;
      }
      continue;
    }
    if (c == '<' || c == '(' || c == '{' || c == '[') {
      depth++;
    } else if (c == '>' || c == ')' || c == '}' || c == ']') {
      depth = std::max(depth - 1, 0);
    } else if (depth == 0) {
      out += c;
    }
  }
  return out;
}

std::vector<std::string> scopes(std::string_view name) {
  std::vector<std::string> parts;
  while (true) {
    const size_t colons = name.find("::");
    parts.emplace_back(trim(name.substr(0, colons)));
    if (colons == std::string_view::npos) return parts;
    name.remove_prefix(colons + 2);
  }
}

// A stack of a report; its title is the line above it.
struct Stack {
  std::string title;
  std::vector<Frame> frames;
};

std::vector<Stack> stacks_of(const std::vector<std::string>& report) {
  std::vector<Stack> stacks;
  bool inside = false;
  for (size_t i = 0; i < report.size(); i++) {
    std::optional<Frame> frame = parse_frame(report[i]);
    if (!frame) {
      inside = false;
      continue;
    }
    if (!inside) stacks.push_back({i > 0 ? std::string(trim(report[i - 1])) : "", {}});
    inside = true;
    stacks.back().frames.push_back(*frame);
  }
  return stacks;
}

bool is_ours(const Frame& frame) {
  const std::string path = source_path(frame.file);
  return path.starts_with("core/") || path.starts_with("fuzz/");
}

// How things are done, not who does them.
bool is_plumbing(const Frame& frame) {
  const std::string path = source_path(frame.file);
  if (!path.starts_with("core/") || path.starts_with("core/kernel/") ||
      path.starts_with("core/sched/") || path.starts_with("core/sut")) {
    return true;
  }
  const std::string function = plain_function(frame.function);
  return function.ends_with("_get") || function.ends_with("_put") ||
         function.ends_with("_get_rcu") || is_any(function, {"get", "put"});
}

bool is_reporter(const Frame& frame) {
  const std::string path = source_path(frame.file);
  return path == "core/kernel/report.cc" || path == "core/kernel/slab.cc" ||
         path == "core/kernel/slab.h";
}

std::string named(const Frame& frame) {
  std::string name = plain_function(frame.function);
  if (!frame.file.empty()) name += " " + source_path(frame.file);
  return printable(name);
}

bool is_unknown(const Frame& frame) { return frame.function == "?" || frame.function == "<null>"; }

// The function of ours that the stack is about; empty if no name is known.
std::string culprit(const std::vector<Frame>& frames) {
  for (const Frame& frame : frames) {
    if (!is_plumbing(frame)) return named(frame);
  }
  for (const Frame& frame : frames) {
    if (is_ours(frame) && !is_reporter(frame)) return named(frame);
  }
  for (const Frame& frame : frames) {
    if (!frame.file.empty() && !is_unknown(frame)) return named(frame);
  }
  return "";
}

std::string root_of(const std::vector<Frame>& frames) {
  for (size_t i = frames.size(); i-- > 0;) {
    if (!is_plumbing(frames[i])) return named(frames[i]);
  }
  return culprit(frames);
}

std::vector<std::string> top_frames(const std::vector<Stack>& stacks) {
  constexpr size_t kMost = 4;
  std::vector<std::string> names;
  if (stacks.empty()) return names;
  for (const Frame& frame : stacks.front().frames) {
    if (!is_ours(frame) || is_reporter(frame)) continue;
    names.push_back(named(frame));
    if (names.size() == kMost) break;
  }
  return names;
}

// Numbers of objects, operations, addresses and counts: "fence_driver#8" -> "fence_driver". Digits
// within a name are part of it.
std::string without_numbers(std::string_view text) {
  auto in_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool object = text[i] == '#' && i + 1 < text.size() && is_digit(text[i + 1]);
    const bool number = is_digit(text[i]) && (out.empty() || !in_name(out.back()));
    if (!object && !number) {
      out += text[i++];
      continue;
    }
    if (number) out += 'N';
    const bool hex = text.substr(i).starts_with("0x");
    i += hex ? 2 : 1;
    while (i < text.size() &&
           (hex ? std::isxdigit(static_cast<unsigned char>(text[i])) : is_digit(text[i]))) {
      i++;
    }
  }
  return out;
}

std::string without_digits(std::string_view text) {
  std::string out(text);
  std::erase_if(out, is_digit);
  return out;
}

std::string headline_of(const std::vector<std::string>& report) {
  for (const std::string& line : report) {
    if (!line.starts_with(kHeadline)) continue;
    std::string_view text = std::string_view(line).substr(kHeadline.size());
    const size_t colon = text.find(": ");
    return colon == std::string_view::npos ? "" : std::string(trim(text.substr(colon + 2)));
  }
  return "";
}

// "  in t1, operation 5: t1: F = wait B num_fences=1" -> "wait"; of an interrupt, a worker, a
// callback its own name.
std::string operation_at_work(const std::vector<std::string>& report) {
  for (const std::string& line : report) {
    if (!line.starts_with("  in ")) continue;
    std::string_view text = std::string_view(line).substr(5);
    const size_t comma = text.find(", ");
    if (comma == std::string_view::npos) continue;
    const std::string context = without_digits(text.substr(0, comma));
    const bool lane = text.size() > 1 && text[0] == 't' && is_digit(text[1]);
    if (!lane) return context;
    std::vector<std::string> words;
    for (std::string& word : split(text.substr(comma + 2), ' ')) words.push_back(std::move(word));
    // operation, N:, LANE:, then perhaps NAME =
    size_t at = 3;
    if (words.size() > at + 2 && words[at + 1] == "=") at += 2;
    return at < words.size() ? words[at] : context;
  }
  return "";
}

std::string place_of_our_own(const Verdict& verdict, const std::vector<std::string>& report) {
  std::string place = without_numbers(verdict.place);
  const std::string& kind = verdict.kind;
  std::string more;
  if (is_any(kind, {"refcount-resurrect", "sleep-in-atomic"}) ||
      (kind == "refcount-underflow" && place.find(' ') == std::string::npos) ||
      (kind == "fence-contract" && place.ends_with("-signalling-section"))) {
    more = without_numbers(headline_of(report));
  } else if (is_any(kind, {"use-after-destroy", "list-corruption", "rcu-misuse"})) {
    more = operation_at_work(report);
    if (!more.empty()) more = "in " + more;
  }
  if (!more.empty()) place += (place.empty() ? "" : ", ") + more;
  return place;
}

const Stack* titled(const std::vector<Stack>& stacks,
                    std::initializer_list<std::string_view> beginnings) {
  for (const Stack& stack : stacks) {
    for (std::string_view beginning : beginnings) {
      if (stack.title.starts_with(beginning)) return &stack;
    }
  }
  return nullptr;
}

// The number after `mark` in hexadecimal: " at 0x720400000010 by thread T7".
std::optional<uint64_t> address_after(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text = text.substr(at + mark.size());
  uint64_t address = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), address, 16);
  if (error != std::errc() || end == text.data()) return {};
  return address;
}

// "on byte 8 of memory from alloc_queue core/userq/queue_create.cc"; empty if the report does not
// tell. `accesses`: the stacks of both sides.
std::string raced_memory(const std::vector<const Stack*>& accesses,
                         const std::vector<Stack>& stacks) {
  const Stack* block = titled(stacks, {"Location is heap block of size "});
  if (block == nullptr || accesses.empty()) return "";
  const std::string by = culprit(block->frames);
  const std::optional<uint64_t> start = address_after(block->title, " at 0x");
  std::optional<uint64_t> lowest;
  for (const Stack* access : accesses) {
    const std::optional<uint64_t> address = address_after(access->title, " at 0x");
    if (address && (!lowest || *address < *lowest)) lowest = address;
  }
  if (by.empty() || !start || !lowest || *lowest < *start) return "";
  return fmt::format("on byte {} of memory from {}", *lowest - *start, by);
}

std::string place_of_race(const std::vector<Stack>& stacks) {
  std::vector<std::string> sides;
  std::vector<const Stack*> accesses;
  bool frees = false;
  for (const Stack& stack : stacks) {
    const size_t of_size = stack.title.find(" of size ");
    const bool access = of_size != std::string::npos && stack.title.find(" by ") > of_size;
    if (!access || sides.size() == 2) continue;
    std::string side = culprit(stack.frames);
    if (side.empty()) continue;
    // A race with the end of the memory is another bug than one with a plain access.
    const std::string& top = stack.frames.front().function;
    if (top == "free" || top.starts_with("operator delete")) {
      side = "free by " + side;
      frees = true;
    }
    sides.push_back(side);
    accesses.push_back(&stack);
  }
  if (std::string memory = raced_memory(accesses, stacks); !frees && !memory.empty()) {
    return memory;
  }
  std::sort(sides.begin(), sides.end());
  return sides.empty() ? "" : "between " + join(sides, " and ");
}

// "x.cc:9:26: runtime error: shift exponent 40 is too large" -> "shift exponent N is too large".
std::string undefined_behavior(const std::vector<std::string>& report) {
  constexpr std::string_view kMark = ": runtime error: ";
  for (const std::string& line : report) {
    const size_t at = line.find(kMark);
    if (at == std::string::npos) continue;
    return without_numbers(std::string_view(line).substr(at + kMark.size()));
  }
  return "";
}

std::string place_of_sanitizer(const Verdict& verdict, const std::vector<std::string>& report) {
  const std::vector<Stack> stacks = stacks_of(report);
  if (stacks.empty()) return "";
  if (verdict.detector == "LeakSanitizer") {
    const Stack* leak = titled(stacks, {"Direct leak of "});
    if (leak == nullptr) leak = titled(stacks, {"Indirect leak of "});
    const std::string by = leak == nullptr ? "" : culprit(leak->frames);
    return by.empty() ? "" : "of memory from " + by;
  }
  if (verdict.detector == "ThreadSanitizer") {
    if (std::string race = place_of_race(stacks); !race.empty()) return race;
  }
  if (verdict.detector == "libFuzzer" && verdict.kind == "out-of-memory") return "";
  const bool timeout = verdict.detector == "libFuzzer" && verdict.kind == "timeout";
  std::string where = timeout ? root_of(stacks.front().frames) : culprit(stacks.front().frames);
  std::string place = where.empty() ? "" : "in " + where;
  if (verdict.detector == "UndefinedBehaviorSanitizer") {
    const std::string what = undefined_behavior(report);
    if (!what.empty()) place = what + (place.empty() ? "" : " ") + place;
  }
  if (const Stack* made = titled(stacks, {"previously allocated by ", "allocated by "})) {
    const std::string by = culprit(made->frames);
    if (!by.empty()) place += (place.empty() ? "" : " ") + ("of memory from " + by);
  }
  return place;
}

// "in kernel::kref_get core/kernel/kref.cc:15", as a verdict without its report has it.
std::string place_without_report(const Verdict& verdict) {
  const std::string_view place = verdict.place;
  if (!place.starts_with("in ")) return without_numbers(place);
  std::string_view rest = place.substr(3);
  Frame frame;
  const size_t blank = rest.rfind(' ');
  if (blank != std::string_view::npos) {
    std::string_view file = rest.substr(blank + 1);
    frame.file = file.substr(0, file.find(':'));
    rest = rest.substr(0, blank);
  }
  frame.function = rest;
  return (verdict.detector == "LeakSanitizer" ? "of memory from " : "in ") + named(frame);
}

}  // namespace

std::string Signature::text() const {
  std::string what = place.empty() ? kind : kind + " " + place;
  return detector == "fencebench" ? what : detector + ": " + what;
}

std::string plain_function(std::string_view function) {
  const std::string bare = without_groups(function);
  std::vector<std::string> parts = scopes(bare);
  for (size_t i = parts.size(); i-- > 0;) {
    std::string_view part = parts[i];
    if (part.ends_with(" const")) part.remove_suffix(6);
    // A lambda is named after the function that it stands in.
    if (part.empty() || part == "operator()" || part == "const" || part.starts_with('$') ||
        part.starts_with('\'')) {
      continue;
    }
    // Copies that the optimizer makes: f.cold, f.llvm.123, "f [clone .isra.0]".
    const bool sign = part.find("operator") != std::string_view::npos;
    if (!sign) part = trim(part.substr(0, part.find('.')));
    // A return type stands in front of a template.
    const size_t blank = sign ? std::string_view::npos : part.rfind(' ');
    if (blank != std::string_view::npos) part.remove_prefix(blank + 1);
    if (!part.empty()) return std::string(part);
  }
  return std::string(function);
}

std::string source_path(std::string_view path) {
  std::vector<std::string> parts = split(path, '/');
  for (size_t i = parts.size(); i-- > 1;) {
    if (parts[i - 1] != "core" && parts[i - 1] != "fuzz") continue;
    return join({parts.begin() + static_cast<long>(i) - 1, parts.end()}, "/");
  }
  return parts.back();
}

std::optional<Verdict> verdict_from_text(std::string_view text) {
  text = trim(text);
  if (text.empty()) return {};
  Verdict verdict{.detector = "fencebench", .kind = "", .place = "", .summary = ""};
  const size_t colon = text.find(": ");
  const std::string_view first = text.substr(0, colon);
  if (colon != std::string_view::npos && (first.ends_with("Sanitizer") || first == "libFuzzer") &&
      first.find(' ') == std::string_view::npos) {
    verdict.detector = first;
    text = text.substr(colon + 2);
  }
  const size_t blank = text.find(' ');
  verdict.kind = printable(text.substr(0, blank));
  if (blank != std::string_view::npos) verdict.place = printable(trim(text.substr(blank)));
  return verdict;
}

Signature signature_of(const Verdict& verdict, const std::vector<std::string>& report,
                       std::string_view target) {
  const std::vector<Stack> stacks = stacks_of(report);
  Signature signature{.id = "",
                      .detector = printable(verdict.detector),
                      .kind = printable(verdict.kind),
                      .place = "",
                      .frames = top_frames(stacks),
                      .function = stacks.empty() ? "" : culprit(stacks.front().frames)};
  if (verdict.detector == "fencebench") {
    signature.place = place_of_our_own(verdict, report);
  } else {
    signature.place = place_of_sanitizer(verdict, report);
    if (signature.place.empty()) signature.place = place_without_report(verdict);
  }
  if (signature.place.empty() && !target.empty()) signature.place = "of " + std::string(target);
  signature.place = printable(signature.place);
  // A finding keeps its name for as long as these rules stay; the number tells that they changed.
  constexpr std::string_view kRules = "1";
  constexpr size_t kDigits = 10;
  signature.id =
      sha1(join({std::string(kRules), signature.detector, signature.kind, signature.place}, "\n"))
          .substr(0, kDigits);
  return signature;
}

}  // namespace tool
