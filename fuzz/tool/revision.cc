#include "fuzz/tool/revision.h"

#include "fuzz/tool/process.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// What git prints, without anything it says on stderr; empty if it fails.
std::string git(const fs::path& root, const std::vector<std::string>& arguments) {
  Command command;
  command.argv = {"git", "-C", root.string(), "--no-optional-locks"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env["LC_ALL"] = "C";
  // Called from a hook these name the repository of somebody else.
  for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}) {
    command.env[name] = std::nullopt;
  }
  try {
    Finished finished = run_and_capture(command);
    return finished.exit.clean() ? finished.output : "";
  } catch (const SpawnError&) {
    return "";
  }
}

}  // namespace

std::string Revision::text() const { return id.empty() || !dirty ? id : id + "-dirty"; }

Revision revision_of(const fs::path& root) {
  Revision revision;
  const std::string head = git(root, {"log", "-1", "--format=%h%n%H%n%s"});
  const std::vector<std::string> lines = split(head, '\n');
  if (lines.size() < 3) return revision;
  revision.id = lines[0];
  revision.title = lines[2];
  const std::string changed = git(root, {"status", "--porcelain"});
  revision.dirty = !changed.empty();
  revision.stamp = sha1(lines[1] + changed + git(root, {"diff", "HEAD"}));
  return revision;
}

}  // namespace tool
