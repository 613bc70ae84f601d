// For tests: a folder under git.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/process.h"

namespace tool {

class FakeRepository {
 public:
  explicit FakeRepository(fs::path root) : root_(std::move(root)) {}

  bool init() const { return git({"init", "--quiet", "--initial-branch=main"}); }

  // Whether git succeeds. Nothing of the user's configuration counts.
  bool git(const std::vector<std::string>& arguments) const {
    Command command;
    command.argv = {"git", "-C", root_.string(), "-c", "user.name=x", "-c", "user.email=x@x"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}) {
      command.env[name] = std::nullopt;
    }
    command.env["GIT_CONFIG_GLOBAL"] = "/dev/null";
    try {
      return run_and_capture(command).exit.clean();
    } catch (const SpawnError&) {
      return false;
    }
  }

  // Everything as it is now, with `content` in `file`.
  bool commit(const std::string& file, const std::string& content, const std::string& title) const {
    write_file(root_ / file, content);
    return git({"add", file}) && git({"commit", "--quiet", "-m", title});
  }

 private:
  fs::path root_;
};

}  // namespace tool
