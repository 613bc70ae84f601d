// SHA-1 of bytes, in hex: how libFuzzer names the files of a corpus. The command names its own so,
// and a corpus that both write to holds nothing twice. Not for security.
#pragma once

#include <string>
#include <string_view>

namespace tool {

std::string sha1(std::string_view bytes);

}  // namespace tool
