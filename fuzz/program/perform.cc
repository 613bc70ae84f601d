#include "fuzz/program/perform.h"

#include <cstdio>
#include <cstdlib>

#include "core/drm/uapi_syncobj.h"
#include "core/kernel/observe.h"
#include "core/sut.h"
#include "core/userq/uapi_gem.h"
#include "core/userq/uapi_userq.h"

// The variables are shared by all lanes on purpose and are no business of TSan, so this file is
// compiled without that instrumentation.

namespace program {

namespace {

// User memory: a part for each lane, so that lanes do not overwrite each other's arguments.
constexpr uint64_t kLaneMemory = SUT_USER_SIZE / kThreads;
// Within the lane's part: arrays of the operation's arguments, then what it gets back.
constexpr uint64_t kArray = SlotList::kMax * sizeof(uint64_t);
constexpr unsigned kArrays = 4;
constexpr uint64_t kOutFences = kArrays * kArray;

// GPU memory: kPages pages, of which the first two are backed from the start. All queues with the
// same page share the ring; the page after it holds a read and a write pointer for each.
constexpr uint64_t kGpuBase = 0x100000;
constexpr uint64_t kPageSize = 0x1000;
constexpr uint64_t kRingPages = 2;
constexpr uint64_t page_va(uint64_t page) { return kGpuBase + page * kPageSize; }
constexpr uint64_t rptr_va(uint64_t page, unsigned queue) { return page_va(page + 1) + queue * 16; }
constexpr uint64_t wptr_va(uint64_t page, unsigned queue) { return rptr_va(page, queue) + 8; }

constexpr uint64_t kMillisecond = 1'000'000;
constexpr unsigned kMemoryVar = kVars - 1;  // P

// Bounded search has to know who reads and who sets it.
template <typename T>
class Variable {
 public:
  operator T() const {
    sched::touch(this, false);
    return value_;
  }
  void operator=(T value) {
    sched::touch(this, true);
    value_ = value;
  }

 private:
  T value_;
};
using Handle = Variable<uint32_t>;

struct Process {
  Handle doorbells;  // of the doorbell buffer
};

struct State {
  const Program* program;
  Process processes[kFiles];
  Handle queue_id[kVars];
  Handle doorbell[kVars];
  Variable<uint64_t> page[kVars];  // of the queue's ring
  Handle syncobj[kVars];
  Handle bo[kVars];
};

State state;

uint32_t file_of(unsigned lane) { return state.program->device.second_process >> lane & 1; }
uint32_t file_of(const Op& op) { return file_of(op.lane); }
unsigned var(uint64_t arg) { return static_cast<unsigned>(arg); }

[[noreturn]] void set_up_failed(const char* what, int error) {
  std::fprintf(stderr, "fencebench: internal error: %s failed with %d\n", what, error);
  std::abort();
}

// Writes array `which` of the operation to the lane's memory; returns its address.
template <typename T>
uint64_t put_array(const Op& op, unsigned which, const T* values, unsigned count) {
  const uint64_t address = SUT_USER_BASE + op.lane * kLaneMemory + which * kArray;
  sut_user_write(file_of(op), address, values, count * sizeof(T));
  return address;
}

// The handles of a list of variables.
uint64_t put_handles(const Op& op, unsigned which, const Handle* handle_of, uint64_t list) {
  uint32_t handles[SlotList::kMax];
  const unsigned count = SlotList::size(list);
  for (unsigned i = 0; i < count; ++i) handles[i] = handle_of[SlotList::at(list, i) % kVars];
  return put_array(op, which, handles, count);
}

// As many points as handles; those beyond the list are 0.
uint64_t put_points(const Op& op, unsigned which, uint64_t list, unsigned count) {
  uint64_t points[SlotList::kMax] = {};
  for (unsigned i = 0; i < count && i < SlotList::size(list); ++i)
    points[i] = kPoints[SlotList::at(list, i)];
  return put_array(op, which, points, count);
}

template <typename Args>
int ioctl(const Op& op, uint32_t number, Args& args) {
  return sut_ioctl(file_of(op), number, &args);
}

// --- queues ---

int queue_create(const Op& op) {
  const unsigned queue = var(op.args[0]);
  const uint64_t page = op.args[3];
  const Process& process = state.processes[file_of(op)];
  const auto offset = static_cast<uint32_t>(op.args[2]);
  userq::drm_amdgpu_userq args{};
  args.in.op = userq::kUserqOpCreate;
  args.in.ip_type = static_cast<uint32_t>(op.args[1]);
  args.in.doorbell_handle = process.doorbells;
  args.in.doorbell_offset = offset;
  args.in.flags = static_cast<uint32_t>(op.args[4]) |
                  (op.args[5] != 0 ? userq::kUserqCreateFlagsQueueSecure : 0);
  args.in.queue_va = page_va(page);
  args.in.queue_size = kPageSize;
  args.in.rptr_va = rptr_va(page, queue);
  args.in.wptr_va = wptr_va(page, queue);
  const int doorbell = sut_doorbell(file_of(op), process.doorbells, offset);
  const int error = ioctl(op, SUT_IOCTL_USERQ, args);
  if (error != 0) return error;
  state.queue_id[queue] = args.out.queue_id;
  state.doorbell[queue] = doorbell < 0 ? SUT_MAX_DOORBELLS : static_cast<uint32_t>(doorbell);
  state.page[queue] = page;
  return 0;
}

int queue_free(const Op& op) {
  userq::drm_amdgpu_userq args{};
  args.in.op = userq::kUserqOpFree;
  args.in.queue_id = state.queue_id[op.args[0]];
  return ioctl(op, SUT_IOCTL_USERQ, args);
}

int signal(const Op& op) {
  const unsigned queue = var(op.args[0]);
  sut_va_store64(file_of(op), wptr_va(state.page[queue], queue), op.args[1]);
  userq::drm_amdgpu_userq_signal args{};
  args.queue_id = state.queue_id[queue];
  args.syncobj_handles = put_handles(op, 0, state.syncobj, op.args[2]);
  args.num_syncobj_handles = static_cast<uint16_t>(SlotList::size(op.args[2]));
  args.bo_read_handles = put_handles(op, 1, state.bo, op.args[3]);
  args.num_bo_read_handles = SlotList::size(op.args[3]);
  args.bo_write_handles = put_handles(op, 2, state.bo, op.args[4]);
  args.num_bo_write_handles = SlotList::size(op.args[4]);
  return ioctl(op, SUT_IOCTL_USERQ_SIGNAL, args);
}

int wait(const Op& op) {
  userq::drm_amdgpu_userq_wait args{};
  args.waitq_id = state.queue_id[op.args[0]];
  args.syncobj_handles = put_handles(op, 0, state.syncobj, op.args[1]);
  args.num_syncobj_handles = static_cast<uint16_t>(SlotList::size(op.args[1]));
  args.num_fences = static_cast<uint16_t>(op.args[2]);
  const unsigned timelines = SlotList::size(op.args[3]);
  args.syncobj_timeline_handles = put_handles(op, 1, state.syncobj, op.args[3]);
  args.syncobj_timeline_points = put_points(op, 2, op.args[4], timelines);
  args.num_syncobj_timeline_handles = static_cast<uint16_t>(timelines);
  // One array of handles holds both lists of buffers.
  uint32_t bos[2 * SlotList::kMax];
  const unsigned reads = SlotList::size(op.args[5]), writes = SlotList::size(op.args[6]);
  for (unsigned i = 0; i < reads; ++i) bos[i] = state.bo[SlotList::at(op.args[5], i) % kVars];
  for (unsigned i = 0; i < writes; ++i)
    bos[reads + i] = state.bo[SlotList::at(op.args[6], i) % kVars];
  args.bo_read_handles = put_array(op, 3, bos, reads + writes);
  args.num_bo_read_handles = reads;
  args.bo_write_handles = args.bo_read_handles + reads * sizeof bos[0];
  args.num_bo_write_handles = writes;
  args.out_fences = SUT_USER_BASE + op.lane * kLaneMemory + kOutFences;
  return ioctl(op, SUT_IOCTL_USERQ_WAIT, args);
}

// --- buffers ---

int bo_create(const Op& op) {
  const uint32_t file = file_of(op);
  Handle& handle = state.bo[op.args[0]];
  if (op.args[2] != 0) {
    userq::drm_amdgpu_gem_userptr args{SUT_USER_BASE, kPageSize, 0, 0};
    args.flags = userq::kGemUserptrAnononly | userq::kGemUserptrRegister;
    const int error = sut_ioctl(file, SUT_IOCTL_GEM_USERPTR, &args);
    if (error == 0) handle = args.handle;
    return error;
  }
  userq::drm_amdgpu_gem_create args{};
  args.in = {2 * kPageSize, 0, userq::kGemDomainVram,
             op.args[1] != 0 ? userq::kGemCreateVmAlwaysValid : 0};
  const int error = sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &args);
  if (error == 0) handle = args.out.handle;
  return error;
}

int bo_close(const Op& op) {
  struct {
    uint32_t handle, pad;
  } args{state.bo[op.args[0]], 0};
  return ioctl(op, SUT_IOCTL_GEM_CLOSE, args);
}

int va_op(uint32_t file, uint32_t operation, uint32_t handle, uint64_t page, uint64_t offset,
          uint64_t pages) {
  userq::drm_amdgpu_gem_va args{};
  args.handle = handle;
  args.operation = operation;
  args.flags = userq::kVmPageReadable | userq::kVmPageWriteable;
  args.va_address = page_va(page);
  args.offset_in_bo = offset * kPageSize;
  args.map_size = pages * kPageSize;
  return sut_ioctl(file, SUT_IOCTL_GEM_VA, &args);
}

int va_map(const Op& op) {
  return va_op(file_of(op), userq::kVaOpMap, state.bo[op.args[0]], op.args[1], op.args[2], 1);
}

int va_unmap(const Op& op) {
  // P's first pages were mapped in one piece.
  const bool memory = op.args[0] == kMemoryVar && op.args[1] == 0;
  return va_op(file_of(op), userq::kVaOpUnmap, state.bo[op.args[0]], op.args[1], 0,
               memory ? kRingPages : 1);
}

// --- syncobjs ---

int syncobj_create(const Op& op) {
  drm::drm_syncobj_create args{0, op.args[1] != 0 ? drm::kSyncobjCreateSignaled : 0};
  const int error = ioctl(op, SUT_IOCTL_SYNCOBJ_CREATE, args);
  if (error == 0) state.syncobj[op.args[0]] = args.handle;
  return error;
}

int syncobj_destroy(const Op& op) {
  drm::drm_syncobj_destroy args{state.syncobj[op.args[0]], 0};
  return ioctl(op, SUT_IOCTL_SYNCOBJ_DESTROY, args);
}

int syncobj_array(const Op& op, uint32_t number) {
  const uint64_t list = SlotList::push(0, var(op.args[0]));
  drm::drm_syncobj_array args{put_handles(op, 0, state.syncobj, list), 1, 0};
  return ioctl(op, number, args);
}

int timeline_signal(const Op& op) {
  const uint64_t list = SlotList::push(0, var(op.args[0]));
  drm::drm_syncobj_timeline_array args{put_handles(op, 0, state.syncobj, list),
                                       put_array(op, 1, &op.args[1], 1), 1, 0};
  return ioctl(op, SUT_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, args);
}

int transfer(const Op& op) {
  drm::drm_syncobj_transfer args{};
  args.dst_handle = state.syncobj[op.args[0]];
  args.dst_point = op.args[1];
  args.src_handle = state.syncobj[op.args[2]];
  args.src_point = op.args[3];
  args.flags =
      (op.args[4] != 0 ? drm::kSyncobjWaitFlagsWaitForSubmit : 0) | (op.args[5] != 0 ? 1u << 8 : 0);
  return ioctl(op, SUT_IOCTL_SYNCOBJ_TRANSFER, args);
}

int query(const Op& op) {
  const unsigned count = SlotList::size(op.args[0]);
  drm::drm_syncobj_timeline_array args{put_handles(op, 0, state.syncobj, op.args[0]),
                                       put_points(op, 1, 0, count), count,
                                       op.args[1] != 0 ? drm::kSyncobjQueryFlagsLastSubmitted : 0};
  return ioctl(op, SUT_IOCTL_SYNCOBJ_QUERY, args);
}

// 0 polls.
int64_t deadline_in_ms(uint64_t ms) {
  return ms == 0 ? 0 : static_cast<int64_t>(sched::now() + ms * kMillisecond);
}

int syncobj_wait(const Op& op) {
  drm::drm_syncobj_wait args{};
  args.handles = put_handles(op, 0, state.syncobj, op.args[0]);
  args.count_handles = SlotList::size(op.args[0]);
  args.timeout_nsec = deadline_in_ms(op.args[1]);
  args.flags = (op.args[2] != 0 ? drm::kSyncobjWaitFlagsWaitAll : 0) |
               (op.args[3] != 0 ? drm::kSyncobjWaitFlagsWaitForSubmit : 0) |
               (op.args[4] != 0 ? drm::kSyncobjWaitFlagsWaitDeadline : 0);
  args.deadline_nsec = sched::now() + kMillisecond;
  return ioctl(op, SUT_IOCTL_SYNCOBJ_WAIT, args);
}

int timeline_wait(const Op& op) {
  drm::drm_syncobj_timeline_wait args{};
  args.count_handles = SlotList::size(op.args[0]);
  args.handles = put_handles(op, 0, state.syncobj, op.args[0]);
  args.points = put_points(op, 1, op.args[1], args.count_handles);
  args.timeout_nsec = deadline_in_ms(op.args[2]);
  args.flags = (op.args[3] != 0 ? drm::kSyncobjWaitFlagsWaitAll : 0) |
               (op.args[4] != 0 ? drm::kSyncobjWaitFlagsWaitForSubmit : 0) |
               (op.args[5] != 0 ? drm::kSyncobjWaitFlagsWaitAvailable : 0);
  return ioctl(op, SUT_IOCTL_SYNCOBJ_TIMELINE_WAIT, args);
}

int eventfd(const Op& op) {
  drm::drm_syncobj_eventfd args{};
  args.handle = state.syncobj[op.args[0]];
  args.point = op.args[1];
  args.flags = op.args[2] != 0 ? drm::kSyncobjWaitFlagsWaitAvailable : 0;
  args.fd = sut_eventfd(file_of(op));
  const int error = ioctl(op, SUT_IOCTL_SYNCOBJ_EVENTFD, args);
  if (args.fd >= 0) sut_fd_close(file_of(op), args.fd);
  return error;
}

// By a descriptor from one process to the other; with one process only, back to itself.
int export_syncobj(const Op& op, unsigned from, uint32_t flags, uint64_t point) {
  const bool two = state.program->device.second_process != 0;
  const uint32_t owner = two ? 1 - file_of(op) : 0;
  drm::drm_syncobj_handle args{state.syncobj[from], flags, -1, 0, point};
  const uint32_t file = flags == 0 ? owner : file_of(op);
  return sut_ioctl(file, SUT_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args) == 0 ? args.fd : -1;
}

int import(const Op& op) {
  drm::drm_syncobj_handle args{0, 0, export_syncobj(op, var(op.args[1]), 0, 0), 0, 0};
  const int error = ioctl(op, SUT_IOCTL_SYNCOBJ_FD_TO_HANDLE, args);
  if (error == 0) state.syncobj[op.args[0]] = args.handle;
  if (args.fd >= 0) sut_fd_close(file_of(op), args.fd);
  return error;
}

int copy_fence(const Op& op) {
  auto flags = [](uint64_t point) {
    return drm::kSyncobjHandleFlagsSyncFile | (point ? drm::kSyncobjHandleFlagsTimeline : 0);
  };
  const int fd = export_syncobj(op, var(op.args[1]), flags(op.args[3]), op.args[3]);
  drm::drm_syncobj_handle args{state.syncobj[op.args[0]], flags(op.args[2]), fd, 0, op.args[2]};
  const int error = ioctl(op, SUT_IOCTL_SYNCOBJ_FD_TO_HANDLE, args);
  if (fd >= 0) sut_fd_close(file_of(op), fd);
  return error;
}

// --- processes ---

int open_process(uint32_t file, bool must_succeed) {
  int error = sut_file_open(file);
  userq::drm_amdgpu_gem_create doorbells{}, memory{};
  doorbells.in = {kPageSize, 0, userq::kGemDomainDoorbell, 0};
  memory.in = {kRingPages * kPageSize, 0, userq::kGemDomainGtt, 0};
  if (error == 0) error = sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &doorbells);
  if (error == 0) {
    state.processes[file].doorbells = doorbells.out.handle;
    error = sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &memory);
  }
  if (error == 0) {
    state.bo[kMemoryVar] = memory.out.handle;
    error = va_op(file, userq::kVaOpMap, memory.out.handle, 0, 0, kRingPages);
  }
  if (error != 0 && must_succeed) set_up_failed("opening a process", error);
  return error;
}

void eop_handler(void* arg) { sut_irq_eop(state.doorbell[static_cast<const Op*>(arg)->args[0]]); }

}  // namespace

void perform_begin(const Program& program) {
  state = {};
  state.program = &program;
  for (Handle& doorbell : state.doorbell) doorbell = SUT_MAX_DOORBELLS;
}

void open_processes() {
  open_process(0, true);
  if (state.program->device.second_process != 0) open_process(1, true);
}

uint32_t tag_of(const Op& op) { return static_cast<uint32_t>(&op - state.program->ops.data()) + 1; }

sched::Job eop_job(const Op& op) { return {eop_handler, const_cast<Op*>(&op), tag_of(op)}; }
unsigned eop_cpu(const Op& op) {
  return static_cast<unsigned>(op.args[1]) % state.program->device.cpus;
}

namespace {

// What the process got back; 0 for what returns nothing.
int call(const Op& op) {
  const uint32_t file = file_of(op);
  switch (op.kind) {
    case OpKind::kQueueCreate:
      return queue_create(op);
    case OpKind::kQueueFree:
      return queue_free(op);
    case OpKind::kSignal:
      return signal(op);
    case OpKind::kWait:
      return wait(op);
    case OpKind::kSyncobjCreate:
      return syncobj_create(op);
    case OpKind::kSyncobjDestroy:
      return syncobj_destroy(op);
    case OpKind::kSyncobjReset:
      return syncobj_array(op, SUT_IOCTL_SYNCOBJ_RESET);
    case OpKind::kSyncobjSignal:
      return syncobj_array(op, SUT_IOCTL_SYNCOBJ_SIGNAL);
    case OpKind::kGpuWrite:
      sut_gpu_write_rptr(state.doorbell[op.args[0]], op.args[1]);
      return 0;
    case OpKind::kEop:
      sched::raise_irq(eop_cpu(op), eop_job(op));
      return 0;
    case OpKind::kFileClose:
      return sut_file_close(file);
    case OpKind::kFileOpen:
      return open_process(file, false);
    case OpKind::kKill:
      return sut_process_kill(file);
    case OpKind::kBoCreate:
      return bo_create(op);
    case OpKind::kBoClose:
      return bo_close(op);
    case OpKind::kBoMove:
      return sut_bo_move(file, state.bo[op.args[0]], op.args[1] != 0);
    case OpKind::kUserptrGone:
      return sut_userptr_gone(file, state.bo[op.args[0]]);
    case OpKind::kVaMap:
      return va_map(op);
    case OpKind::kVaUnmap:
      return va_unmap(op);
    case OpKind::kTimelineSignal:
      return timeline_signal(op);
    case OpKind::kTransfer:
      return transfer(op);
    case OpKind::kQuery:
      return query(op);
    case OpKind::kSyncobjWait:
      return syncobj_wait(op);
    case OpKind::kTimelineWait:
      return timeline_wait(op);
    case OpKind::kEventfd:
      return eventfd(op);
    case OpKind::kImport:
      return import(op);
    case OpKind::kCopyFence:
      return copy_fence(op);
    case OpKind::kGpuHang:
      sut_gpu_hang(state.doorbell[op.args[0]]);
      return 0;
    case OpKind::kFirmwareFail:
      sut_firmware_fail(static_cast<uint32_t>(op.args[0]));
      return 0;
    case OpKind::kGpuReset:
      sut_gpu_reset(op.args[0] != 0);
      return 0;
    case OpKind::kSuspend:
      return sut_suspend(op.args[0] != 0);
    case OpKind::kResume:
      return sut_resume();
    case OpKind::kIsolationStart:
      return sut_isolation(1);
    case OpKind::kIsolationStop:
      return sut_isolation(0);
    case OpKind::kRest:
      sut_rest(op.args[0] * kMillisecond);
      return 0;
    case OpKind::kWorkFailAlloc:
      sut_work_fail_alloc(static_cast<uint32_t>(op.args[0]));
      return 0;
    case OpKind::kCount:
      break;
  }
  return 0;
}

}  // namespace

void perform(const Op& op) {
  kernel::observe_operation();
  kernel::observe_result(call(op));
}

}  // namespace program
