#include "fuzz/targets/program_target.h"

#include <algorithm>
#include <cstdio>

#include "core/sched/decider.h"
#include "fuzz/program/codec.h"
#include "fuzz/program/mutate_bytes.h"
#include "fuzz/program/print.h"
#include "fuzz/program/run.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

// From libFuzzer: its own mutation of bytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

TargetOptions options;

void print_line(void*, const char* line, size_t size) { std::fwrite(line, 1, size, stderr); }

// One in this many mutations is libFuzzer's own, on bytes: it reaches what no mutation of programs
// does.
constexpr unsigned kByteMutationShare = 6;
// Mutations keep programs to about two dozen operations: longer ones take longer, find no more, and
// read worse.
constexpr size_t kMaxMutatedSize = 160;

}  // namespace

void program_target_initialize() {
  const TargetOptions asked = read_target_options();
  program_target_run(nullptr, 0);  // without the options that print
  options = asked;
  print_traces(options.trace_hash);
}

void program_target_run(const uint8_t* data, size_t size) {
  const program::Program program = program::decode(data, size);
  if (options.print_program) program::print_program(program, print_line, nullptr);
  if (options.random_schedule) {
    sched::RandomDecider random(options.schedule_seed, 64);
    program::run(program, &random);
  } else {
    program::run(program);
  }
  print_trace_if_asked();
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % kByteMutationShare == 0) return LLVMFuzzerMutate(data, size, max_size);
  return program::custom_mutate(data, size, std::min(max_size, kMaxMutatedSize), seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return program::custom_crossover(data1, size1, data2, size2, out,
                                   std::min(max_size, kMaxMutatedSize), seed);
}
