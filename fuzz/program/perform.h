// The operations of a program, done through the door: the process on the user's side.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"
#include "fuzz/program/program.h"

namespace program {

// Forgets all variables. The program must outlive what follows.
void perform_begin(const Program& program);
// Opens the files that the program uses and gives each process its memory and doorbells. [context]
void open_processes();
// Does the operation. [context] of its lane.
void perform(const Op& op);
// The interrupt that an operation `eop` stands for, and its CPU.
sched::Job eop_job(const Op& op);
unsigned eop_cpu(const Op& op);
// The operation's number in reports, from 1.
uint32_t tag_of(const Op& op);

}  // namespace program
