/* The door: everything that drives the driver goes through here, whatever driver stands behind it.
 * C-compatible.
 *
 * A run is: sut_begin(), then within contexts of the executor sut_device_open() ...
 * sut_device_close(), sut_device_fini(), then sut_end(). Calls marked [context] are made from a thread
 * of the executor and may sleep, [irq] from interrupt context, [any] from either, the others from
 * outside. Handles are small numbers and never pointers; a file that is closed or was never open gives
 * -EBADF.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SUT_MAX_FILES = 2,      /* one process each */
  SUT_MAX_DOORBELLS = 64, /* of the device */
};

/* Ioctls, by their numbers: those of the DRM core, and above 0x40 those of the driver. */
enum {
  SUT_IOCTL_GEM_CLOSE = 0x09,
  SUT_IOCTL_GEM_CREATE = 0x40,
  SUT_IOCTL_GEM_VA = 0x48,
  SUT_IOCTL_GEM_USERPTR = 0x51,
  SUT_IOCTL_USERQ = 0x56,
  SUT_IOCTL_USERQ_SIGNAL = 0x57,
  SUT_IOCTL_USERQ_WAIT = 0x58,
  SUT_IOCTL_SYNCOBJ_CREATE = 0xbf,
  SUT_IOCTL_SYNCOBJ_DESTROY = 0xc0,
  SUT_IOCTL_SYNCOBJ_HANDLE_TO_FD = 0xc1,
  SUT_IOCTL_SYNCOBJ_FD_TO_HANDLE = 0xc2,
  SUT_IOCTL_SYNCOBJ_WAIT = 0xc3,
  SUT_IOCTL_SYNCOBJ_RESET = 0xc4,
  SUT_IOCTL_SYNCOBJ_SIGNAL = 0xc5,
  SUT_IOCTL_SYNCOBJ_TIMELINE_WAIT = 0xca,
  SUT_IOCTL_SYNCOBJ_QUERY = 0xcb,
  SUT_IOCTL_SYNCOBJ_TRANSFER = 0xcc,
  SUT_IOCTL_SYNCOBJ_TIMELINE_SIGNAL = 0xcd,
  SUT_IOCTL_SYNCOBJ_EVENTFD = 0xcf,
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
/* Instead of sut_end() for a run that was given up, as after a deadlock that is suppressed: drops
 * what it left behind, checks nothing. */
void sut_discard(void);

/* [context] The device, without files. 0 or -ENOMEM. */
int sut_device_open(void);
/* [context] Everything has come to rest: checks that what must hold then does, and closes what is
 * open. Call sut_device_fini() when all that follows from it has run. */
void sut_device_close(void);
/* [context] The device goes away. */
void sut_device_fini(void);

/* --- a process --- */

/* [context] Opens file `index` (0..SUT_MAX_FILES-1). 0, -ENOMEM, -EINVAL; -EBUSY: it is open, or a
 * call still runs on it. */
int sut_file_open(uint32_t index);
/* [context] close(2). The file lives on while an ioctl runs on it. 0, -EBADF. */
int sut_file_close(uint32_t index);
/* [context] The process is killed: a signal is pending for each of its running calls, and its file is
 * closed. 0, -EBADF. */
int sut_process_kill(uint32_t index);
/* [context] `arg` is the argument struct, copied in and out as the kernel does; addresses within it
 * are user addresses. 0 or -errno; -ENOTTY: no such ioctl; -EBADF. Reports an error that the ioctl does
 * not document, and a lock that it kept. */
int sut_ioctl(uint32_t index, uint32_t number, void* arg);
/* The size of an ioctl's argument struct; 0: no such ioctl. */
size_t sut_ioctl_size(uint32_t number);
/* Objects that the kernel has allocated and not freed. [any] */
size_t sut_live_objects(void);
/* [context] What the next calls of this thread suffer. */
void sut_set_faults(const struct sut_faults* faults);

/* The user address space of the file's process: one mapped range, in which everything else faults. */
enum { SUT_USER_BASE = 0x10000, SUT_USER_SIZE = 0x2000 };
/* [context] The process writes or reads its own memory. -EFAULT outside of the range. */
int sut_user_write(uint32_t index, uint64_t address, const void* data, size_t size);
int sut_user_read(uint32_t index, uint64_t address, void* data, size_t size);

/* [context] The process stores to memory of the GPU through its CPU mapping. 0, -EINVAL, -EBADF. */
int sut_va_store64(uint32_t index, uint64_t va, uint64_t value);
/* [context] The process unmaps the pages behind a userptr buffer. 0, -ENOENT, -EINVAL, -EBADF. */
int sut_userptr_gone(uint32_t index, uint32_t handle);
/* [context] An event counter: its descriptor, known to all processes; -ENOMEM, -EMFILE, -EBADF. */
int sut_eventfd(uint32_t index);
/* [context] close(2) of such a descriptor, or of one that an ioctl returned. 0, -EBADF. */
int sut_fd_close(uint32_t index, int fd);

/* --- memory management, the device, time --- */

/* [context] Somebody wants to move the buffer: waits for all its fences, or with `nowait` only asks
 * them to signal. 0, -ENOENT, -EBADF. */
int sut_bo_move(uint32_t index, uint32_t handle, int nowait);
/* The device's number of a doorbell in a doorbell buffer, for the calls below; -EINVAL, -EBADF.
 * [context] */
int sut_doorbell(uint32_t index, uint32_t handle, uint32_t offset);
/* [any] The GPU's queue on this doorbell writes its progress to its fence slot; nothing if none is
 * mapped, or if it hangs. */
void sut_gpu_write_rptr(uint32_t doorbell, uint64_t value);
/* [any] It makes no progress from here on. */
void sut_gpu_hang(uint32_t doorbell);
/* [any] The n-th request to the firmware from here on fails; 0: none. */
void sut_firmware_fail(uint32_t nth);
/* [context] The n-th allocation of each of the kernel's workers from here on fails; 0: none. */
void sut_work_fail_alloc(uint32_t nth);
/* [irq] The end-of-pipe interrupt of a doorbell. */
void sut_irq_eop(uint32_t doorbell);
/* [context] A reset of the whole GPU. */
void sut_gpu_reset(int vram_lost);
/* [context] The system goes to sleep, and wakes up. 0 or what the driver returns. */
int sut_suspend(int s0ix);
int sut_resume(void);
/* [context] An engine is used exclusively (1), and is so no more (0). 0 or what the driver returns. */
int sut_isolation(int on);
/* [context] The thread sleeps. */
void sut_rest(uint64_t nanoseconds);

#ifdef __cplusplus
}
#endif
