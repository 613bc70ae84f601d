#include "core/kernel/canary.h"

namespace kernel {

namespace {
CanaryCounts counts;
}  // namespace

CanaryCounts canary_counts() { return counts; }

void canary(bool triggered) {
  ++counts.reached;
  if (triggered) ++counts.triggered;
}

}  // namespace kernel
