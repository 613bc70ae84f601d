// Which state of the sources a checkout is in, by git.
#pragma once

#include <string>

#include "fuzz/tool/files.h"

namespace tool {

struct Revision {
  std::string id;      // of the commit, short; empty if the checkout is not under git
  std::string title;   // the first line of its message, as it is: hostile
  bool dirty = false;  // something differs from the commit
  std::string stamp;   // another one for each other state, changes not committed included

  // "abc1234", "abc1234-dirty", or empty.
  std::string text() const;
};

// Never fails: without git, or outside of a repository, everything is empty.
Revision revision_of(const fs::path& root);

}  // namespace tool
