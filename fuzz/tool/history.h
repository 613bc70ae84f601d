// The history of a checkout, by git, and a second checkout to try old revisions in.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/files.h"

namespace tool {

struct Commit {
  std::string id;     // in full
  std::string name;   // short
  std::string date;   // "2026-11-20"
  std::string title;  // as it is: hostile
};

struct History {
  std::vector<Commit> commits;  // the oldest first: the good one, then all that lead to HEAD
  bool common_ancestor =
      false;  // what was named is no ancestor: the first is the nearest common one
};

// From `revision` to HEAD, along first parents. UsageError for a revision that there is not (names
// the nearest), that has nothing in common with HEAD, or is HEAD; EnvironmentError if `root` is
// under no git, or there is no git.
History history_since(const fs::path& root, const std::string& revision);

// A second checkout of the same repository in a folder of its own. It shares the objects, and
// nothing is noted in the repository: a folder that is left behind by a kill is all that there is.
class SecondCheckout {
 public:
  // EnvironmentError if it cannot be made; what stood in `folder` is removed. It belongs to the
  // object: gone with it.
  SecondCheckout(const fs::path& root, const fs::path& folder);
  ~SecondCheckout();
  SecondCheckout(const SecondCheckout&) = delete;
  SecondCheckout& operator=(const SecondCheckout&) = delete;

  const fs::path& path() const { return folder_; }

  // Puts the files of that commit there; files that git does not know stay, so that a build goes
  // on from the last one. EnvironmentError if git fails.
  void put(const Commit& commit);

 private:
  fs::path folder_;
  fs::path lock_;
  int lock_fd_ = -1;
};

}  // namespace tool
