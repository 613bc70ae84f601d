// What the options ask for of each run: its trace hash, at its end or at a finding, and what it did
// (trace_writer.h).
#pragma once

#include "core/sched/sched.h"
#include "fuzz/targets/target_options.h"

// What identifies a run: sched::trace(), unless a target that does not use the executor says
// otherwise.
using TraceSource = sched::Trace (*)();
void set_trace_source(TraceSource source);
sched::Trace run_trace();

// From now on. Called once the warm-up is over.
void trace_runs(const TargetOptions& options);
// Around a run.
void traced_run_begins();
void traced_run_ends();
