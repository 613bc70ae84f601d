// An event counter that userspace reads through a descriptor: eventfd(2), as far as syncobjs use
// it.
#pragma once

#include <cstdint>

#include "core/drm/descriptors.h"

namespace drm {

struct EventFd {
  kernel::Kref refcount;
  kernel::SpinLock lock;  // upstream the lock of its wait queue; interrupts off
  uint64_t count;
};

// eventfd(0, EFD_NONBLOCK): a descriptor; -ENOMEM, -EMFILE. Process context.
int eventfd_create(Descriptors* files);
// read(2): takes the count, which starts over at 0. 0; -EBADF; -EINVAL: not an event counter;
// -EAGAIN: it is 0. Process context.
int eventfd_read(Descriptors* files, int fd, uint64_t* count);

// The counter behind a descriptor, with a reference for `holder`. 0; -EBADF; -EINVAL: not an event
// counter. Process context. Mirrors eventfd_ctx_fdget.
int eventfd_ctx_fdget(Descriptors* files, int fd, EventFd** ctx, kernel::Holder holder);
// Any context.
void eventfd_ctx_put(EventFd& ctx, kernel::Holder holder);
// Adds 1; stays at UINT64_MAX. Any context. Mirrors eventfd_signal.
void eventfd_signal(EventFd& ctx);

}  // namespace drm
