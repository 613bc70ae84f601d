#include "fuzz/targets/program_target.h"
#include "fuzz/targets/leak_check.h"

#include <unistd.h>

#include <cstdio>

#include "fuzz/program/codec.h"
#include "fuzz/program/print.h"
#include "fuzz/program/run.h"
#include "fuzz/targets/byte_mutation.h"
#include "fuzz/targets/conflict_points.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/explore.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/fork_server.h"
#include "fuzz/targets/mutator.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

namespace {

TargetOptions options;

void run_under(sched::Decider* decider, void* program) {
  feedback_run_begins();
  traced_run_begins();
  program::run(*static_cast<const program::Program*>(program), decider);
  traced_run_ends();
}

void print_line(void*, const char* line, size_t size) { std::fwrite(line, 1, size, stderr); }

unsigned kind_of(uint32_t tag) {
  const program::Op* op = program::operation_of(tag);
  return op != nullptr ? static_cast<unsigned>(op->kind) : program::kOpKinds;
}

void run_input(const uint8_t* data, size_t size) {
  program::Program program = program::decode(data, size);
  if (options.print_program) program::print_program(program, print_line, nullptr);
  run_as_asked(options, data, size, run_under, &program);
  feedback_run_ends(data, size);
}

}  // namespace

void program_target_initialize() {
  const TargetOptions asked = read_target_options();
  if (may_warm_up(asked)) program_target_run(nullptr, 0);  // without the options that print
  options = asked;
  if (options.conflicts[0] != 0 && !share_conflicts(options.conflicts)) {
    std::perror("fencebench: conflicts");
    _exit(2);
  }
  if (options.schedule == ScheduleFrom::kInput) give_feedback(kind_of);
  trace_runs(options);
  guard_runs(options);
  check_leaks(options);
  serve_forks(options);
}

void program_target_run(const uint8_t* data, size_t size) { run_guarded(run_input, data, size); }

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (options.only_bytes) return mutate_bytes(data, size, max_size, seed);
  program::Places places;
  if (const ConflictPoints* known = conflict_points(data, size))
    places = {known->points, known->count};
  return mutate_input(data, size, max_size, seed, places);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  if (options.only_bytes) return 0;
  return cross_inputs(data1, size1, data2, size2, out, max_size, seed);
}
