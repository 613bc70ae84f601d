// Prints the trace hash of the present run, at its end or at a finding, when the options ask for
// it.
#pragma once

// From now on. Called once the warm-up is over.
void print_traces(bool on);
// At the end of a run.
void print_trace_if_asked();
