// Executes one input after the other, each in a process of its own that begins where the warm-up
// has ended (in tsan builds where it would begin): a fifth of what a new process costs, or less.
// What `fencebench minimize` executes candidates with.
//
// The target stands still at the end of its initialization and says
//   fencebench: fork server: ready
// Then it reads inputs from the FIFO, each as its size (four bytes, the lowest first) and its
// bytes, and executes each in a child. When the child is gone it says
//   fencebench: fork server: exit N        or        fencebench: fork server: signal N
// on stderr, on a line of its own. It ends, with status 0, when nobody writes to the FIFO any more.
//
// What our checkers and the sanitizers find is reported as in any other execution. libFuzzer does
// not see the children: what it finds by itself (timeouts, deadly signals without a sanitizer) is
// not reported.
#pragma once

#include "fuzz/targets/target_options.h"

// Whether the target may warm up, before it serves: ThreadSanitizer takes no fork once there are
// fibers, as it would ignore what the child does to synchronize.
bool may_warm_up(const TargetOptions& options);

// Does nothing unless the options ask for it; else it does not return. Ends the process with a
// message and exit status 2 if there is no such FIFO, or no process to be had.
void serve_forks(const TargetOptions& options);
