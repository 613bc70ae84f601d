// The page trace_page.html, which the build puts into the command. "@DATA@" stands where the data
// goes.
#pragma once

#include <string_view>

namespace tool {

extern const std::string_view kTracePage;

}  // namespace tool
