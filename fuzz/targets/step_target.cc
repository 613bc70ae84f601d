#include "fuzz/targets/step_target.h"
#include "fuzz/targets/leak_check.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/kernel/runtime.h"
#include "core/kernel/task.h"
#include "fuzz/targets/byte_mutation.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/explore.h"
#include "fuzz/targets/fork_server.h"
#include "fuzz/targets/mutator.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

// This file keeps the input and the phases of a run, which all contexts share on purpose; it is
// compiled without TSan instrumentation.

namespace {

// Chains over arrays are walked whole again and again: that is slow, and no livelock.
constexpr uint64_t kMaxPoints = 8'000'000;

TargetOptions options;
const StepTarget* target;
steps::Input input;

void call(void* function) { reinterpret_cast<void (*)()>(function)(); }
sched::Job job(void (*function)(), uint32_t tag) {
  return {call, reinterpret_cast<void*>(function), tag};
}

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return tag <= input.count ? steps::format(*input.table, input.steps[tag - 1], buffer, capacity)
                            : static_cast<size_t>(std::snprintf(buffer, capacity, "companion"));
}

void take_steps() {
  kernel::Task& task = kernel::task();
  for (unsigned i = 0; i < input.count; ++i) {
    const steps::Step& step = input.steps[i];
    sched::current()->tag = i + 1;
    kernel::observe_operation();
    if (step.op == static_cast<uint8_t>(steps::Common::kFailAlloc)) {
      task.fail_alloc = step.a;
      continue;
    }
    target->step(step);
    task.fail_alloc = 0;
    kernel::check_context_at_return(input.table->specs[step.op].name);
    sched::point(sched::Point::kStep);
  }
}

bool run_on_main_thread(void (*phase)()) {
  sched::spawn(sched::kMainThread, job(phase, 0));
  return sched::run_all();
}

bool run_steps() {
  sched::spawn(0, job(take_steps, 0));
  sched::spawn(1, job(target->companion, steps::kMaxSteps + 1));
  sched::set_preemptible(true);
  const bool ended = sched::run_all();
  sched::set_preemptible(false);
  return ended;
}

void run_under(sched::Decider* decider, void*) {
  sched::ReplayDecider replay(input.preemptions, input.preemption_count);
  kernel::set_operation_printer(print_operation);
  traced_run_begins();
  kernel::runtime_begin(2, decider != nullptr ? decider : &replay, kMaxPoints);
  if (run_on_main_thread(target->set_up) && run_steps() && run_on_main_thread(target->tear_down))
    kernel::runtime_end(0);
  else
    kernel::runtime_discard();
  traced_run_ends();
}

void print_input() {
  char line[64];
  for (unsigned i = 0; i < input.count; ++i) {
    steps::format(*input.table, input.steps[i], line, sizeof line);
    std::fprintf(stderr, "%s\n", line);
  }
  for (unsigned i = 0; i < input.preemption_count; ++i)
    std::fprintf(stderr, "preempt %u %u %u\n", input.preemptions[i].after & 0xff,
                 input.preemptions[i].after >> 8, static_cast<unsigned>(input.preemptions[i].to));
}

void run_input(const uint8_t* data, size_t size) {
  steps::decode(*steps::find_table(target->name), data, size, input);
  if (options.print_program) print_input();
  run_as_asked(options, data, size, run_under, nullptr);
}

}  // namespace

void step_target_initialize(const StepTarget& step_target) {
  const TargetOptions asked = read_target_options();
  // Without the options that print.
  if (may_warm_up(asked)) step_target_run(step_target, nullptr, 0);
  options = asked;
  trace_runs(options);
  guard_runs(options);
  check_leaks(options);
  serve_forks(options);
}

void step_target_run(const StepTarget& step_target, const uint8_t* data, size_t size) {
  target = &step_target;
  run_guarded(run_input, data, size);
}

void expect_result(bool ok, const char* where, const char* format, ...) {
  if (ok || !kernel::checks_enabled) return;
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  kernel::report(kernel::Verdict::kWrongResult, where, "%s", text);
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (options.only_bytes) return mutate_bytes(data, size, max_size, seed);
  return mutate_input(data, size, max_size, seed, {});
}
