// With which commit a finding began: tries commits between a good one and HEAD in a second
// checkout, each with the target built from it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/tool/bisect.h"
#include "fuzz/tool/history.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

// What came of one commit.
struct Probe {
  Trial trial = Trial::kSkip;
  std::string what;  // the result, or why it was skipped; printable
  double seconds = 0;
};

struct TriedCommit {
  size_t index;  // in History::commits
  Probe probe;
};

struct Origin {
  History history;
  Bisection bisection;
  std::vector<TriedCommit> tried;  // in the order in which they were
  bool dirty = false;              // changes of the checkout that are not committed were left out
  fs::path log;

  const TriedCommit* tried_at(size_t index) const;
};

// The search alone: `try_commit` builds and executes. It is asked for HEAD first.
Origin search_history(History history, const std::function<Probe(const Commit&)>& try_commit);

// `input.comment` says how to execute it and what it should end in; if it does not say what, it is
// what it ends in at HEAD. A text is assembled by each commit's own tools, if it has them: bytes
// may have meant something else. UsageError, EnvironmentError as history_since() and
// SecondCheckout have them. Ctrl-C ends the search: Bisection::End::kStopped.
Origin find_origin(const Project& project, const Input& input, const std::string& sanitizer,
                   const std::string& revision, Progress& progress);

// For people; the first line is the answer.
std::string to_text(const Origin& origin);
nlohmann::json to_json(const Origin& origin);

}  // namespace tool
