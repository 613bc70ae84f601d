// Mutation of programs: pure functions of a program and a random number generator. What comes out
// is valid.
#pragma once

#include "fuzz/program/program.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/swarm.h"

namespace program {

// One change: insert, remove, duplicate, move or swap operations, move one to another lane, change
// an argument, repeat a run of operations, add, shift or drop a preemption or a fault, change the
// device. `swarm` says which operations are inserted, and how often the schedule changes.
void mutate(Program& program, Rng& rng, const Swarm& swarm = usual_swarm());

// A program made of parts of both.
Program crossover(const Program& a, const Program& b, Rng& rng);

}  // namespace program
