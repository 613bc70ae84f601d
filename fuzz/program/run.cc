#include "fuzz/program/run.h"

#include <cstdio>
#include <cstdlib>

#include "core/sut.h"
#include "fuzz/program/perform.h"
#include "fuzz/program/print.h"

// What is kept here all lanes share on purpose; no business of TSan, so this file is compiled
// without that instrumentation.

namespace program {

namespace {

struct Lane {
  unsigned index;
};

struct State {
  const Program* program;
  Lane lanes[kThreads];
  sched::Job irq_jobs[kMaxOps];
  uint8_t irq_cpus[kMaxOps];
  unsigned irqs;
};

State state;

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return format_op(state.program->ops[tag - 1], buffer, capacity);
}

void run_lane(void* arg) {
  const unsigned lane = static_cast<const Lane*>(arg)->index;
  for (const Op& op : state.program->ops) {
    if (op.lane != lane) continue;
    sched::current()->tag = tag_of(op);
    const sut_faults faults{op.faults.fail_alloc, op.faults.fail_copy, op.faults.signal_pending};
    sut_set_faults(&faults);
    perform(op);
    sched::point(sched::Point::kStep);
  }
  const sut_faults none{};
  sut_set_faults(&none);
}

// --- the phases of a run ---

void set_up(void*) {
  if (const int error = sut_device_open()) {
    std::fprintf(stderr, "fencebench: internal error: opening the device failed with %d\n", error);
    std::abort();
  }
  open_processes();
}

void close_files(void*) { sut_device_close(); }
void fini(void*) { sut_device_fini(); }

// False: the run was given up.
bool run_phase(void (*phase)(void*)) {
  sched::spawn(sched::kMainThread, {phase, nullptr, 0});
  return sched::run_all();
}

bool run_lanes() {
  uint32_t used = 0;
  for (const Op& op : state.program->ops) {
    used |= 1u << op.lane;
    if (op.lane != kIrqLane) continue;
    state.irq_jobs[state.irqs] = eop_job(op);
    state.irq_cpus[state.irqs++] = static_cast<uint8_t>(eop_cpu(op));
  }
  for (unsigned lane = 0; lane < kThreads; ++lane) {
    if ((used >> lane & 1) == 0) continue;
    state.lanes[lane].index = lane;
    sched::spawn(lane, {run_lane, &state.lanes[lane], 0});
  }
  sched::set_irq_lane(state.irq_jobs, state.irq_cpus, state.irqs);
  sched::set_preemptible(true);
  const bool ended = sched::run_all();
  sched::set_preemptible(false);
  return ended;
}

}  // namespace

const Op* operation_of(uint32_t tag) {
  return tag != 0 && tag <= state.program->ops.size() ? &state.program->ops[tag - 1] : nullptr;
}

sched::Trace run(const Program& program, sched::Decider* decider) {
  state.program = &program;
  state.irqs = 0;
  perform_begin(program);

  sched::Preemption preemptions[kMaxPreemptions];
  size_t count = 0;
  for (const Preemption& p : program.schedule)
    if (count < kMaxPreemptions) preemptions[count++] = {p.after, static_cast<sched::Target>(p.to)};
  sched::ReplayDecider replay(preemptions, count);

  const sut_config config{program.device.cpus, program.device.seq64_slots,
                          decider ? decider : &replay};
  sut_begin(&config, print_operation);
  if (run_phase(set_up) && run_lanes() && run_phase(close_files) && run_phase(fini))
    sut_end();
  else
    sut_discard();
  return sched::trace();
}

}  // namespace program
