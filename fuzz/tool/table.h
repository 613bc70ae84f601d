// A plain-text table with aligned columns.
#pragma once

#include <string>
#include <vector>

namespace tool {

class Table {
 public:
  // A column whose title ends in '>' is aligned to the right (and shown without the mark).
  explicit Table(const std::vector<std::string>& titles);

  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // Titles and rows, one line each, columns two blanks apart, no trailing blanks.
  std::string text() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tool
