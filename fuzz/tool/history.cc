#include "fuzz/tool/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

struct Said {
  bool ok = false;
  std::string text;  // what it printed; of a failure, why
};

Said git(const fs::path& root, const std::vector<std::string>& arguments) {
  ScratchFolder scratch(fs::temp_directory_path());
  Command command;
  command.argv = {"git",
                  "-C",
                  root.string(),
                  "-c",
                  "core.hooksPath=/dev/null",
                  "-c",
                  "advice.detachedHead=false"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env["LC_ALL"] = "C";
  command.env["GIT_TERMINAL_PROMPT"] = "0";
  for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}) {
    command.env[name] = std::nullopt;
  }
  command.stdout_file = scratch.path() / "stdout";
  try {
    const Finished finished = run_and_capture(command);
    if (interrupted()) throw EnvironmentError("interrupted");
    if (!finished.exit.clean()) return {false, std::string(trim(finished.output))};
    return {true, read_file(command.stdout_file)};
  } catch (const SpawnError& error) {
    throw EnvironmentError(fmt::format("{}; the history is kept by git", error.what()));
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<Commit> log_of(const fs::path& root, const std::vector<std::string>& which) {
  std::vector<std::string> arguments = {"log", "--format=%H%x00%h%x00%cs%x00%s", "--no-color"};
  arguments.insert(arguments.end(), which.begin(), which.end());
  const Said said = git(root, arguments);
  if (!said.ok) throw EnvironmentError("git log failed: " + printable(first_line(said.text)));
  std::vector<Commit> commits;
  for (const std::string& line : split(said.text, '\n')) {
    std::vector<std::string> parts = split(line, '\0');
    if (parts.size() != 4) continue;
    commits.push_back({parts[0], parts[1], parts[2], parts[3]});
  }
  return commits;
}

void check_revision(const fs::path& root, const std::string& revision) {
  const bool option = revision.empty() || revision.front() == '-';
  if (!option && git(root, {"rev-parse", "--verify", "--quiet", revision + "^{commit}"}).ok) return;
  const Said names = git(root, {"for-each-ref", "--format=%(refname:short)"});
  std::vector<std::string> known = {"HEAD"};
  for (std::string& name : split(names.text, '\n')) {
    if (!name.empty()) known.push_back(printable(name));
  }
  throw UsageError(fmt::format("there is no commit '{}' here{}", printable(revision),
                               suggestion(revision, known)));
}

}  // namespace

History history_since(const fs::path& root, const std::string& revision) {
  if (!git(root, {"rev-parse", "--verify", "--quiet", "HEAD^{commit}"}).ok) {
    throw EnvironmentError(fmt::format("'{}' has no history: it is under no git, or has no commit",
                                       printable(root.string())));
  }
  check_revision(root, revision);
  const Said base = git(root, {"merge-base", revision, "HEAD"});
  if (!base.ok) {
    throw UsageError(fmt::format("'{}' and HEAD have no history in common", printable(revision)));
  }
  const std::string id = first_line(base.text);
  History history;
  history.commits = log_of(root, {"-1", id});
  const Said named = git(root, {"rev-parse", revision + "^{commit}"});
  history.common_ancestor = first_line(named.text) != id;
  for (Commit& commit : log_of(root, {"--first-parent", "--reverse", id + "..HEAD"})) {
    history.commits.push_back(std::move(commit));
  }
  if (history.commits.size() < 2) {
    throw UsageError(fmt::format("'{}' is HEAD or comes after it: there is nothing between them",
                                 printable(revision)));
  }
  return history;
}

SecondCheckout::SecondCheckout(const fs::path& root, const fs::path& folder)
    : folder_(folder), lock_(folder.string() + ".lock") {
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  lock_fd_ = ::open(lock_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (lock_fd_ < 0 || ::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (lock_fd_ >= 0) ::close(lock_fd_);
    throw EnvironmentError(
        fmt::format("cannot work in '{}': another fencebench does, or it "
                    "cannot be written to",
                    printable(folder.string())));
  }
  fs::remove_all(folder_, error);
  const Said said = git(root, {"clone", "--quiet", "--shared", "--no-checkout", "--", root.string(),
                               folder_.string()});
  if (said.ok) return;
  fs::remove_all(folder_, error);
  ::close(lock_fd_);
  throw EnvironmentError("git clone failed: " + printable(first_line(said.text)));
}

SecondCheckout::~SecondCheckout() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  fs::remove(lock_, ignored);
  ::close(lock_fd_);
}

void SecondCheckout::put(const Commit& commit) {
  const Said said = git(folder_, {"checkout", "--quiet", "--force", "--detach", commit.id});
  if (!said.ok) {
    throw EnvironmentError(
        fmt::format("git cannot check out {}: {}", commit.name, printable(first_line(said.text))));
  }
}

}  // namespace tool
