// Which detector sees which defect: from reproducers that were executed in each build with and
// without our own checkers, and from what hunting ended in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/defect_catalogue.h"
#include "fuzz/tool/hunt_results.h"

namespace tool {

// Our checkers, by what they look after, and the sanitizers; each is a column.
struct Detector {
  std::string name;     // "ledger", "ASan"
  std::string meaning;  // one line
};
const std::vector<Detector>& detectors();

// Which of detectors() a verdict comes from: "reference-leak x", "AddressSanitizer:
// heap-use-after-free in f", "ThreadSanitizer data-race" of a header. The last one is for what is
// none of them.
size_t detector_of(std::string_view verdict);

enum class Seen {
  kNotTried,
  kNo,        // the detector was on, and said nothing
  kExpected,  // the header names it, but it said nothing
  kHunting,   // in trials only
  kYes,       // on the reproducer
};

struct MatrixCell {
  Seen seen = Seen::kNotTried;
  std::vector<std::string> words;  // "asan: reference-leak x", for a person who points at it
};

struct MatrixRow {
  std::string defect;
  std::vector<MatrixCell> cells;  // as detectors()
  bool replayed = false;
};

// A row for each defect of the catalogue, and each other one that the results know, sorted. Not
// for mutants and the correct core.
std::vector<MatrixRow> detector_matrix(const std::vector<Defect>& catalogue,
                                       const HuntResults& results);

}  // namespace tool
