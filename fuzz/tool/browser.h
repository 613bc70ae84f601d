// The browser that pages are tried in.
#pragma once

#include <filesystem>

namespace tool {

// Chromium, by the names that distributions give it, in PATH; empty if there is none.
std::filesystem::path find_browser();

}  // namespace tool
