// For tests: a checkout whose fuzz targets are shell scripts that behave like libFuzzer binaries.
#pragma once

#include <string>

#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"

namespace tool {

// A script: 100 executions, and nothing found.
inline constexpr const char* kFindsNothing =
    "printf '#2\\tINITED cov: 5 ft: 6 corp: 2/3b exec/s: 0 rss: 31Mb\\n'\n"
    "echo 'Done 100 runs in 1 second(s)'\n"
    "echo 'stat::number_of_executed_units: 100'\n";

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
