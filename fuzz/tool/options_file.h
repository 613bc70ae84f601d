// The run-time options of the sanitizers: files of `key=value` lines under sanitizers/.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// The `key=value` lines of an options file, without comments ('#' to the end of the line) and
// blanks. Throws UsageError, naming `path` and the line, for anything else.
std::vector<std::string> parse_options(std::string_view text, const std::filesystem::path& path);

// Options as a sanitizer reads them: joined with ':'. A value that holds ':' is quoted.
std::string join_options(const std::vector<std::string>& options);

// ASAN_OPTIONS, LSAN_OPTIONS, ... from the files in `folder`, each with `extra` appended. Paths of
// suppression files are taken from `folder`. A missing file means no options of its own.
std::map<std::string, std::optional<std::string>> sanitizer_environment(
    const std::filesystem::path& folder, const std::vector<std::string>& extra);

}  // namespace tool
