#include "fuzz/tool/left_out.h"

#include <fmt/format.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {

std::vector<LeftOut> parse_left_out(std::string_view text, const fs::path& shown) {
  std::vector<LeftOut> bugs;
  size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    number++;
    if (trim(line).empty() || line.starts_with('#')) continue;
    const std::vector<std::string> parts = split(line, '|');
    if (parts.size() != 3 || trim(parts[0]).empty() || trim(parts[1]).empty() ||
        trim(parts[2]).empty()) {
      throw EnvironmentError(fmt::format("{}:{}: expected 'ROW | NAME | REASON', not '{}'",
                                         shown.string(), number, printable(line)));
    }
    bugs.push_back(
        {std::string(trim(parts[0])), std::string(trim(parts[1])), std::string(trim(parts[2]))});
  }
  return bugs;
}

std::vector<LeftOut> read_left_out(const fs::path& root) {
  const fs::path file = root / "core/defects/left_out";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  return parse_left_out(read_file(file), "core/defects/left_out");
}

}  // namespace tool
