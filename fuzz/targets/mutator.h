// How the inputs of a target are mutated, whichever engine asks: libFuzzer's hooks stand in the
// target itself, AFL++'s in a library that afl-fuzz loads (afl_mutator.cc). Each form of inputs has
// these two functions in a file of its own, mutate_programs.cc, mutate_steps.cc and
// mutate_language.cc; what is linked has one of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/program/generate.h"

// Mutates data[0..size) in place. Returns the new size, at most max_size. `places`: decision points
// at which a preemption is likely to matter, if they are known.
size_t mutate_input(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                    const program::Places& places);

// Writes an input made of parts of a and b to out. Returns its size, at most max_size; 0: inputs of
// this form are not mixed.
size_t cross_inputs(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out,
                    size_t max_size, unsigned seed);
