// One run of the kernel on the executor: from nothing to nothing.
#pragma once

#include "core/sched/sched.h"

namespace kernel {

// Starts a run: the executor with the kernel's sources of softirqs and workers, and everything that
// the kernel keeps forgotten. `decider` may be nullptr.
// More than `max_points` scheduling points are a livelock.
void runtime_begin(unsigned cpus, sched::Decider* decider,
                   uint64_t max_points = sched::Config{}.max_points);
// Ends a run after device teardown. Reports what was never dropped or freed. `slots_taken`: seq64
// slots.
void runtime_end(unsigned slots_taken);
// Ends a run that was abandoned: frees what it left behind, checks nothing.
void runtime_discard();

}  // namespace kernel
