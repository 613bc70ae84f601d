#include "fuzz/tool/line_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tool {
namespace {

constexpr size_t kContext = 3;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

struct Row {
  char mark;  // ' ', '-', '+'
  std::string_view line;
};

// The rows of the whole, by the longest common subsequence of what differs.
std::vector<Row> rows_of(const std::vector<std::string_view>& a,
                         const std::vector<std::string_view>& b) {
  size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) head++;
  size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    tail++;
  const size_t rows = a.size() - head - tail;
  const size_t columns = b.size() - head - tail;
  std::vector<std::vector<uint32_t>> longest(rows + 1, std::vector<uint32_t>(columns + 1));
  for (size_t i = rows; i-- > 0;)
    for (size_t j = columns; j-- > 0;)
      longest[i][j] = a[head + i] == b[head + j] ? longest[i + 1][j + 1] + 1
                                                 : std::max(longest[i + 1][j], longest[i][j + 1]);
  std::vector<Row> result;
  for (size_t i = 0; i < head; i++) result.push_back({' ', a[i]});
  size_t i = 0;
  size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[head + i] == b[head + j]) {
      result.push_back({' ', a[head + i]});
      i++;
      j++;
    } else if (i < rows && (j == columns || longest[i + 1][j] >= longest[i][j + 1])) {
      result.push_back({'-', a[head + i++]});
    } else {
      result.push_back({'+', b[head + j++]});
    }
  }
  for (size_t k = a.size() - tail; k < a.size(); k++) result.push_back({' ', a[k]});
  return result;
}

// "12,5", "12" for one line, "11,0" for none: then the line before counts.
std::string range(size_t first, size_t count) {
  if (count == 0) return fmt::format("{},0", first - 1);
  return count == 1 ? fmt::format("{}", first) : fmt::format("{},{}", first, count);
}

}  // namespace

std::string unified_diff(std::string_view path, std::string_view before, std::string_view after) {
  const std::vector<Row> rows = rows_of(lines_of(before), lines_of(after));
  std::string diff;
  size_t line_a = 1;
  size_t line_b = 1;
  size_t at = 0;
  while (at < rows.size()) {
    auto changed = std::find_if(rows.begin() + static_cast<std::ptrdiff_t>(at), rows.end(),
                                [](const Row& row) { return row.mark != ' '; });
    if (changed == rows.end()) break;
    const size_t first = static_cast<size_t>(changed - rows.begin());
    const size_t begin = first - std::min(first - at, kContext);
    line_a += begin - at;
    line_b += begin - at;
    // As far as no more lines than two contexts are the same.
    size_t end = first;
    for (size_t i = first; i < rows.size() && i <= end + 2 * kContext + 1; i++)
      if (rows[i].mark != ' ') end = i;
    end = std::min(end + 1 + kContext, rows.size());
    std::string hunk;
    size_t count_a = 0;
    size_t count_b = 0;
    for (size_t i = begin; i < end; i++) {
      count_a += rows[i].mark != '+' ? 1 : 0;
      count_b += rows[i].mark != '-' ? 1 : 0;
      hunk += rows[i].mark;
      hunk += rows[i].line;
      if (!rows[i].line.ends_with('\n')) hunk += "\n\\ No newline at end of file\n";
    }
    if (diff.empty()) diff = fmt::format("--- a/{0}\n+++ b/{0}\n", path);
    diff += fmt::format("@@ -{} +{} @@\n{}", range(line_a, count_a), range(line_b, count_b), hunk);
    line_a += count_a;
    line_b += count_b;
    at = end;
  }
  return diff;
}

}  // namespace tool
