// Hostile arguments: every ioctl with counts, pointers, handles, sizes and flags that are wrong in
// every way. Each call gets an error that its ioctl documents (the door checks that), and a call
// that fails leaves no object behind.
#include <cstdio>
#include <cstring>

#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/sched/sched.h"
#include "core/sut.h"
#include "core/userq/uapi_gem.h"
#include "core/userq/uapi_userq.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/fork_server.h"
#include "fuzz/targets/hostile.h"
#include "fuzz/targets/leak_check.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"

namespace {

using hostile::Call;

constexpr uint64_t kGpuBase = 0x100000;
constexpr uint64_t kPage = 0x1000;
constexpr unsigned kHandlesWritten = 16;

TargetOptions options;
Call calls[hostile::kMaxCalls];
unsigned count;

size_t print_operation(uint32_t tag, char* buffer, size_t capacity) {
  return hostile::format(calls[tag - 1], buffer, capacity);
}

// Lets everything that follows from a call come to its end: interrupts, RCU, works.
void settle() { sut_rest(1); }

// A file with two buffers, two queues and four syncobjs, handles from 1.
void open_file(uint32_t file) {
  sut_file_open(file);
  userq::drm_amdgpu_gem_create doorbells{}, memory{};
  doorbells.in = {kPage, 0, userq::kGemDomainDoorbell, 0};
  memory.in = {2 * kPage, 0, userq::kGemDomainGtt, 0};
  sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &doorbells);
  sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &memory);
  userq::drm_amdgpu_gem_va va{};
  va.handle = memory.out.handle;
  va.operation = userq::kVaOpMap;
  va.flags = userq::kVmPageReadable | userq::kVmPageWriteable;
  va.va_address = kGpuBase;
  va.map_size = 2 * kPage;
  sut_ioctl(file, SUT_IOCTL_GEM_VA, &va);
  for (uint32_t i = 0; i < 2; ++i) {
    userq::drm_amdgpu_userq queue{};
    queue.in.op = userq::kUserqOpCreate;
    queue.in.doorbell_handle = doorbells.out.handle;
    queue.in.doorbell_offset = i;
    queue.in.queue_va = kGpuBase;
    queue.in.queue_size = kPage;
    queue.in.rptr_va = kGpuBase + kPage + 16 * i;
    queue.in.wptr_va = queue.in.rptr_va + 8;
    sut_ioctl(file, SUT_IOCTL_USERQ, &queue);
  }
  for (uint32_t i = 0; i < 4; ++i) {
    uint32_t create[2] = {0, i & 1};
    sut_ioctl(file, SUT_IOCTL_SYNCOBJ_CREATE, create);
  }
}

void write_arrays(uint32_t file) {
  uint32_t handles[kHandlesWritten];
  uint64_t points[kHandlesWritten];
  constexpr uint32_t kBad[] = {0, 0xffffffff, 77, 1, 1, 0x80000000};
  for (uint32_t i = 0; i < kHandlesWritten; ++i) {
    handles[i] = i + 1;
    points[i] = i;
  }
  sut_user_write(file, SUT_USER_BASE + hostile::kHandles, handles, sizeof handles);
  sut_user_write(file, SUT_USER_BASE + hostile::kPointsArray, points, sizeof points);
  sut_user_write(file, SUT_USER_BASE + hostile::kBadHandles, kBad, sizeof kBad);
}

void set_up() {
  sut_device_open();
  for (uint32_t file = 0; file < SUT_MAX_FILES; ++file) {
    open_file(file);
    write_arrays(file);
  }
}

// A failed signal leaves its fence with the queue if it failed late, a failed wait the drivers of
// the slots; both are documented. Anything else leaves nothing.
bool may_leave_objects(const Call& call) {
  return call.ioctl->number == SUT_IOCTL_USERQ_SIGNAL || call.ioctl->number == SUT_IOCTL_USERQ_WAIT;
}

void make(const Call& call) {
  uint8_t argument[96] = {};
  for (unsigned i = 0; i < hostile::field_count(*call.ioctl); ++i) {
    const hostile::Field& field = call.ioctl->fields[i];
    const uint64_t value = hostile::value_of(field.kind, call.selectors[i]);
    std::memcpy(argument + field.offset, &value, field.size);  // little-endian: cut to its size
  }
  const size_t before = sut_live_objects();
  kernel::observe_operation();
  const int error = sut_ioctl(call.second_process, call.ioctl->number, argument);
  kernel::observe_result(error);
  settle();
  if (error == 0 || may_leave_objects(call) || !kernel::checks_enabled) return;
  const size_t after = sut_live_objects();
  if (after > before)
    kernel::report(kernel::Verdict::kObjectLeak, call.ioctl->name,
                   "%s failed with %d and left %zu objects behind", call.ioctl->name, error,
                   after - before);
}

void make_calls() {
  for (unsigned i = 0; i < count; ++i) {
    sched::current()->tag = i + 1;
    make(calls[i]);
  }
}

void call_function(void* function) { reinterpret_cast<void (*)()>(function)(); }

bool run_on(unsigned thread, void (*function)()) {
  sched::spawn(thread, {call_function, reinterpret_cast<void*>(function), 0});
  return sched::run_all();
}

void run(const uint8_t* data, size_t size) {
  count = 0;
  for (size_t used = 0; used < size && count < hostile::kMaxCalls;)
    used += hostile::decode(data + used, size - used, calls[count++]);
  char line[256];
  for (unsigned i = 0; options.print_program && i < count; ++i) {
    hostile::format(calls[i], line, sizeof line);
    std::fprintf(stderr, "%s\n", line);
  }
  const sut_config config{2, 64, nullptr};
  traced_run_begins();
  sut_begin(&config, print_operation);
  if (run_on(sched::kMainThread, set_up) && run_on(0, make_calls) &&
      run_on(sched::kMainThread, sut_device_close) && run_on(sched::kMainThread, sut_device_fini))
    sut_end();
  else
    sut_discard();
  traced_run_ends();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const TargetOptions asked = read_target_options();
  if (may_warm_up(asked)) run(nullptr, 0);  // without the options that print
  options = asked;
  trace_runs(options);
  guard_runs(options);
  check_leaks(options);
  serve_forks(options);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run_guarded(run, data, size);
  return 0;
}
