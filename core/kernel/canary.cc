#include "core/kernel/canary.h"

namespace kernel {

namespace {
CanaryCounts own;
CanaryCounts* counts = &own;
}  // namespace

CanaryCounts canary_counts() { return *counts; }

void canary_counts_go_to(CanaryCounts& shared) { counts = &shared; }

void canary_run_begins() { ++counts->runs; }

void canary(bool triggered) {
  if (counts->reached++ == 0) counts->first_reached = counts->runs;
  if (triggered && counts->triggered++ == 0) counts->first_triggered = counts->runs;
}

}  // namespace kernel
