#include "fuzz/tool/options_file.h"

#include <fmt/format.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/strings.h"

namespace tool {

std::vector<std::string> parse_options(std::string_view text, const fs::path& path) {
  std::vector<std::string> options;
  int number = 0;
  for (const std::string& line : split(text, '\n')) {
    number++;
    std::string_view option = trim(std::string_view(line).substr(0, line.find('#')));
    if (option.empty()) continue;
    size_t equals = option.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      throw UsageError(fmt::format("{}:{}: '{}' is not of the form key=value", path.string(),
                                   number, printable(option)));
    }
    options.emplace_back(option);
  }
  return options;
}

std::string join_options(const std::vector<std::string>& options) {
  std::vector<std::string> quoted;
  for (const std::string& option : options) {
    size_t value = option.find('=') + 1;
    bool plain = option.find(':', value) == std::string::npos || option[value] == '\'' ||
                 option[value] == '"';
    quoted.push_back(plain ? option : option.substr(0, value) + "'" + option.substr(value) + "'");
  }
  return join(quoted, ":");
}

std::map<std::string, std::optional<std::string>> sanitizer_environment(
    const fs::path& folder, const std::vector<std::string>& extra) {
  std::map<std::string, std::optional<std::string>> environment;
  for (const char* name : {"asan", "lsan", "tsan", "ubsan", "msan"}) {
    std::vector<std::string> options;
    fs::path file = folder / (std::string(name) + ".options");
    std::error_code ignored;
    if (fs::exists(file, ignored)) options = parse_options(read_file(file), file);
    for (std::string& option : options) {
      constexpr std::string_view kSuppressions = "suppressions=";
      if (option.starts_with(kSuppressions) && option[kSuppressions.size()] != '/') {
        fs::path beside = folder / fs::path(option.substr(kSuppressions.size())).filename();
        option = std::string(kSuppressions) + beside.string();
      }
    }
    options.insert(options.end(), extra.begin(), extra.end());
    std::string variable = std::string(name) + "_OPTIONS";
    for (char& c : variable) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    environment[variable] = join_options(options);
  }
  return environment;
}

}  // namespace tool
