// The door to our own core.
#include "core/sut.h"

#include <cerrno>
#include <cstring>

#include "core/dma/fence.h"
#include "core/drm/syncobj.h"
#include "core/kernel/annotate.h"
#include "core/kernel/report.h"
#include "core/kernel/runtime.h"
#include "core/kernel/task.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"
#include "core/userq/signal_ioctl.h"
#include "core/userq/wait_ioctl.h"

namespace {

// An entry of the process's descriptor table and the struct file behind it. Harness state, not the
// driver's: this file is compiled without TSan instrumentation, and nothing in it is a scheduling
// point.
struct Descriptor {
  drm::File* file;  // nullptr: not open, or closed and gone
  bool open;
  uint32_t users;  // running calls
  kernel::UserMemory mm;
};

sut_config config;
userq::Device* device;
Descriptor descriptors[SUT_MAX_FILES];
uint8_t user_memory[SUT_MAX_FILES][SUT_USER_SIZE];
uint32_t slots_taken;

// The file goes when it is closed and nobody runs on it any more.
void free_if_unused(Descriptor& descriptor) {
  if (descriptor.open || descriptor.users > 0 || descriptor.file == nullptr) return;
  kernel::tsan_acquire(&descriptor);
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
    if (descriptor_ == nullptr) return;
    ++descriptor_->users;
    kernel::task().mm = &descriptor_->mm;
  }
  ~RunningCall() {
    if (descriptor_ == nullptr) return;
    kernel::tsan_release(descriptor_);
    --descriptor_->users;
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

template <typename Args>
int call(int (*ioctl)(drm::File& file, Args& args), drm::File& file, void* arg) {
  Args args;
  std::memcpy(&args, arg, sizeof args);
  const int result = ioctl(file, args);
  if (result == 0) std::memcpy(arg, &args, sizeof args);
  return result;
}

int dispatch(drm::File& file, uint32_t number, void* arg) {
  switch (number) {
    case SUT_IOCTL_USERQ:
      return call(userq::userq_ioctl, file, arg);
    case SUT_IOCTL_USERQ_SIGNAL:
      return call(userq::signal_ioctl, file, arg);
    case SUT_IOCTL_USERQ_WAIT:
      return call(userq::wait_ioctl, file, arg);
    case SUT_IOCTL_SYNCOBJ_CREATE:
      return call(drm::syncobj_create_ioctl, file, arg);
    case SUT_IOCTL_SYNCOBJ_DESTROY:
      return call(drm::syncobj_destroy_ioctl, file, arg);
    case SUT_IOCTL_SYNCOBJ_RESET:
      return call(drm::syncobj_reset_ioctl, file, arg);
    case SUT_IOCTL_SYNCOBJ_SIGNAL:
      return call(drm::syncobj_signal_ioctl, file, arg);
    default:
      return -ENOTTY;
  }
}

const char* ioctl_name(uint32_t number) {
  switch (number) {
    case SUT_IOCTL_USERQ:
      return "amdgpu_userq_ioctl";
    case SUT_IOCTL_USERQ_SIGNAL:
      return "amdgpu_userq_signal_ioctl";
    case SUT_IOCTL_USERQ_WAIT:
      return "amdgpu_userq_wait_ioctl";
    default:
      return "drm_ioctl";
  }
}

}  // namespace

void sut_begin(const sut_config* run_config, sut_operation_printer printer) {
  config = *run_config;
  kernel::set_operation_printer(printer);
  kernel::runtime_begin(config.cpus, static_cast<sched::Decider*>(config.decider));
  dma::fence_reset();
  device = nullptr;
  slots_taken = 0;
  for (uint32_t i = 0; i < SUT_MAX_FILES; ++i) {
    descriptors[i] = {nullptr, false, 0, {SUT_USER_BASE, SUT_USER_SIZE, user_memory[i]}};
    std::memset(user_memory[i], 0, SUT_USER_SIZE);
  }
}

void sut_end() { kernel::runtime_end(slots_taken); }

int sut_device_open() {
  device = userq::device_init(config.seq64_slots);
  return device ? 0 : -ENOMEM;
}

void sut_device_close() {
  for (uint32_t i = 0; i < SUT_MAX_FILES; ++i) sut_file_close(i);
}

void sut_device_fini() {
  slots_taken = userq::device_fini(device);
  device = nullptr;
}

int sut_file_open(uint32_t index) {
  if (index >= SUT_MAX_FILES) return -EINVAL;
  Descriptor& descriptor = descriptors[index];
  if (descriptor.file != nullptr) return -EBUSY;
  descriptor.file = drm::file_alloc(&descriptor.mm);
  if (descriptor.file == nullptr) return -ENOMEM;
  const int error = userq::fpriv_open(*device, *descriptor.file);
  descriptor.open = error == 0;
  free_if_unused(descriptor);
  return error;
}

int sut_file_close(uint32_t index) {
  if (index >= SUT_MAX_FILES || !descriptors[index].open) return -EBADF;
  descriptors[index].open = false;
  free_if_unused(descriptors[index]);
  return 0;
}

int sut_ioctl(uint32_t index, uint32_t number, void* arg) {
  RunningCall call(index);
  if (call.bad()) return -EBADF;
  const int result = dispatch(call.file(), number, arg);
  kernel::check_context_at_return(ioctl_name(number));
  return result;
}

void sut_set_faults(const sut_faults* faults) {
  kernel::Task& task = kernel::task();
  task.fail_alloc = faults->fail_alloc;
  task.fail_copy = faults->fail_copy;
  task.signal_pending = faults->signal_pending != 0;
}

int sut_user_write(uint32_t index, uint64_t address, const void* data, size_t size) {
  uint8_t* memory = user_address(index, address, size);
  if (memory == nullptr) return -EFAULT;
  std::memcpy(memory, data, size);
  return 0;
}

int sut_user_read(uint32_t index, uint64_t address, void* data, size_t size) {
  const uint8_t* memory = user_address(index, address, size);
  if (memory == nullptr) return -EFAULT;
  std::memcpy(data, memory, size);
  return 0;
}

int sut_va_map(uint32_t index, uint64_t va, uint64_t size) {
  RunningCall call(index);
  return call.bad() ? -EBADF : userq::vm_map(call.vm(), va, size);
}

int sut_va_store64(uint32_t index, uint64_t va, uint64_t value) {
  RunningCall call(index);
  return call.bad() ? -EBADF : userq::vm_user_store64(call.vm(), va, value);
}

void sut_gpu_write_rptr(uint32_t doorbell, uint64_t value) {
  if (doorbell < SUT_MAX_DOORBELLS) userq::gpu_write_rptr(device->gpu, doorbell, value);
}

void sut_irq_eop(uint32_t doorbell) {
  userq::process_fence_irq(*device, doorbell);
  kernel::check_context_at_return("amdgpu_userq_process_fence_irq");
}
