// Small string helpers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);

// The whole of `text` as an unsigned decimal number; nothing if there is any other character or
// the value does not fit.
std::optional<uint64_t> to_number(std::string_view text);

// What may go to a terminal or a log that a person prints: control characters, stray bytes and the
// characters that reorder text come out as \xNN. Tabs stay. Fuzzed inputs end up in reports.
std::string printable(std::string_view text);

// [a-z0-9-] only, no doubled or outer dashes, at most `limit` characters: safe as a file name.
std::string slug(std::string_view text, size_t limit);

// 1234567 -> "1,234,567"
std::string with_commas(uint64_t number);

// 0.4 s, 12.3 s, 2m05s, 1h02m
std::string human_seconds(double seconds);

// `word` so that a POSIX shell reads it as one argument.
std::string shell_quote(std::string_view word);

// FNV-1a over the bytes: names files by content. Not for anything an adversary may choose.
uint64_t content_hash(std::string_view bytes);

}  // namespace tool
