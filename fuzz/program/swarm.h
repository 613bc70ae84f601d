// What a stretch of mutations favours: some operations, some threads. Programs then differ more
// from each other than if each had a bit of everything.
#pragma once

#include <cstdint>

#include "fuzz/program/ops.h"
#include "fuzz/program/rng.h"

namespace program {

struct Swarm {
  uint32_t weight[kOpKinds];  // how often an operation is inserted
  unsigned threads;           // over how many threads operations are spread
  unsigned preemptions;       // how often the schedule changes, in percent of the mutations
};

// Weights as in the table of operations, mostly one or two threads.
const Swarm& usual_swarm();

// Mostly what the driver is about, which happens between few operations: most of those are in, and
// some of the others. Sometimes any few operations on several threads.
Swarm random_swarm(Rng& rng);

}  // namespace program
