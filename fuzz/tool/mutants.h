// Small mutants of the driver core, as patches: what a bench that finds lifetime and locking bugs
// ought to find.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/tool/mutant_operators.h"

namespace tool {

struct CoreMutant {
  std::string name;  // mutant-drop-put-215-dma-fence: the same for the same source
  const MutantOperator* by;
  std::string file;  // from the root
  size_t line;
  std::string function;
  std::string what;  // one sentence's worth
  std::string before;
  std::string after;  // with the canary

  // The mutated source without its canary: what a compiler is asked to compare.
  std::string unmarked() const;
  // Header and unified diff, as core/defects has them.
  std::string patch() const;
};

// All that the operators make of one file, in the order of its lines. `file` is its path from the
// root.
std::vector<CoreMutant> mutants_of(const std::string& file, const std::string& text);

// The sources that are mutated, from the root, sorted: those of core/dma, core/drm and core/userq
// that are the driver's, without tests, without the hardware, without the bench's own checks.
std::vector<std::string> mutated_files(const std::filesystem::path& root);

// All mutants of a checkout.
std::vector<CoreMutant> all_mutants(const std::filesystem::path& root);

// Where to begin if only some are wanted: an order of all of them, that of the seed, in which each
// operator's turn comes round, and with it each file's.
std::vector<size_t> spread(const std::vector<CoreMutant>& mutants, uint64_t seed);

}  // namespace tool
