// The mutator as libFuzzer wants it: on bytes. For LLVMFuzzerCustomMutator and
// LLVMFuzzerCustomCrossOver.
//
// Run libFuzzer with -len_control=0: otherwise it begins with inputs of four bytes, which hold no
// operation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/program/generate.h"
#include "fuzz/program/swarm.h"

namespace program {

// Mutates data[0..size) in place, a few changes at a time. Returns the new size, at most max_size;
// operations and preemptions that do not fit are dropped from the end. `places`: decision points
// of a run with this input at which a preemption is likely to matter.
size_t custom_mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                     const Swarm& swarm = usual_swarm(), const Places& places = {});

// Writes a program made of parts of a and b to out.
size_t custom_crossover(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                        uint8_t* out, size_t max_size, unsigned seed);

}  // namespace program
