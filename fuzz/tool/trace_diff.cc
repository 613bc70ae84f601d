#include "fuzz/tool/trace_diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/strings.h"
#include "fuzz/tool/terminal.h"
#include "fuzz/tool/trace_words.h"

namespace tool {
namespace {

constexpr size_t kRowsBefore = 8;
constexpr size_t kRowsAfter = 12;
constexpr size_t kNumber = 8;  // "  1234  "
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kFirst = "\x1b[1;31m";

bool same(const TraceLog& a, const TraceEvent& x, const TraceLog& b, const TraceEvent& y) {
  if (x.kind != y.kind || x.what != y.what || x.role != y.role || x.from_role != y.from_role ||
      x.from_object != y.from_object || x.value != y.value)
    return false;
  if (a.name(x.context) != b.name(y.context) || a.name(x.other) != b.name(y.other)) return false;
  // Entries of a schedule that have no effect are numbered, too.
  if (x.kind != TraceKind::kPreempt && x.object != y.object) return false;
  return a.operation(x.tag) == b.operation(y.tag);
}

std::string coloured(const TextStyle& style, std::string_view colour, std::string_view text) {
  return style.colour ? fmt::format("{}{}{}", colour, text, kReset) : std::string(text);
}

// All but scheduling points. What happens where they part is a row in any case.
std::vector<StoryRow> rows_of(const TraceLog& log, const std::string& verdict, size_t parting) {
  std::vector<StoryRow> rows = tell_story(log, {.all = true, .verdict = verdict}).rows;
  std::erase_if(rows, [parting](const StoryRow& row) {
    return row.kind == RowKind::kPoint && row.first != parting;
  });
  const auto at = std::find_if(rows.begin(), rows.end(), [parting](const StoryRow& row) {
    return row.first >= parting || row.kind == RowKind::kFailure;
  });
  if (parting > log.events.size() ||
      (at != rows.end() && at->first == parting && at->kind != RowKind::kFailure))
    return rows;
  const TraceEvent& event = log.events[parting - 1];
  StoryRow row{};
  row.kind = RowKind::kGoesOn;
  row.context = event.context;
  row.first = row.last = parting;
  row.text = TraceWords(log).describe(event);
  rows.insert(at, row);
  return rows;
}

std::string numbered(const TraceLog& log, const StoryRow& row) {
  const std::string_view fails = row.kind == RowKind::kFailure ? "fails here: " : "";
  return fmt::format("{:>{}}  {}{}", row.first, kNumber - 2, fails, row_line(log, row));
}

// How a run goes on from the parting, line by line.
std::vector<std::string> onward(const DiffSide& side, const std::vector<StoryRow>& rows,
                                size_t from, size_t width) {
  std::vector<std::string> lines;
  for (size_t i = from; i < rows.size() && i < from + kRowsAfter; ++i) {
    const std::string text = numbered(side.log, rows[i]);
    const std::vector<std::string> pieces =
        wrap(std::string_view(text).substr(kNumber), width - kNumber - 2);
    for (size_t j = 0; j < pieces.size(); ++j)
      lines.push_back((j == 0 ? text.substr(0, kNumber) : std::string(kNumber + 2, ' ')) +
                      pieces[j]);
  }
  if (from >= rows.size()) lines.emplace_back("        (the run is over)");
  return lines;
}

size_t first_row_at(const std::vector<StoryRow>& rows, size_t step) {
  return static_cast<size_t>(std::find_if(rows.begin(), rows.end(),
                                          [step](const StoryRow& row) {
                                            return row.last >= step ||
                                                   row.kind == RowKind::kFailure;
                                          }) -
                             rows.begin());
}

size_t characters(std::string_view text) { return fit(text, text.size()).size(); }

}  // namespace

Parting find_parting(const TraceLog& a, const TraceLog& b) {
  Parting parting;
  size_t i = 0;
  size_t j = 0;
  for (;; ++i, ++j) {
    while (i < a.events.size() && a.events[i].kind == TraceKind::kStart) ++i;
    while (j < b.events.size() && b.events[j].kind == TraceKind::kStart) ++j;
    if (i == a.events.size() || j == b.events.size()) break;
    if (!same(a, a.events[i], b, b.events[j])) break;
    if (a.events[i].kind == TraceKind::kPoint) ++parting.points;
  }
  parting.step_a = i + 1;
  parting.step_b = j + 1;
  parting.parted = i < a.events.size() || j < b.events.size() || a.ended != b.ended ||
                   a.finding.has_value() != b.finding.has_value();
  return parting;
}

std::string diff_text(const DiffSide& a, const DiffSide& b, const Parting& parting,
                      const TextStyle& style) {
  std::string text;
  const std::string clean = "clean";
  for (const auto& [letter, side] : {std::pair<char, const DiffSide&>{'A', a}, {'B', b}})
    text += fmt::format("{}  {}: {}\n", letter, side.title,
                        printable(side.verdict.empty() ? clean : side.verdict));
  if (!parting.parted) {
    return text +
           fmt::format("they are the same from start to end: {} steps, {} scheduling points\n",
                       with_commas(a.log.events.size()), with_commas(parting.points));
  }
  const std::vector<StoryRow> rows_a = rows_of(a.log, a.verdict, parting.step_a);
  const std::vector<StoryRow> rows_b = rows_of(b.log, b.verdict, parting.step_b);
  const size_t at_a = first_row_at(rows_a, parting.step_a);
  const size_t at_b = first_row_at(rows_b, parting.step_b);
  text += fmt::format("the same for {} steps, {} scheduling points\n\n",
                      with_commas(parting.step_a - 1), with_commas(parting.points));
  for (size_t i = at_a > kRowsBefore ? at_a - kRowsBefore : 0; i < at_a; ++i)
    text += coloured(style, kDim, fit(numbered(a.log, rows_a[i]), style.width)) + "\n";
  text += "\n" + coloured(style, kBold, fmt::format("they part at step {}", parting.step_a)) + "\n";

  const size_t width = style.width > 2 * kNumber + 20 ? (style.width - 3) / 2 : kNumber + 10;
  const std::vector<std::string> left = onward(a, rows_a, at_a, width);
  const std::vector<std::string> right = onward(b, rows_b, at_b, width);
  auto cell = [&](const std::vector<std::string>& lines, size_t i) {
    return i < lines.size() ? lines[i] : std::string();
  };
  const std::string bar = style.unicode ? " │ " : " | ";
  text += fmt::format("{:<{}}{}{}\n", "A", width, bar, "B");
  for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    std::string one = cell(left, i);
    const std::string padding(width - std::min(width, characters(one)), ' ');
    std::string two = cell(right, i);
    if (i == 0) {
      one = coloured(style, kFirst, one);
      two = coloured(style, kFirst, two);
    }
    std::string line = one + padding + bar + two;
    if (!style.colour) line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace tool
