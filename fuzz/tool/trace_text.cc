#include "fuzz/tool/trace_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "fuzz/tool/strings.h"
#include "fuzz/tool/terminal.h"

namespace tool {
namespace {

constexpr size_t kGutter = 7;  // "  1234 "
constexpr size_t kNarrowestColumn = 24;
constexpr size_t kNarrowestText = 12;
constexpr size_t kDeepest = 4;      // locks that are drawn
constexpr size_t kManyObjects = 5;  // of more than that those of set-up are left out

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kBold = "\x1b[1m";

std::string_view colour_of(const StoryRow& row) {
  if (row.kept) return "\x1b[1;31m";
  switch (row.kind) {
    case RowKind::kFailure:
      return "\x1b[1;97;41m";
    case RowKind::kOperation:
      return kBold;
    case RowKind::kSchedule:
      return "\x1b[1;35m";
    case RowKind::kIrq:
    case RowKind::kIrqEnd:
      return "\x1b[35m";
    case RowKind::kWaits:
    case RowKind::kWakes:
    case RowKind::kTime:
      return "\x1b[33m";
    case RowKind::kOpen:
    case RowKind::kGet:
    case RowKind::kMove:
      return "\x1b[32m";
    case RowKind::kPut:
    case RowKind::kClose:
      return "\x1b[34m";
    case RowKind::kState:
      return "\x1b[36m";
    case RowKind::kPhase:
    case RowKind::kPoint:
    case RowKind::kGoesOn:
    case RowKind::kBegins:
    case RowKind::kEnds:
    case RowKind::kLock:
    case RowKind::kUnlock:
      return kDim;
    case RowKind::kResult:
      return "";
  }
  return "";
}

// So that an interleaving shows.
std::string_view colour_of_column(size_t column) {
  static constexpr std::string_view kColours[] = {"\x1b[1;32m", "\x1b[1;34m", "\x1b[1;31m",
                                                  "\x1b[1;93m", "\x1b[1;35m", "\x1b[1;36m"};
  return kColours[column % std::size(kColours)];
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

class Painter {
 public:
  Painter(const Story& story, const TextStyle& style) : story_(story), style_(style) {
    const size_t columns = std::max<size_t>(1, story.columns.size());
    const size_t room = style.width > kGutter ? style.width - kGutter : 1;
    narrow_ = room / columns < kNarrowestColumn && columns > 1;
    if (narrow_)
      for (const StoryColumn& column : story.columns)
        label_ = std::max(label_, characters(column.title) + 2);
    // The column after the last one needs no gap.
    width_ = narrow_ ? (room > label_ ? room - label_ : 1) : (room + 2) / columns - 2;
    width_ = std::max(width_, kNarrowestText);
  }

  std::string paint() {
    titles();
    for (const StoryRow& row : story_.rows) paint(row);
    return std::move(out_);
  }

 private:
  std::string coloured(std::string_view colour, std::string_view text) const {
    if (!style_.colour || colour.empty() || text.empty()) return std::string(text);
    return fmt::format("{}{}{}", colour, text, kReset);
  }

  void titles() {
    std::string line = fmt::format("{:>{}} ", "point", kGutter - 1);
    if (narrow_) {
      line += fmt::format("{:<{}}{}", "who", label_, "what");
    } else {
      for (size_t i = 0; i < story_.columns.size(); ++i)
        line += coloured(colour_of_column(i),
                         fmt::format("{:<{}}", fit(story_.columns[i].title, width_), width_ + 2));
    }
    if (!style_.colour) line.erase(line.find_last_not_of(' ') + 1);
    out_ += line + "\n";
  }

  // What stands before the text of a row: the frame of an interrupt, a bar for each lock.
  std::string edge(const StoryRow& row, bool first) const {
    std::string text;
    if (row.on_top) {
      const bool begin = row.kind == RowKind::kIrq && first;
      const bool end = row.kind == RowKind::kIrqEnd;
      if (style_.unicode)
        text += begin ? "┏ " : end ? "┗ " : "┃ ";
      else
        text += begin ? "+ " : end ? "+ " : "# ";
    }
    const size_t depth = std::min(kDeepest, locks_around(row));
    for (size_t i = 0; i < depth; ++i) text += style_.unicode ? "│" : "|";
    if (depth > 0) text += ' ';
    return text;
  }

  // The locks within which the row is: one that it takes begins below it.
  size_t locks_around(const StoryRow& row) const {
    const size_t held = story_.held[row.held].size();
    return row.kind == RowKind::kLock && row.first == row.last && held > 0 ? held - 1 : held;
  }

  std::string mark(const StoryRow& row) const {
    switch (row.kind) {
      case RowKind::kOperation:
        return style_.unicode ? "▶ " : "> ";
      case RowKind::kResult:
        return style_.unicode ? "◀ " : "< ";
      case RowKind::kSchedule:
        return style_.unicode ? "⇄ " : "! ";
      case RowKind::kFailure:
        return style_.unicode ? "✖ FAILS HERE: " : "X FAILS HERE: ";
      case RowKind::kPhase:
        return style_.unicode ? "… " : "... ";
      default:
        return "";
    }
  }

  void paint(const StoryRow& row) {
    const bool across = row.column == kAcross;
    const std::string first = edge(row, true);
    const std::string later = edge(row, false) + "  ";
    size_t all = width_;
    if (!narrow_ && across) all = style_.width - kGutter;
    // Where it fails nothing else happens, so there is room up to the edge.
    if (!narrow_ && !across && row.kind == RowKind::kFailure)
      all = style_.width - kGutter - row.column * (width_ + 2);
    const size_t used = std::max(characters(first), characters(later));
    const size_t width = all > used + kNarrowestText ? all - used : kNarrowestText;
    std::string text = mark(row) + row.text;
    if (row.kept) text += style_.unicode ? "  ◀ never dropped" : "  <-- never dropped";
    const std::vector<std::string> lines = wrap(text, width);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string number = i == 0 && row.points != last_points_
                                     ? fmt::format("{:>{}} ", row.points, kGutter - 1)
                                     : std::string(kGutter, ' ');
      std::string indent;
      if (narrow_)
        indent =
            across ? std::string(label_, ' ')
                   : coloured(colour_of_column(row.column),
                              fmt::format("{:<{}}", i == 0 ? story_.columns[row.column].title : "",
                                          label_));
      else if (!across)
        indent = std::string(row.column * (width_ + 2), ' ');
      std::string line = coloured(kDim, number) + indent + coloured(kDim, i == 0 ? first : later) +
                         coloured(colour_of(row), lines[i]);
      if (!style_.colour) line.erase(line.find_last_not_of(' ') + 1);
      out_ += line + "\n";
    }
    last_points_ = row.points;
  }

  const Story& story_;
  const TextStyle& style_;
  bool narrow_ = false;
  size_t label_ = 0;
  size_t width_ = 0;
  uint64_t last_points_ = ~uint64_t{0};
  std::string out_;
};

// " by operation 3", or nothing.
std::string by_operation(uint32_t tag) {
  return tag == 0 ? "" : fmt::format(", operation {}", tag);
}

std::string reference_text(const Reference& reference) {
  std::string text = fmt::format("    held by {}: taken at step {}{}", reference.holder,
                                 reference.step, by_operation(reference.tag));
  if (!reference.origin.empty())
    text += fmt::format(" for {}, moved at step {}{}", reference.origin, reference.moved_step,
                        by_operation(reference.moved_tag));
  return text + "\n";
}

}  // namespace

std::string story_text(const Story& story, const TextStyle& style) {
  return Painter(story, style).paint();
}

std::string row_line(const TraceLog& log, const StoryRow& row) {
  if (row.context == kNobody) return row.text;
  return fmt::format("{}: {}", log.name(row.context), row.text);
}

std::string remains_text(const Story& story, bool all) {
  std::string text;
  if (!story.standing.empty()) {
    text += "at that point\n";
    for (const std::string& line : story.standing) text += fmt::format("  {}\n", line);
  }
  if (story.living.empty()) return text;
  text += "alive at the end\n";
  size_t left_out = 0;
  for (const LivingObject& object : story.living) {
    if (object.tag == 0 && !all && story.living.size() > kManyObjects) {
      ++left_out;
      continue;
    }
    text +=
        fmt::format("  {} since step {}{}\n", object.name, object.step, by_operation(object.tag));
    for (const Reference& reference : object.references) text += reference_text(reference);
  }
  if (left_out > 0)
    text += fmt::format("  {}{} objects that set-up made (--all lists them)\n",
                        left_out < story.living.size() ? "and " : "", left_out);
  return text;
}

std::vector<std::string> wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  while (characters(text) > width) {
    const size_t limit = fit(text, width).size();
    size_t end = text.substr(0, limit + 1).rfind(' ');
    // A word that no line has room for is broken anywhere.
    const bool fits = end != std::string_view::npos && end > 0 &&
                      characters(text.substr(end + 1, text.find(' ', end + 1) - end - 1)) <= width;
    if (!fits && (end == std::string_view::npos || end < limit / 2)) end = limit;
    lines.emplace_back(text.substr(0, end));
    text = trim(text.substr(end));
  }
  lines.emplace_back(text);
  return lines;
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string lower(value);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace tool
