#include "fuzz/program/run.h"

#include <cstdio>
#include <cstdlib>

#include "core/drm/uapi_syncobj.h"
#include "core/sut.h"
#include "core/userq/uapi_userq.h"
#include "fuzz/program/print.h"

// This file is the process on the user's side of the door. Its variables are shared by all lanes on
// purpose and are no business of TSan, so it is compiled without that instrumentation.

namespace program {

namespace {

// Addresses that the process uses. User memory: a part for each lane, so that lanes do not
// overwrite each other's arguments.
constexpr uint64_t kLaneMemory = SUT_USER_SIZE / kThreads;
constexpr uint64_t kOutFences = 0x80;  // within the lane's part, after the handle array
// GPU memory: two pages; all queues share the ring, each has a read and a write pointer of its own.
constexpr uint64_t kGpuBase = 0x100000;
constexpr uint64_t kRingSize = 0x1000;
constexpr uint64_t kGpuSize = 2 * kRingSize;
constexpr uint64_t rptr_va(unsigned queue) { return kGpuBase + kRingSize + queue * 16; }
constexpr uint64_t wptr_va(unsigned queue) { return rptr_va(queue) + 8; }

struct Lane {
  unsigned index;
};

struct State {
  const Program* program;
  Lane lanes[kThreads];
  uint32_t queue_id[kQueueVars];
  uint32_t doorbell[kQueueVars];
  uint32_t syncobj[kSyncobjVars];
  sched::Job irq_jobs[kMaxOps];
  uint8_t irq_cpus[kMaxOps];
  unsigned irqs;
};

State state;

uint32_t file_of(unsigned lane) { return state.program->device.second_process >> lane & 1; }
uint32_t tag_of(const Op& op) { return static_cast<uint32_t>(&op - state.program->ops.data()) + 1; }

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return format_op(state.program->ops[tag - 1], buffer, capacity);
}

[[noreturn]] void setup_failed(const char* what, int error) {
  std::fprintf(stderr, "fencebench: internal error: %s failed with %d\n", what, error);
  std::abort();
}

// Writes the handles of a list of syncobj variables to the lane's memory; returns their address.
uint64_t write_handles(unsigned lane, uint64_t list) {
  uint32_t handles[SlotList::kMax];
  const unsigned count = SlotList::size(list);
  for (unsigned i = 0; i < count; ++i) handles[i] = state.syncobj[SlotList::at(list, i)];
  const uint64_t address = SUT_USER_BASE + lane * kLaneMemory;
  sut_user_write(file_of(lane), address, handles, count * sizeof handles[0]);
  return address;
}

// --- operations ---

void queue_create(unsigned lane, const Op& op) {
  const auto queue = static_cast<unsigned>(op.args[0]);
  const auto doorbell = static_cast<uint32_t>(op.args[2]);
  userq::drm_amdgpu_userq args{};
  args.in.op = userq::kUserqOpCreate;
  args.in.ip_type = static_cast<uint32_t>(op.args[1]);
  args.in.doorbell_offset = doorbell;
  args.in.queue_va = kGpuBase;
  args.in.queue_size = kRingSize;
  args.in.rptr_va = rptr_va(queue);
  args.in.wptr_va = wptr_va(queue);
  if (sut_ioctl(file_of(lane), SUT_IOCTL_USERQ, &args) != 0) return;
  state.queue_id[queue] = args.out.queue_id;
  state.doorbell[queue] = doorbell;
}

void queue_free(unsigned lane, const Op& op) {
  userq::drm_amdgpu_userq args{};
  args.in.op = userq::kUserqOpFree;
  args.in.queue_id = state.queue_id[op.args[0]];
  sut_ioctl(file_of(lane), SUT_IOCTL_USERQ, &args);
}

void signal(unsigned lane, const Op& op) {
  sut_va_store64(file_of(lane), wptr_va(static_cast<unsigned>(op.args[0])), op.args[1]);
  userq::drm_amdgpu_userq_signal args{};
  args.queue_id = state.queue_id[op.args[0]];
  args.syncobj_handles = write_handles(lane, op.args[2]);
  args.num_syncobj_handles = static_cast<uint16_t>(SlotList::size(op.args[2]));
  sut_ioctl(file_of(lane), SUT_IOCTL_USERQ_SIGNAL, &args);
}

void wait(unsigned lane, const Op& op) {
  userq::drm_amdgpu_userq_wait args{};
  args.waitq_id = state.queue_id[op.args[0]];
  args.syncobj_handles = write_handles(lane, op.args[1]);
  args.num_syncobj_handles = static_cast<uint16_t>(SlotList::size(op.args[1]));
  args.num_fences = static_cast<uint16_t>(op.args[2]);
  args.out_fences = SUT_USER_BASE + lane * kLaneMemory + kOutFences;
  sut_ioctl(file_of(lane), SUT_IOCTL_USERQ_WAIT, &args);
}

void syncobj_create(unsigned lane, const Op& op) {
  drm::drm_syncobj_create args{0, op.args[1] != 0 ? drm::kSyncobjCreateSignaled : 0};
  if (sut_ioctl(file_of(lane), SUT_IOCTL_SYNCOBJ_CREATE, &args) == 0)
    state.syncobj[op.args[0]] = args.handle;
}

void syncobj_destroy(unsigned lane, const Op& op) {
  drm::drm_syncobj_destroy args{state.syncobj[op.args[0]], 0};
  sut_ioctl(file_of(lane), SUT_IOCTL_SYNCOBJ_DESTROY, &args);
}

void syncobj_array(unsigned lane, const Op& op, uint32_t number) {
  const uint64_t list = SlotList::push(0, static_cast<unsigned>(op.args[0]));
  drm::drm_syncobj_array args{write_handles(lane, list), 1, 0};
  sut_ioctl(file_of(lane), number, &args);
}

void eop_handler(void* arg) {
  const Op& op = *static_cast<const Op*>(arg);
  sut_irq_eop(state.doorbell[op.args[0]]);
}

sched::Job eop_job(const Op& op) { return {eop_handler, const_cast<Op*>(&op), tag_of(op)}; }
unsigned eop_cpu(const Op& op) {
  return static_cast<unsigned>(op.args[1]) % state.program->device.cpus;
}

void perform(unsigned lane, const Op& op) {
  switch (op.kind) {
    case OpKind::kQueueCreate:
      return queue_create(lane, op);
    case OpKind::kQueueFree:
      return queue_free(lane, op);
    case OpKind::kSignal:
      return signal(lane, op);
    case OpKind::kWait:
      return wait(lane, op);
    case OpKind::kSyncobjCreate:
      return syncobj_create(lane, op);
    case OpKind::kSyncobjDestroy:
      return syncobj_destroy(lane, op);
    case OpKind::kSyncobjReset:
      return syncobj_array(lane, op, SUT_IOCTL_SYNCOBJ_RESET);
    case OpKind::kSyncobjSignal:
      return syncobj_array(lane, op, SUT_IOCTL_SYNCOBJ_SIGNAL);
    case OpKind::kGpuWrite:
      return sut_gpu_write_rptr(state.doorbell[op.args[0]], op.args[1]);
    case OpKind::kEop:
      return sched::raise_irq(eop_cpu(op), eop_job(op));
    case OpKind::kFileClose:
      sut_file_close(file_of(lane));
      return;
    case OpKind::kCount:
      return;
  }
}

void run_lane(void* arg) {
  const unsigned lane = static_cast<const Lane*>(arg)->index;
  for (const Op& op : state.program->ops) {
    if (op.lane != lane) continue;
    sched::current()->tag = tag_of(op);
    const sut_faults faults{op.faults.fail_alloc, op.faults.fail_copy, op.faults.signal_pending};
    sut_set_faults(&faults);
    perform(lane, op);
    sched::point(sched::Point::kStep);
  }
  const sut_faults none{};
  sut_set_faults(&none);
}

// --- the phases of a run ---

void set_up(void*) {
  if (const int error = sut_device_open()) setup_failed("opening the device", error);
  const uint32_t files = state.program->device.second_process != 0 ? 2 : 1;
  for (uint32_t file = 0; file < files; ++file) {
    if (const int error = sut_file_open(file)) setup_failed("opening a file", error);
    if (const int error = sut_va_map(file, kGpuBase, kGpuSize))
      setup_failed("mapping queue memory", error);
  }
}

void close_files(void*) { sut_device_close(); }
void fini(void*) { sut_device_fini(); }

void run_phase(void (*phase)(void*)) {
  sched::spawn(sched::kMainThread, {phase, nullptr, 0});
  sched::run_all();
}

void spawn_lanes() {
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
}

}  // namespace

sched::Trace run(const Program& program, sched::Decider* decider) {
  state.program = &program;
  state.irqs = 0;
  for (uint32_t& id : state.queue_id) id = 0;
  for (uint32_t& doorbell : state.doorbell) doorbell = 0;
  for (uint32_t& handle : state.syncobj) handle = 0;

  sched::Preemption preemptions[kMaxPreemptions];
  size_t count = 0;
  for (const Preemption& p : program.schedule)
    if (count < kMaxPreemptions) preemptions[count++] = {p.after, static_cast<sched::Target>(p.to)};
  sched::ReplayDecider replay(preemptions, count);

  const sut_config config{program.device.cpus, program.device.seq64_slots,
                          decider ? decider : &replay};
  sut_begin(&config, print_operation);
  run_phase(set_up);
  spawn_lanes();
  sched::set_preemptible(true);
  sched::run_all();
  sched::set_preemptible(false);
  run_phase(close_files);
  run_phase(fini);
  sut_end();
  return sched::trace();
}

}  // namespace program
