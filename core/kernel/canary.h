// Marks in a defect patch (core/defects): where the faulty code runs, and when the fault bites. A
// run then tells three things apart: the code was reached, the fault was triggered, it was
// detected.
#pragma once

#include <cstdint>

namespace kernel {

// Since the start of the process, or of the first that shares them.
struct CanaryCounts {
  uint64_t reached;          // times that a mark was passed
  uint64_t triggered;        // times that its condition held
  uint64_t runs;             // that have begun
  uint64_t first_reached;    // number of the run in which a mark was first passed, from 1; 0: never
  uint64_t first_triggered;  // likewise
};

CanaryCounts canary_counts();

// From now on they are kept in `counts`, which outlives the process: others read them there.
void canary_counts_go_to(CanaryCounts& counts);

void canary_run_begins();
void canary(bool triggered);

}  // namespace kernel

// The correct core has none of these.
#define CANARY(condition) ::kernel::canary(condition)
