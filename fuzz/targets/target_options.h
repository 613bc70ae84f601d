// What the environment variable FENCEBENCH_OPTIONS tells a target, in the manner of ASAN_OPTIONS:
// key=value pairs separated by ':'.
// - checks=all|none: none switches the ledger and all other checkers of our own off
// - trace_hash=1: prints the trace hash of each run, and at a finding that of the run so far
// - print_program=1: prints each program before it runs
// - schedule=input|random-SEED: the input's own schedule (default), or preemptions at random
// - suppressions=FILE: findings that are known (core/kernel/suppress.h); none without it
#pragma once

#include <cstdint>

struct TargetOptions {
  bool trace_hash = false;
  bool print_program = false;
  bool random_schedule = false;
  uint64_t schedule_seed = 0;
};

// Reads the variable and applies what is global. An unknown key or value, or a faulty line in a
// file of suppressions, ends the process with a message and exit status 2.
TargetOptions read_target_options();
