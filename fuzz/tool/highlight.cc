#include "fuzz/tool/highlight.h"

#include <array>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kComment = "\x1b[2m";
constexpr std::string_view kWord = "\x1b[1m";   // what the line is about: the operation
constexpr std::string_view kName = "\x1b[33m";  // queues and syncobjs: one capital letter
constexpr std::string_view kNumber = "\x1b[36m";
constexpr std::string_view kOther = "\x1b[35m";  // device, process, schedule, irq
// One colour a thread, so that an interleaving shows.
constexpr std::array<std::string_view, 4> kThread = {"\x1b[32m", "\x1b[34m", "\x1b[31m",
                                                     "\x1b[93m"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view lane_colour(std::string_view word) {
  if (word.size() == 2 && word[0] == 't' && is_digit(word[1])) {
    return kThread[static_cast<size_t>(word[1] - '0') % kThread.size()];
  }
  for (std::string_view other :
       {"irq", "rcu", "worker", "timer", "device", "process", "schedule"}) {
    if (word == other) return kOther;
  }
  return {};
}

std::string highlight_line(std::string_view line) {
  std::string out;
  bool operation_seen = false;
  auto add = [&](std::string_view colour, std::string_view text) {
    if (colour.empty()) {
      out += text;
    } else {
      out.append(colour).append(text).append(kReset);
    }
  };
  for (size_t i = 0; i < line.size();) {
    if (line[i] == '#') {
      add(kComment, line.substr(i));
      break;
    }
    size_t end = i;
    while (end < line.size() && is_word(line[end])) end++;
    if (end == i) {
      out += line[i++];
      continue;
    }
    std::string_view word = line.substr(i, end - i);
    std::string_view colour = lane_colour(word);
    if (colour.empty() && is_digit(word[0])) colour = kNumber;
    if (colour.empty() && word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z') colour = kName;
    bool key = end < line.size() && line[end] == '=';
    if (colour.empty() && !operation_seen && !key) {
      colour = kWord;
      operation_seen = true;
    }
    add(colour, word);
    i = end;
  }
  return out;
}

}  // namespace

std::string highlight(std::string_view text) {
  std::string out;
  bool first = true;
  for (const std::string& line : split(text, '\n')) {
    if (!first) out += '\n';
    first = false;
    out += highlight_line(line);
  }
  return out;
}

}  // namespace tool
