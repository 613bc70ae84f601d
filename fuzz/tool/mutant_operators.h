// Small faults as people make them: each operator looks at one statement and proposes changes to
// it. Nothing here knows whether a change compiles or makes a difference: mutant_check.h asks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/cxx_source.h"

namespace tool {

// `text` in the place of some bytes of the source.
struct Edit {
  cxx::Range bytes;
  std::string text;
};

struct Change {
  std::vector<Edit> edits;
  std::string what;  // "`f(x);` is dropped"
  size_t at = 0;     // the byte that it is about: its line names the mutant
};

// The mark that tells a trial that the mutated place was passed.
inline constexpr std::string_view kMutantCanary = "CANARY(true);";

// A statement and where it stands.
struct Site {
  const cxx::Source& source;
  const cxx::Function& function;
  const cxx::Statement& statement;
  std::vector<const cxx::Statement*> ancestors;  // from the function's body to the parent
  size_t index;                                  // which child of its parent

  const cxx::Statement& parent() const { return *ancestors.back(); }
  bool in_block() const { return parent().kind == cxx::Statement::Kind::kBlock; }
  // The statement so many places on in the same block, or nullptr.
  const cxx::Statement* sibling(int offset) const;
};

struct MutantOperator {
  std::string_view name;
  std::string_view defect_class;  // what a mutant of it most likely is
  std::string_view summary;
  std::vector<Change> (*propose)(const Site& site);
};

// In the order that decides which of two operators owns a change that both propose.
const std::vector<MutantOperator>& mutant_operators();

// All statements of a function but its body, outermost first, in the order of the source. Without
// those that are a check of the bench's own: they are no part of the driver.
std::vector<Site> sites_of(const cxx::Source& source, const cxx::Function& function);

}  // namespace tool
