// The simplest program that still does what a program does: a pure function with its predicate
// passed in.
//
// The result is 1-minimal: the predicate rejects every program that is one step simpler (steps()).
// The steps: an operation less, of short programs any two; a preemption less; two lanes made one,
// the operations of one together at any place among those of the other; an operation on a lower
// lane, lanes numbered from t0; a fault less or an earlier one; a CPU less (one CPU is the simplest
// device, for it says that nothing depends on a second one), all fence slots, one process; an
// argument left out or smaller, an entry of a list less, fewer variables, named by the first
// letters; a preemption that comes earlier.
#pragma once

#include <functional>
#include <vector>

#include "fuzz/program/program.h"
#include "fuzz/program/reduce.h"

namespace program {

// Whether a program does what is to be kept. Must answer the same for the same program.
using Predicate = std::function<bool(const Program&)>;
// The scheduling points of a run while preemptions take effect, by operation; empty: not known.
using PointsOf = std::function<reduce::Points(const Program&)>;

// `holds` must hold for `program`. What comes back holds, and is never less simple. `points` keeps
// preemptions at their place when operations in front of them go (reduce.h); without it a few
// shorter waits are tried.
reduce::Result<Program> minimize(const Program& program, const Predicate& holds,
                                 const PointsOf& points = {}, const reduce::Limits& limits = {});

// Every program that is one step simpler, by a step that does not look at the points of a run.
std::vector<Program> steps(const Program& program);

}  // namespace program
