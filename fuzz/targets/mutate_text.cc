#include "fuzz/targets/mutate_text.h"

#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "fuzz/program/lex.h"
#include "fuzz/program/mutate.h"
#include "fuzz/program/print.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/text.h"

namespace {

using program::Rng;
using Lines = std::vector<std::string>;

// Signs, keywords, and numbers around the limits.
constexpr std::string_view kWords[] = {"=",
                                       ":",
                                       "[",
                                       "]",
                                       ",",
                                       ">",
                                       "#",
                                       "[S,T]",
                                       "[1,16]",
                                       "\r",
                                       "\xef\xbb\xbf",
                                       "device",
                                       "cpus",
                                       "seq64",
                                       "process",
                                       "p1",
                                       "schedule",
                                       "fail_alloc",
                                       "fail_copy",
                                       "signal_pending",
                                       "0",
                                       "8",
                                       "0x",
                                       "0xff",
                                       "256",
                                       "65536",
                                       "1048575",
                                       "1048576",
                                       "18446744073709551615",
                                       "18446744073709551616"};

std::string random_word(Rng& rng) {
  const auto kind = static_cast<program::OpKind>(rng.below(program::kOpKinds));
  const program::OpSpec& spec = program::op_spec(kind);
  switch (rng.below(6)) {
    case 0:
      return spec.name;
    case 1: {
      const char* name = spec.args[rng.below(program::kMaxArgs)].name;
      return name != nullptr ? name : "";
    }
    case 2:
      return program::target_name(static_cast<program::Target>(rng.below(program::kTargets)));
    case 3:
      return std::string(1, static_cast<char>('A' + rng.below(26)));
    default:
      return std::string(kWords[rng.below(std::size(kWords))]);
  }
}

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string join(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

void change_word(std::string& line, Rng& rng) {
  const std::vector<program::Token> tokens = program::lex_line(line);
  const program::Token& token = tokens[rng.below(tokens.size())];
  const auto at = static_cast<size_t>(token.column - 1);
  const std::string word(token.text);
  switch (rng.below(4)) {
    case 0:
      line.insert(at, random_word(rng) + (rng.percent(50) ? " " : ""));
      break;
    case 1:
      line.replace(at, word.size(), random_word(rng));
      break;
    case 2:
      line.erase(at, word.size());
      break;
    default:
      line.insert(at, word + " ");
      break;
  }
}

void change_lines(Lines& lines, Rng& rng) {
  const size_t at = rng.below(lines.size());
  const auto place = lines.begin() + static_cast<ptrdiff_t>(at);
  switch (rng.below(3)) {
    case 0:
      lines.insert(place, std::string(lines[rng.below(lines.size())]));
      break;
    case 1:
      lines.erase(place);
      break;
    default:
      std::swap(*place, lines[rng.below(lines.size())]);
      break;
  }
}

}  // namespace

std::string mutate_text(std::string_view text, unsigned seed) {
  Rng rng(seed);
  if (rng.percent(30)) {
    auto parsed = program::parse(text);
    if (auto* program = std::get_if<program::Program>(&parsed)) {
      program::mutate(*program, rng);
      return program::to_text(*program);
    }
  }
  Lines lines = split(text);
  for (unsigned n = 1 + rng.below(3); n > 0; --n) {
    if (lines.empty()) lines.emplace_back();
    if (rng.percent(70))
      change_word(lines[rng.below(lines.size())], rng);
    else
      change_lines(lines, rng);
  }
  return join(lines);
}

std::string mix_lines(std::string_view a, std::string_view b, unsigned seed) {
  Rng rng(seed);
  const Lines first = split(a), second = split(b);
  Lines mixed;
  for (size_t i = 0, j = 0; i < first.size() || j < second.size();) {
    const bool from_first = j == second.size() || (i < first.size() && rng.percent(50));
    const std::string& line = from_first ? first[i++] : second[j++];
    if (rng.percent(75)) mixed.push_back(line);
  }
  return join(mixed);
}
