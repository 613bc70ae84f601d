// For tests: an afl-fuzz that is a shell script.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "fuzz/tool/files.h"

namespace tool {

// Stands in AFL_PATH as long as it lives.
class FakeAfl {
 public:
  // `script` finds its output folder as $out, which has queue, crashes and hangs, and what it was
  // called with as $arguments.
  explicit FakeAfl(const std::string& script) {
    if (const char* path = std::getenv("AFL_PATH")) before_ = path;
    const fs::path program = scratch_.path() / "afl-fuzz";
    write_file(program,
               "#!/bin/sh\n"
               "arguments=$*\n"
               "out=out/default\n"
               "mkdir -p $out/queue $out/crashes $out/hangs\n" +
                   script);
    fs::permissions(program, fs::perms::owner_all);
    ::setenv("AFL_PATH", scratch_.path().c_str(), 1);
  }
  ~FakeAfl() {
    if (before_)
      ::setenv("AFL_PATH", before_->c_str(), 1);
    else
      ::unsetenv("AFL_PATH");
  }
  FakeAfl(const FakeAfl&) = delete;
  FakeAfl& operator=(const FakeAfl&) = delete;

  const fs::path& folder() const { return scratch_.path(); }

 private:
  ScratchFolder scratch_{fs::temp_directory_path()};
  std::optional<std::string> before_;
};

}  // namespace tool
