// Programs as text, for the reports inside the fuzz targets.
//
// Writes into plain buffers: the targets are also built for MemorySanitizer, where the compiled
// parts of the standard library (std::string, streams) are not instrumented and would give false
// reports. text.h has the comfortable form on top of this.
#pragma once

#include <cstddef>

#include "fuzz/program/program.h"

namespace program {

inline constexpr size_t kMaxOpText = 320;  // a buffer of this size holds every operation
inline constexpr size_t kTextColumns =
    100;  // long schedules are printed in lines of at most this width

// `t1: wait B syncobjs=[S] num_fences=1`. At most cap - 1 characters and a NUL are written, none
// when cap is 0. Returns the length of the whole text.
size_t format_op(const Op& op, char* buf, size_t cap);

// `31>t1`. Like format_op().
size_t format_preemption(const Preemption& preemption, char* buf, size_t cap);

// "t0".."t7", "irq"
const char* lane_name(unsigned lane);
// "t0".."t7", "irq", "rcu", "worker", "timer"
const char* target_name(Target target);
// "gfx", "compute", "sdma", "none"
const char* ip_name(unsigned ip);
// "A".."H", "I".."P", "S".."Z"
inline char var_name(Var kind, unsigned var) {
  return static_cast<char>(kFirstVarName[static_cast<unsigned>(kind)] + var % kVars);
}

// Calls sink(context, line, size) for each line of the `.fence` form; each ends with a newline.
using LineSink = void (*)(void* context, const char* line, size_t size);
void print_program(const Program& program, LineSink sink, void* context);

}  // namespace program
