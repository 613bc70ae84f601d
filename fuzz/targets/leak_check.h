// LeakSanitizer after each run, for engines that do not call it (AFL++ runs many inputs in one
// process, and a leak would be reported when that ends): FENCEBENCH_OPTIONS=leak_check=1.
//
// As libFuzzer does it: only a run that allocated more often than it freed is checked. A leak is
// reported and ends the process by abort(). Does nothing in builds without LeakSanitizer.
#pragma once

#include "fuzz/targets/target_options.h"

void check_leaks(const TargetOptions& options);

// Around each run.
void leak_check_begins();
void leak_check_ends();
