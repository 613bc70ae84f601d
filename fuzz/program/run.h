// Runs a program: device, files, one logical thread per lane, the interrupt lane, teardown, checks.
//
// What an operation does
// - Operations of a lane run in order, each after the one before it has returned. A lane that
// blocks lets
//   the next one go on.
// - A variable holds what its last successful creation returned, until the next one: after a free
// or a destroy
//   it names a stale handle. Before any creation it names handle 0, and doorbell 0.
// - `eop` on a thread's lane raises the interrupt there and then; on lane irq it comes when the
// schedule
//   names irq, or when nothing else can run.
// - After all lanes have ended, files are closed, callbacks and works run, the device goes away.
//
// A run depends on the program only: same program, same trace.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"
#include "fuzz/program/program.h"

namespace program {

// Runs with the program's own schedule, or with that of `decider` if it is not nullptr. Does not
// return when a checker has a finding, unless that is suppressed; after a suppressed deadlock or
// livelock the rest of the program is left out.
sched::Trace run(const Program& program, sched::Decider* decider = nullptr);

// The operation of the present run with that tag, as contexts carry it; nullptr: none.
const Op* operation_of(uint32_t tag);

}  // namespace program
