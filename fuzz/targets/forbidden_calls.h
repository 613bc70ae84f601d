// Functions of the C library that a run must not call, because they tell what differs from run to
// run: clocks and sources of random numbers. This file's `.cc` defines them anew for the whole
// program, in front of the C library and of the sanitizers, and passes calls on.
#pragma once

// While forbidden, a call is reported (`nondeterminism NAME`) and does not return.
void forbid_calls(bool on);
