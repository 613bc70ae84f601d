// Prints how many decision points of a run each operation took, in the order of the run: what
// `fencebench minimize` needs to keep preemptions at their place while operations go (reduce.h).
//
//   fencebench: points 1x35 2x12 1x3
//
// 35 of operation 1, 12 of operation 2, 3 more of operation 1; 0: of none. Only the part of the run
// in which preemptions take effect is counted.
#pragma once

// Counts in all runs from now on.
void count_points();

// A run begins. Does nothing unless they are counted.
void point_count_begins();
// Prints what the present run took so far, once. Does nothing unless they are counted.
void print_points();
