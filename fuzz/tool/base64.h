// Base64 as libFuzzer prints inputs.
#pragma once

#include <string>
#include <string_view>

namespace tool {

// Empty if `text` is no whole Base64.
std::string from_base64(std::string_view text);

}  // namespace tool
