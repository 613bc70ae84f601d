// What makes a program valid: every value within its limits, nothing in the parts that mean
// nothing. The decoder and the parser yield only valid programs, and the encoder and the mutator
// expect them.
#pragma once

#include "fuzz/program/program.h"

namespace program {

// The largest value of an argument of this type; of a list, the largest length.
uint64_t arg_max(ArgType type);
// How many different entries a list of this type can have.
unsigned list_choices(ArgType type);

bool arg_is_valid(ArgType type, uint64_t value);
bool op_is_valid(const Op& op);
bool is_valid(const Program& program);

// Whether an operation of this kind may stand on this lane.
inline bool lane_is_valid(OpKind kind, unsigned lane) {
  return lane < kThreads || (lane == kIrqLane && op_spec(kind).irq_lane);
}

}  // namespace program
