#include "fuzz/targets/program_target.h"

#include <algorithm>
#include <cstdio>

#include "fuzz/program/codec.h"
#include "fuzz/program/mutate_bytes.h"
#include "fuzz/program/print.h"
#include "fuzz/program/run.h"
#include "fuzz/targets/conflict_points.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/explore.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/fork_server.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

// From libFuzzer: its own mutation of bytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

TargetOptions options;

void run_under(sched::Decider* decider, void* program) {
  feedback_run_begins();
  traced_run_begins();
  program::run(*static_cast<const program::Program*>(program), decider);
  traced_run_ends();
}

void print_line(void*, const char* line, size_t size) { std::fwrite(line, 1, size, stderr); }

// One in this many mutations is libFuzzer's own, on bytes: it reaches what no mutation of programs
// does.
constexpr unsigned kByteMutationShare = 6;
// Mutations keep programs to about two dozen operations: longer ones take longer, find no more, and
// read worse.
constexpr size_t kMaxMutatedSize = 160;

unsigned kind_of(uint32_t tag) {
  const program::Op* op = program::operation_of(tag);
  return op != nullptr ? static_cast<unsigned>(op->kind) : program::kOpKinds;
}

// Every so many mutations the favoured operations change.
const program::Swarm& present_swarm(unsigned seed) {
  constexpr unsigned kMutations = 128;
  static program::Swarm swarm;
  static unsigned left;
  if (left == 0) {
    program::Rng rng(seed);
    swarm = program::random_swarm(rng);
    left = kMutations;
  }
  --left;
  return swarm;
}

void run_input(const uint8_t* data, size_t size) {
  program::Program program = program::decode(data, size);
  if (options.print_program) program::print_program(program, print_line, nullptr);
  run_as_asked(options, run_under, &program);
  feedback_run_ends(data, size);
}

}  // namespace

void program_target_initialize() {
  const TargetOptions asked = read_target_options();
  if (may_warm_up(asked)) program_target_run(nullptr, 0);  // without the options that print
  options = asked;
  if (options.schedule == ScheduleFrom::kInput) give_feedback(kind_of);
  trace_runs(options);
  guard_runs(options);
  serve_forks(options);
}

void program_target_run(const uint8_t* data, size_t size) { run_guarded(run_input, data, size); }

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % kByteMutationShare == 0) return LLVMFuzzerMutate(data, size, max_size);
  const program::Swarm& swarm = present_swarm(seed);
  program::Places places;
  if (const ConflictPoints* known = conflict_points(data, size))
    places = {known->points, known->count};
  return program::custom_mutate(data, size, std::min(max_size, kMaxMutatedSize), seed, swarm,
                                places);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return program::custom_crossover(data1, size1, data2, size2, out,
                                   std::min(max_size, kMaxMutatedSize), seed);
}
