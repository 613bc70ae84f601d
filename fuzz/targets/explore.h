// An input under other schedules than its own, as the options ask.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sched/decider.h"
#include "core/sched/explorer.h"
#include "fuzz/targets/target_options.h"

// Where a search is.
struct SearchPlace {
  uint64_t number;  // of the schedule that is being walked, from 1
  uint32_t count;   // its preemptions
  sched::Preemption list[sched::Explorer::kMaxPreemptions];
};

// A run under a decider; nullptr: under the input's own schedule.
using RunUnder = void (*)(sched::Decider* decider, void* arg);

// The input's bytes are for schedules that depend on them. Calls `run` as often as options.schedule
// asks: once, or for one schedule of a bounded search after the other. A search says how far it has
// come on stderr, in lines
//   fencebench: explored schedules=N cut=N skipped=N states=N preemptions=K seconds=S [complete]
// the last of them `complete` unless options.search_limit came first. A finding ends the process
// within `run`; the report then names the schedule (target_trace.h). Not every death prints a
// report, so options.search_file is a SearchPlace that is up to date at any time.
void run_as_asked(const TargetOptions& options, const uint8_t* data, size_t size, RunUnder run,
                  void* arg);
