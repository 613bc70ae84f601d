#include "core/drm/eventfd.h"

#include <cerrno>

#include "core/kernel/list.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kSyscall{"eventfd syscall"};

void release(kernel::Kref& kref) {
  EventFd& ctx = *container_of(&kref, EventFd, refcount);
  kernel::spin_lock_destroy(ctx.lock);
  kernel::kfree(&ctx);
}

constexpr DescriptorType kEventFdType{release};

}  // namespace

int eventfd_create(Descriptors* files) {
  EventFd* ctx = kernel::kzalloc_obj<EventFd>("eventfd_ctx");
  if (ctx == nullptr) return -ENOMEM;
  kernel::kref_init(ctx->refcount, "eventfd_ctx", kSyscall);
  kernel::spin_lock_init(ctx->lock, "eventfd_ctx->wqh.lock");
  const int fd = get_unused_fd(files);
  if (fd < 0)
    eventfd_ctx_put(*ctx, kSyscall);
  else
    fd_install(*files, fd, kEventFdType, ctx->refcount, kSyscall);
  return fd;
}

int eventfd_read(Descriptors* files, int fd, uint64_t* count) {
  EventFd* ctx;
  const int error = eventfd_ctx_fdget(files, fd, &ctx, kSyscall);
  if (error != 0) return error;
  kernel::spin_lock_irq(ctx->lock);
  *count = ctx->count;
  ctx->count = 0;
  kernel::spin_unlock_irq(ctx->lock);
  eventfd_ctx_put(*ctx, kSyscall);
  return *count != 0 ? 0 : -EAGAIN;
}

int eventfd_ctx_fdget(Descriptors* files, int fd, EventFd** ctx, kernel::Holder holder) {
  kernel::Kref* object;
  const int error = fdget(files, fd, kEventFdType, &object, holder);
  if (error == 0) *ctx = container_of(object, EventFd, refcount);
  return error;
}

void eventfd_ctx_put(EventFd& ctx, kernel::Holder holder) {
  kernel::kref_put(ctx.refcount, holder, release);
}

void eventfd_signal(EventFd& ctx) {
  unsigned long flags;
  kernel::spin_lock_irqsave(ctx.lock, flags);
  if (ctx.count < UINT64_MAX) ++ctx.count;
  kernel::spin_unlock_irqrestore(ctx.lock, flags);
}

}  // namespace drm
