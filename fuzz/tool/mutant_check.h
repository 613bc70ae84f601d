// Asks the compiler about mutants: whether they compile as the build compiles, with its warnings
// that are errors, and whether they differ from the source, and from each other, once compiled.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/mutants.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/terminal.h"

namespace tool {

struct MutantVerdict {
  enum class Kind {
    kGood,
    kDoesNotCompile,
    kEquivalent,  // the same code as the source
    kDouble,      // the same code as another mutant
  };
  Kind kind = Kind::kGood;
  std::string why;  // the compiler's first complaint, or the name of the other
};

class MutantCheck {
 public:
  // Reads build/release/compile_commands.json; EnvironmentError if it is not there.
  MutantCheck(const Project& project, unsigned jobs, Progress& progress);

  // The mutants `order` names, in that order, until `limit` of them are good. The verdicts of those
  // that were asked about.
  std::map<size_t, MutantVerdict> run(const std::vector<CoreMutant>& mutants,
                                      const std::vector<size_t>& order, size_t limit);

 private:
  struct Compiled {
    bool done = false;
    std::string code;  // its hash; empty: it does not compile
    std::string complaint;
  };
  void compile(const std::string& file, const std::string& text, Compiled& result);
  const std::string& original(const CoreMutant& mutant);

  unsigned jobs_;
  Progress& progress_;
  ScratchFolder scratch_;
  std::map<std::string, std::vector<std::string>> commands_;  // by source
  std::map<std::string, Compiled> originals_;
  Supervisor supervisor_;
  size_t started_ = 0;
};

// How the build compiles each source of the core: the arguments without input, output and
// instrumentation. `json` is a compilation database, `root` the checkout.
std::map<std::string, std::vector<std::string>> compile_commands(const std::string& json,
                                                                 const fs::path& root);

}  // namespace tool
