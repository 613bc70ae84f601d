// The door to our own core.
#include "core/sut.h"

#include <cerrno>
#include <cstring>

#include "core/dma/fence.h"
#include "core/dma/resv.h"
#include "core/drm/descriptors.h"
#include "core/drm/eventfd.h"
#include "core/drm/gem.h"
#include "core/kernel/annotate.h"
#include "core/kernel/errno.h"
#include "core/kernel/errno_check.h"
#include "core/kernel/report.h"
#include "core/kernel/runtime.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/sut_ioctls.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/gem_object.h"
#include "core/userq/invariants.h"
#include "core/userq/lock_order.h"
#include "core/userq/queue.h"
#include "core/userq/reset.h"
#include "core/userq/suspend.h"

namespace {

// An entry of the process's descriptor table and the struct file behind it. Harness state, not the
// driver's: this file is compiled without TSan instrumentation, and nothing in it is a scheduling
// point. Bounded search is told who opens and closes it, and who finds it open.
struct Descriptor {
  drm::File* file;  // nullptr: not open, or closed and gone
  bool opening;     // taken by an open(2) that is under way
  bool open;
  uint32_t users;     // running calls
  uint32_t contexts;  // those that make them, a bit each
  kernel::UserMemory mm;
};

constexpr kernel::Holder kHarness{"harness"};

sut_config config;
userq::Device* device;
Descriptor descriptors[SUT_MAX_FILES];
uint8_t user_memory[SUT_MAX_FILES][SUT_USER_SIZE];
uint32_t slots_taken;
uint64_t calls_started;  // in this run; whoever finds it changed was not alone
uint32_t calls_running;
// For TSan: what open(2) did happens before every call on the file, as installing a descriptor sees
// to.
char opened[SUT_MAX_FILES];

// The file goes when it is closed and nobody runs on it any more.
void free_if_unused(Descriptor& descriptor) {
  if (descriptor.open || descriptor.users > 0 || descriptor.file == nullptr) return;
  kernel::tsan_acquire(&descriptor);
  sched::touch(&descriptor, true);
  drm::File* file = descriptor.file;
  descriptor.file = nullptr;
  drm::file_free(*file);
}

// Keeps a file open for the length of a call, as fget() and fput() do: all that a call did happens
// before the file is freed, and nothing else is ordered.
class RunningCall {
 public:
  explicit RunningCall(uint32_t index)
      : descriptor_(index < SUT_MAX_FILES && descriptors[index].open ? &descriptors[index]
                                                                     : nullptr) {
    if (index < SUT_MAX_FILES) sched::touch(&descriptors[index], false);
    ++calls_started;
    if (descriptor_ == nullptr) return;
    kernel::tsan_acquire(&opened[index]);
    ++calls_running;
    ++descriptor_->users;
    descriptor_->contexts |= 1u << sched::current()->id;
    kernel::task().mm = &descriptor_->mm;
  }
  ~RunningCall() {
    if (descriptor_ == nullptr) return;
    kernel::tsan_release(descriptor_);
    // Of a closed one the last to leave frees the file.
    sched::touch(descriptor_, !descriptor_->open);
    --calls_running;
    --descriptor_->users;
    descriptor_->contexts &= ~(1u << sched::current()->id);
    free_if_unused(*descriptor_);
  }
  RunningCall(const RunningCall&) = delete;
  RunningCall& operator=(const RunningCall&) = delete;

  bool bad() const { return descriptor_ == nullptr; }
  drm::File& file() const { return *descriptor_->file; }
  userq::Vm& vm() const { return userq::to_fpriv(file()).vm; }

 private:
  Descriptor* descriptor_;
};

// The host address of a range of the process's memory, or nullptr.
uint8_t* user_address(uint32_t index, uint64_t address, size_t size) {
  if (index >= SUT_MAX_FILES || size > SUT_USER_SIZE || address < SUT_USER_BASE ||
      address - SUT_USER_BASE > SUT_USER_SIZE - size)
    return nullptr;
  return &user_memory[index][address - SUT_USER_BASE];
}

drm::Descriptors files;  // of all processes, as if they sent them to each other

// The buffer behind a handle, for the time of a call.
class Buffer {
 public:
  Buffer(const RunningCall& call, uint32_t handle)
      : gem_(drm::gem_object_lookup(call.file(), handle, kHarness)) {}
  ~Buffer() { drm::gem_object_put(gem_, kHarness); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  bool none() const { return gem_ == nullptr; }
  userq::Bo& bo() const { return userq::to_bo(*gem_); }

 private:
  drm::GemObject* gem_;
};

}  // namespace

void sut_begin(const sut_config* run_config, sut_operation_printer printer) {
  config = *run_config;
  kernel::set_operation_printer(printer);
  userq::declare_lock_order();
  kernel::runtime_begin(config.cpus, static_cast<sched::Decider*>(config.decider));
  dma::fence_reset();
  dma::resv_reset();
  device = nullptr;
  slots_taken = 0;
  calls_started = 0;
  calls_running = 0;
  for (uint32_t i = 0; i < SUT_MAX_FILES; ++i) {
    descriptors[i] = {nullptr, false, false, 0, 0, {SUT_USER_BASE, SUT_USER_SIZE, user_memory[i]}};
    std::memset(user_memory[i], 0, SUT_USER_SIZE);
  }
}

void sut_end() { kernel::runtime_end(slots_taken); }

void sut_discard() { kernel::runtime_discard(); }

int sut_device_open() {
  device = userq::device_init(config.seq64_slots);
  if (device == nullptr) return -ENOMEM;
  drm::descriptors_init(files);
  return 0;
}

void sut_device_close() {
  userq::check_invariants(*device);
  for (uint32_t i = 0; i < SUT_MAX_FILES; ++i) sut_file_close(i);
  drm::descriptors_fini(files);
}

void sut_device_fini() {
  slots_taken = userq::device_fini(device);
  device = nullptr;
}

// --- a process ---

int sut_file_open(uint32_t index) {
  if (index >= SUT_MAX_FILES) return -EINVAL;
  Descriptor& descriptor = descriptors[index];
  sched::touch(&descriptor, true);
  if (descriptor.file != nullptr || descriptor.opening) return -EBUSY;
  descriptor.opening = true;
  drm::File* file = drm::file_alloc(&descriptor.mm);
  int error = file != nullptr ? 0 : -ENOMEM;
  if (error == 0) {
    file->files = &files;
    error = userq::fpriv_open(*device, *file);
    if (error != 0) drm::file_free(*file);
  }
  sched::touch(&descriptor, true);
  descriptor.opening = false;
  if (error != 0) return error;
  descriptor.file = file;
  descriptor.open = true;
  kernel::tsan_release(&opened[index]);
  return 0;
}

int sut_file_close(uint32_t index) {
  if (index < SUT_MAX_FILES) sched::touch(&descriptors[index], true);
  if (index >= SUT_MAX_FILES || !descriptors[index].open) return -EBADF;
  descriptors[index].open = false;
  free_if_unused(descriptors[index]);
  return 0;
}

int sut_process_kill(uint32_t index) {
  if (index < SUT_MAX_FILES) sched::touch(&descriptors[index], true);
  if (index >= SUT_MAX_FILES || !descriptors[index].open) return -EBADF;
  for (unsigned id = 0; id < sched::kContexts; ++id) {
    if ((descriptors[index].contexts >> id & 1) == 0) continue;
    sched::touch(&kernel::task(id).signal_pending, true);
    kernel::task(id).signal_pending = true;
    sched::wake(sched::context(id));
  }
  return sut_file_close(index);
}

int sut_ioctl(uint32_t index, uint32_t number, void* arg) {
  RunningCall call(index);
  if (call.bad()) return -EBADF;
  const SutIoctl* ioctl = sut_find_ioctl(number);
  if (ioctl == nullptr) return -ENOTTY;
  const uint64_t mine = calls_started;
  const bool alone = calls_running == 1;
  if (ioctl->remember != nullptr) ioctl->remember(call.file(), arg);
  const int refused = ioctl->refused != nullptr ? ioctl->refused(arg) : 0;
  const int result = ioctl->call(call.file(), arg);
  kernel::check_context_at_return(ioctl->name);
  kernel::check_errno(ioctl->name, result, ioctl->errors, ioctl->num_errors);
  if (refused != 0) kernel::check_refused(ioctl->name, result, refused);
  // Only a signal interrupts.
  if ((result == -EINTR || result == -kernel::kErestartsys) && !kernel::signal_pending())
    kernel::check_errno(ioctl->name, result, nullptr, 0);
  if (result == 0 && ioctl->check != nullptr && kernel::checks_enabled && alone &&
      calls_started == mine)
    ioctl->check(call.file(), arg);
  return result;
}

size_t sut_ioctl_size(uint32_t number) {
  const SutIoctl* ioctl = sut_find_ioctl(number);
  return ioctl != nullptr ? ioctl->size : 0;
}

size_t sut_live_objects() { return kernel::slab_live_objects(); }

void sut_set_faults(const sut_faults* faults) {
  kernel::Task& task = kernel::task();
  task.fail_alloc = faults->fail_alloc;
  task.fail_copy = faults->fail_copy;
  task.signal_pending = faults->signal_pending != 0;
}

int sut_user_write(uint32_t index, uint64_t address, const void* data, size_t size) {
  uint8_t* memory = user_address(index, address, size);
  if (memory == nullptr) return -EFAULT;
  ++calls_started;
  std::memcpy(memory, data, size);
  return 0;
}

int sut_user_read(uint32_t index, uint64_t address, void* data, size_t size) {
  const uint8_t* memory = user_address(index, address, size);
  if (memory == nullptr) return -EFAULT;
  std::memcpy(data, memory, size);
  return 0;
}

int sut_va_store64(uint32_t index, uint64_t va, uint64_t value) {
  RunningCall call(index);
  return call.bad() ? -EBADF : userq::vm_user_store64(call.vm(), va, value);
}

int sut_userptr_gone(uint32_t index, uint32_t handle) {
  RunningCall call(index);
  if (call.bad()) return -EBADF;
  const Buffer buffer(call, handle);
  if (buffer.none()) return -ENOENT;
  if (buffer.bo().usermm == nullptr) return -EINVAL;
  userq::bo_userptr_unmapped(buffer.bo());
  kernel::check_context_at_return("amdgpu_hmm_invalidate_gfx");
  return 0;
}

int sut_eventfd(uint32_t index) {
  const RunningCall call(index);
  return call.bad() ? -EBADF : drm::eventfd_create(&files);
}

int sut_fd_close(uint32_t index, int fd) {
  const RunningCall call(index);
  return call.bad() ? -EBADF : drm::close_fd(&files, fd);
}

// --- memory management, the device, time ---

int sut_bo_move(uint32_t index, uint32_t handle, int nowait) {
  RunningCall call(index);
  if (call.bad()) return -EBADF;
  const Buffer buffer(call, handle);
  if (buffer.none()) return -ENOENT;
  userq::Bo& bo = buffer.bo();
  userq::bo_reserve(bo, false);
  if (nowait != 0) {
    dma::ResvIter cursor;
    dma::Fence* fence;
    resv_for_each_fence(cursor, *bo.gem.resv, dma::ResvUsage::kBookkeep, fence)
      dma::fence_enable_sw_signaling(*fence);
  } else {
    userq::bo_evict(bo);
  }
  userq::bo_unreserve(bo);
  kernel::check_context_at_return("ttm_bo_evict");
  return 0;
}

int sut_doorbell(uint32_t index, uint32_t handle, uint32_t offset) {
  RunningCall call(index);
  if (call.bad()) return -EBADF;
  const Buffer buffer(call, handle);
  if (buffer.none() || !buffer.bo().is_doorbell || offset >= userq::kDoorbellsPerPage)
    return -EINVAL;
  return static_cast<int>(buffer.bo().doorbell_base + offset);
}

void sut_gpu_write_rptr(uint32_t doorbell, uint64_t value) {
  if (doorbell < SUT_MAX_DOORBELLS) userq::gpu_write_rptr(device->gpu, doorbell, value);
}

void sut_gpu_hang(uint32_t doorbell) {
  if (doorbell < SUT_MAX_DOORBELLS) userq::gpu_hang_queue(device->gpu, doorbell);
}

void sut_firmware_fail(uint32_t nth) { userq::gpu_fail_request(device->gpu, nth); }

void sut_work_fail_alloc(uint32_t nth) {
  for (unsigned i = 1; i <= sched::kMaxWorkers; ++i) {
    kernel::Task& worker = kernel::task(sched::kContexts - i);
    sched::touch(&worker.fail_alloc, true);
    worker.fail_alloc = nth;
  }
}

void sut_irq_eop(uint32_t doorbell) {
  userq::process_fence_irq(*device, doorbell);
  kernel::check_context_at_return("amdgpu_userq_process_fence_irq");
}

void sut_gpu_reset(int vram_lost) {
  userq::gpu_recover(*device, vram_lost != 0);
  kernel::check_context_at_return("amdgpu_device_gpu_recover");
}

int sut_suspend(int s0ix) {
  const int error = userq::userq_suspend(*device, s0ix != 0);
  kernel::check_context_at_return("amdgpu_userq_suspend");
  return error;
}

int sut_resume() {
  const int error = userq::userq_resume(*device);
  kernel::check_context_at_return("amdgpu_userq_resume");
  return error;
}

int sut_isolation(int on) {
  const int error = on != 0 ? userq::stop_sched_for_enforce_isolation(*device)
                            : userq::start_sched_for_enforce_isolation(*device);
  kernel::check_context_at_return("amdgpu_userq_stop_sched_for_enforce_isolation");
  return error;
}

void sut_rest(uint64_t nanoseconds) {
  kernel::set_current_state();
  kernel::schedule_timeout("rest", nanoseconds);
}
