// The counts of a defect's canaries (core/kernel/canary.h) in a file, for whoever watches a trial:
// they are up to date however the target ends. FENCEBENCH_OPTIONS=canary=FILE.
#pragma once

// The file holds one kernel::CanaryCounts, and goes on counting where it stood. False, with errno
// set, if it cannot be mapped.
bool keep_canary_in(const char* path);
