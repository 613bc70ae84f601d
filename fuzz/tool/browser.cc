#include "fuzz/tool/browser.h"

#include <unistd.h>

#include <cstdlib>

#include "fuzz/tool/strings.h"

namespace tool {

std::filesystem::path find_browser() {
  const char* path = std::getenv("PATH");
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    for (const std::string& folder : split(path == nullptr ? "" : path, ':')) {
      const std::filesystem::path file = std::filesystem::path(folder) / name;
      if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return {};
}

}  // namespace tool
