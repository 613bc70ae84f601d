// Colours for a program as text.
#pragma once

#include <string>
#include <string_view>

namespace tool {

// `text` with ANSI colours: comments, lanes, names, numbers. Everything else as it is; without the
// colours it reads the same.
std::string highlight(std::string_view text);

}  // namespace tool
