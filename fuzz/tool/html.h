// Text in HTML pages. What findings, commits and file names say is never markup.
#pragma once

#include <string>
#include <string_view>

namespace tool {

// `text` as it may stand between tags and inside a quoted attribute: printable() and the five
// characters that HTML gives a meaning.
std::string html(std::string_view text);

// The same, at most `limit` bytes of `text`; what was cut is said by an ellipsis.
std::string html(std::string_view text, size_t limit);

// What a Content-Security-Policy names a script by, from the SHA-256 of its text in hexadecimal.
std::string script_source(std::string_view sha256);

}  // namespace tool
