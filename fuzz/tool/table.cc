#include "fuzz/tool/table.h"

#include <algorithm>

namespace tool {
namespace {

size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // UTF-8: count first bytes only
  }));
}

}  // namespace

Table::Table(const std::vector<std::string>& titles) : titles_(titles) {
  for (std::string& title : titles_) {
    right_.push_back(title.ends_with('>'));
    if (right_.back()) title.pop_back();
  }
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < titles_.size(); column++) {
    size_t widest = width(titles_[column]);
    for (const auto& cells : rows_) widest = std::max(widest, width(cells[column]));
    widths.push_back(widest);
  }
  std::string out;
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t column = 0; column < cells.size(); column++) {
      if (column > 0) text += "  ";
      std::string padding(widths[column] - width(cells[column]), ' ');
      text += right_[column] ? padding + cells[column] : cells[column] + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(titles_);
  for (const auto& cells : rows_) line(cells);
  return out;
}

}  // namespace tool
