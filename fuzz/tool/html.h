// Text in HTML pages. What findings, commits and file names say is never markup.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace tool {

// `text` as it may stand between tags and inside a quoted attribute: printable() and the five
// characters that HTML gives a meaning.
std::string html(std::string_view text);

// The same, at most `limit` bytes of `text`; what was cut is said by an ellipsis.
std::string html(std::string_view text, size_t limit);

// `page` with the values in the places "@NAME@" that have one. What is put in may look like a
// place: it is not looked at again.
std::string fill_places(std::string_view page,
                        const std::map<std::string_view, std::string>& values);

// What a Content-Security-Policy names a script by, from the SHA-256 of its text in hexadecimal.
std::string script_source(std::string_view sha256);

}  // namespace tool
