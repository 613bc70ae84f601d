// Writes what a run does (core/sched/observer.h) to a file, for `fencebench show --trace`. The file
// holds the last run of the process, up to where it is: it is written through memory that the file
// shares, so nothing is lost however the process ends.
//
// The format: lines of fields separated by tabs, empty fields at the end left out. The first line
// is "fencebench-trace 1". An event is
//   KIND context tag object other what role from_role from_object value
// with the fields of sched::Event. KIND is in lower case; contexts have their names; `other` is "-"
// for nobody; numbers that are 0 and texts that are absent are empty. Of a point `what` is its
// kind, of a preemption its target. Between the events:
//   context NAME cpu       before the first event of the context
//   op tag text            before the first event with the tag: what the operation is
//   full                   from here on points are left out, and in the end everything
//   finding context        something is being reported
//   end hash points        the run is over
// A file without "end" is of a run that did not come to its end. Zero bytes at the end mean
// nothing.
#pragma once

// Watches all runs from now on. Ends the process with a message and exit status 2 if the file
// cannot be written.
void trace_to_file(const char* path);

// A run begins, or has ended; something is being reported. Each does nothing without a file.
void trace_run_begins();
void trace_run_ends();
void trace_finding();
