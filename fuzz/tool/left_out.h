// The bugs of the list that have no patch, and why: core/defects/left_out, a line each,
//   ROW | NAME | REASON
// Empty lines and those that begin with '#' are comments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/files.h"

namespace tool {

struct LeftOut {
  std::string row;
  std::string name;
  std::string why;
};

// EnvironmentError, with the line, if the file is not as it should be. None if there is no file.
std::vector<LeftOut> read_left_out(const fs::path& root);
std::vector<LeftOut> parse_left_out(std::string_view text, const fs::path& shown);

}  // namespace tool
