// Marks in a defect patch (core/defects): where the faulty code runs, and when the fault bites. A
// run then tells three things apart: the code was reached, the fault was triggered, it was
// detected.
#pragma once

#include <cstdint>

namespace kernel {

struct CanaryCounts {
  uint64_t reached;    // times that a mark was passed
  uint64_t triggered;  // times that its condition held
};

// Since the start of the process.
CanaryCounts canary_counts();
void canary(bool triggered);

}  // namespace kernel

// The correct core has none of these.
#define CANARY(condition) ::kernel::canary(condition)
