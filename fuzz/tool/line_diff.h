// A unified diff of two texts, as patch(1) wants it.
#pragma once

#include <string>
#include <string_view>

namespace tool {

// Hunks with three lines of context, under `--- a/PATH` and `+++ b/PATH`; empty if nothing differs.
// `path` must be plain: no blanks, no control characters.
std::string unified_diff(std::string_view path, std::string_view before, std::string_view after);

}  // namespace tool
