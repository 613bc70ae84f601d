// Findings that are known and reported no more, so that one known bug does not hide the next.
//
//   # one a line; the place is what the SUMMARY line says after the verdict, '*' stands for any
//   text lock-order-inversion:userq_mutex -> *  # why it may stay
//
// After a suppressed finding the run goes on as if the checker had not looked; after a deadlock or
// livelock it is given up (sched::abandon), and the next run starts clean.
#pragma once

#include <cstddef>

#include "core/kernel/report.h"

namespace kernel {

// Adds those of a file. False: `message` says which line is wrong and what to do.
bool load_suppressions(const char* path, char* message, size_t capacity);
// Adds one line; empty ones and comments add nothing. False: `message` says what is wrong.
bool add_suppression(const char* line, char* message, size_t capacity);
void forget_suppressions();

bool suppressed(Verdict verdict, const char* where);

}  // namespace kernel
