// Holds that a run depends on its input and on nothing else. For the tests that replay the corpus:
// FENCEBENCH_OPTIONS=determinism=twice.
//
// Each input is then executed three times: in a forked child whose heap lies elsewhere, and twice
// in the process. All must take the same course, scheduling point by scheduling point. The first
// difference is reported where it happens, as `nondeterminism`, with the likely reason and how to
// mend it:
//   nondeterminism address   only the child is different: a pointer decides something
//   nondeterminism state     only the repetition is: something is left from the run before
//   nondeterminism address-or-state   under TSan, which cannot follow a fork: there is no child
//   nondeterminism NAME      a run called NAME: a clock or a source of random numbers
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/target_options.h"

// From now on, if the options ask for it. Nobody else can observe runs then (observer.h), so it
// comes after what does.
void guard_runs(const TargetOptions& options);

// Calls `run` with the input, guarded if that was asked for, else checked for leaks (leak_check.h)
// if that was.
void run_guarded(void (*run)(const uint8_t* data, size_t size), const uint8_t* data, size_t size);
