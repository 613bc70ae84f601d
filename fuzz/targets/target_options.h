// What the environment variable FENCEBENCH_OPTIONS tells a target, in the manner of ASAN_OPTIONS:
// key=value pairs separated by ':'.
// - checks=all|none: none switches the ledger and all other checkers of our own off
// - trace_hash=1: prints the trace hash of each run, and at a finding that of the run so far
// - print_program=1: prints each program before it runs
// - schedule=input: the input's own schedule (default)
// - schedule=random-SEED, pct-DEPTH-SEED: that of the decider (core/sched/decider.h)
// - schedule=random, pct-DEPTH: likewise, with a seed made of the input: a schedule of its own for
//   each input, always the same
// - schedule=search-PREEMPTIONS: all with at most so many (explore.h); plain-search-PREEMPTIONS:
//   without pruning
// - search_limit=N: at most so many of them
// - search_file=FILE: tells at any time which of them is being walked (explore.h)
// - points=1: prints how many scheduling points each operation took (point_counter.h)
// - fork_server=FIFO: executes inputs by forking (fork_server.h)
// - trace=FILE: writes what the last run did to the file (trace_writer.h)
// - mutator=ours|bytes: bytes leaves all mutation to the engine, which knows bytes only
// - canary=FILE: how often a defect's code was reached and its fault triggered (canary_file.h)
// - conflicts=FILE: where runs had conflicts goes there, for a mutator in another process
//   (conflict_table.h)
// - leak_check=1: LeakSanitizer judges each run (leak_check.h)
// - die_with_parent=1: a fork of the target dies when the target does, however that ends
// - determinism=once|twice: twice executes each input again and again, and holds that it always
// does the same
//   (determinism_guard.h)
// - suppressions=FILE: findings that are known (core/kernel/suppress.h); none without it
#pragma once

#include <cstdint>

enum class ScheduleFrom : uint8_t { kInput, kRandom, kPct, kSearch };

struct TargetOptions {
  bool trace_hash = false;
  bool print_program = false;
  bool points = false;
  bool determinism_twice = false;
  bool leak_check = false;
  bool only_bytes = false;
  ScheduleFrom schedule = ScheduleFrom::kInput;
  uint64_t schedule_seed = 0;
  bool schedule_of_input = false;  // the seed is made of the input
  unsigned pct_depth = 0;
  unsigned search_preemptions = 0;
  bool search_prune = true;
  uint64_t search_limit = 0;    // 0: none
  char search_file[4096] = "";  // empty: none
  char trace_file[4096] = "";   // likewise
  char fork_server[4096] = "";  // likewise
  char conflicts[4096] = "";    // likewise
};

// Reads the variable and applies what is global. An unknown key or value, or a faulty line in a
// file of suppressions, ends the process with a message and exit status 2.
TargetOptions read_target_options();
