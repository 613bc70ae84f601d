// For tests: a checkout whose fuzz targets are shell scripts that behave like libFuzzer binaries.
#pragma once

#include <string>

#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"

namespace tool {

class FakeCheckout {
 public:
  // Puts `script` where the build would put the binary of `target`. It finds $prefix (where
  // artifacts go), $seed and $last (the last argument: a file to execute, or a folder of seeds).
  void add_target(const std::string& sanitizer, const std::string& target,
                  const std::string& script, const std::string& defect = "") {
    fs::path binary = project_.binary(sanitizer, target, defect);
    fs::create_directories(binary.parent_path());
    write_file(binary,
               "#!/bin/sh\n"
               "for last; do\n"
               "  case $last in\n"
               "    -artifact_prefix=*) prefix=${last#*=} ;;\n"
               "    -seed=*) seed=${last#*=} ;;\n"
               "  esac\n"
               "done\n" +
                   script);
    fs::permissions(binary, fs::perms::owner_all);
  }

  const Project& project() const { return project_; }
  const fs::path& root() const { return scratch_.path(); }

 private:
  ScratchFolder scratch_{fs::temp_directory_path()};
  Project project_{scratch_.path()};
};

}  // namespace tool
