/* The door: everything that drives the driver goes through here, whatever driver stands behind it.
 * C-compatible.
 *
 * A run is: sut_begin(), then within contexts of the executor sut_device_open() ...
 * sut_device_close(), then sut_end(). Calls marked [context] are made from a thread of the
 * executor, [irq] from interrupt context, [any] from either, the others from outside. Handles are
 * small numbers and never pointers; a file that is closed or was never open gives -EBADF.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SUT_MAX_FILES = 2,
  SUT_MAX_DOORBELLS = 16,
};

/* Ioctls, by the numbers of the UAPI (DRM_AMDGPU_..., DRM_IOCTL_...). */
enum {
  SUT_IOCTL_USERQ = 0x16,
  SUT_IOCTL_USERQ_SIGNAL = 0x17,
  SUT_IOCTL_USERQ_WAIT = 0x18,
  SUT_IOCTL_SYNCOBJ_CREATE = 0xbf,
  SUT_IOCTL_SYNCOBJ_DESTROY = 0xc0,
  SUT_IOCTL_SYNCOBJ_RESET = 0xc4,
  SUT_IOCTL_SYNCOBJ_SIGNAL = 0xc5,
};

struct sut_config {
  uint32_t cpus;        /* 1..4 */
  uint32_t seq64_slots; /* fence slots of the device */
  void* decider;        /* sched::Decider of the run, or NULL: no preemptions */
};

/* Faults for the running thread, until the next call; 0: none. */
struct sut_faults {
  uint32_t fail_alloc;     /* the n-th kernel allocation fails */
  uint32_t fail_copy;      /* the n-th user copy faults */
  uint32_t signal_pending; /* interruptible sleeps return at once */
};

/* Names the operation behind a tag in reports. */
typedef size_t (*sut_operation_printer)(uint32_t tag, char* buffer, size_t capacity);

void sut_begin(const struct sut_config* config, sut_operation_printer printer);
/* Checks that nothing is left; reports and does not return otherwise. */
void sut_end(void);

/* [context] The device, without files. 0 or -ENOMEM. */
int sut_device_open(void);
/* [context] Closes what is open. Call sut_device_fini() when all that follows from it has run. */
void sut_device_close(void);
/* [context] The device goes away. */
void sut_device_fini(void);

/* [context] Opens file `index` (0..SUT_MAX_FILES-1). 0, -ENOMEM, -EINVAL; -EBUSY: it is open, or a
 * call still runs on it. */
int sut_file_open(uint32_t index);
/* [context] close(2). The file lives on while an ioctl runs on it. 0, -EBADF. */
int sut_file_close(uint32_t index);
/* [context] `arg` is the argument struct, copied in and out as the kernel does; addresses within it
 * are user addresses. 0 or -errno; -ENOTTY: no such ioctl; -EBADF. */
int sut_ioctl(uint32_t index, uint32_t number, void* arg);
/* [context] What the next calls of this thread suffer. */
void sut_set_faults(const struct sut_faults* faults);

/* The user address space of the file's process: one mapped range, in which everything else faults.
 */
enum { SUT_USER_BASE = 0x10000, SUT_USER_SIZE = 0x1000 };
/* [context] The process writes or reads its own memory. -EFAULT outside of the range. */
int sut_user_write(uint32_t index, uint64_t address, const void* data, size_t size);
int sut_user_read(uint32_t index, uint64_t address, void* data, size_t size);

/* [context] Backs GPU addresses of the file's process with memory; page aligned. 0, -EINVAL,
 * -ENOMEM, -EBADF. */
int sut_va_map(uint32_t index, uint64_t va, uint64_t size);
/* [context] The process stores to such memory through its CPU mapping. 0, -EINVAL, -EBADF. */
int sut_va_store64(uint32_t index, uint64_t va, uint64_t value);

/* [any] The GPU's queue on this doorbell writes its progress to its fence slot; nothing if none is
 * mapped. */
void sut_gpu_write_rptr(uint32_t doorbell, uint64_t value);
/* [irq] The end-of-pipe interrupt of a doorbell. */
void sut_irq_eop(uint32_t doorbell);

#ifdef __cplusplus
}
#endif
