// Mutation of programs: pure functions of a program and a random number generator. What comes out
// is valid.
#pragma once

#include "fuzz/program/program.h"
#include "fuzz/program/rng.h"

namespace program {

// One change: insert, remove, duplicate, move or swap operations, move one to another lane, change
// an argument, repeat a run of operations, add, shift or drop a preemption or a fault, change the
// device.
void mutate(Program& program, Rng& rng);

// A program made of parts of both.
Program crossover(const Program& a, const Program& b, Rng& rng);

}  // namespace program
