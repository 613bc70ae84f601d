#include "core/sut_ioctls.h"

#include <cerrno>
#include <cstring>

#include "core/drm/gem.h"
#include "core/drm/syncobj.h"
#include "core/kernel/errno.h"
#include "core/sut.h"
#include "core/userq/gem_ioctls.h"
#include "core/userq/ioctl_results.h"
#include "core/userq/queue.h"
#include "core/userq/signal_ioctl.h"
#include "core/userq/wait_ioctl.h"

namespace {

using kernel::kEnotsupp;
using kernel::kErestartsys;

// What an ioctl may return: behaviour of upstream, not of our implementation.
constexpr int kGemCloseErrors[] = {-EINVAL};
constexpr int kGemCreateErrors[] = {-EINVAL, -ENOMEM, -ENOSPC, -EINTR, -kErestartsys};
constexpr int kGemUserptrErrors[] = {-EINVAL, -ENOMEM, -EFAULT, -EINTR, -kErestartsys, -EACCES};
constexpr int kGemVaErrors[] = {-EINVAL, -ENOENT, -ENOMEM,       -EFAULT,
                                -EINTR,  -ETIME,  -kErestartsys, -EOVERFLOW};
constexpr int kUserqErrors[] = {-kEnotsupp, -EINVAL, -EACCES,    -ENOMEM,    -ENOSPC,      -EBUSY,
                                -ENOENT,    -EINTR,  -ETIMEDOUT, -ECANCELED, -kErestartsys};
constexpr int kSignalErrors[] = {-kEnotsupp, -EINVAL, -EFAULT,   -EOVERFLOW,   -ENOMEM,
                                 -ENOENT,    -EINTR,  -EALREADY, -kErestartsys};
constexpr int kWaitErrors[] = {-kEnotsupp, -EINVAL,   -EFAULT, -EOVERFLOW, -ENOMEM,      -ENOENT,
                               -EINTR,     -EALREADY, -ETIME,  -EBUSY,     -kErestartsys};
constexpr int kCreateErrors[] = {-EINVAL, -ENOMEM};
constexpr int kDestroyErrors[] = {-EINVAL};
constexpr int kHandleToFdErrors[] = {-EINVAL, -EMFILE, -ENOMEM, -ENOENT};
constexpr int kFdToHandleErrors[] = {-EINVAL, -ENOMEM, -ENOENT, -EBADF};
constexpr int kArrayErrors[] = {-EINVAL, -EFAULT, -ENOMEM, -ENOENT, -EOVERFLOW};
constexpr int kSyncobjWaitErrors[] = {-EINVAL, -EFAULT,    -ENOMEM,      -ENOENT,
                                      -ETIME,  -EOVERFLOW, -kErestartsys};
constexpr int kTransferErrors[] = {-EINVAL, -ENOENT, -ENOMEM, -ETIME, -kErestartsys};
constexpr int kEventfdErrors[] = {-EINVAL, -ENOENT, -EBADF, -ENOMEM};

template <typename Args, int (*ioctl)(drm::File& file, Args& args)>
int call(drm::File& file, void* arg) {
  Args args;
  std::memcpy(&args, arg, sizeof args);
  const int result = ioctl(file, args);
  if (result == 0) std::memcpy(arg, &args, sizeof args);
  return result;
}

template <typename Args, int (*ioctl)(drm::File& file, Args& args), size_t n>
constexpr SutIoctl row(uint32_t number, const char* name, const int (&errors)[n]) {
  return {number, name, sizeof(Args), call<Args, ioctl>, errors, n, nullptr, nullptr, nullptr};
}

void remember_wait(drm::File&, const void* arg) {
  userq::drm_amdgpu_userq_wait args;
  std::memcpy(&args, arg, sizeof args);
  userq::remember_wait(args);
}

template <typename Args, void (*check)(drm::File& file, const Args& args)>
void check_result(drm::File& file, const void* arg) {
  Args args;
  std::memcpy(&args, arg, sizeof args);
  check(file, args);
}

// For a field of any width.
bool above_limit(uint64_t handles) { return handles > userq::kUserqMaxHandles; }

// Of the signal and the wait ioctl: no more handles than the limit, in each list.
template <typename Args>
int refused(const void* arg) {
  Args args;
  std::memcpy(&args, arg, sizeof args);
  return above_limit(args.num_syncobj_handles) || above_limit(args.num_bo_read_handles) ||
                 above_limit(args.num_bo_write_handles)
             ? -EINVAL
             : 0;
}

constexpr SutIoctl promising(SutIoctl ioctl, int (*refused)(const void* arg),
                             void (*remember)(drm::File& file, const void* arg),
                             void (*check)(drm::File& file, const void* arg)) {
  ioctl.refused = refused;
  ioctl.remember = remember;
  ioctl.check = check;
  return ioctl;
}

constexpr SutIoctl kIoctls[] = {
    row<drm::drm_gem_close, drm::gem_close_ioctl>(SUT_IOCTL_GEM_CLOSE, "drm_gem_close_ioctl",
                                                  kGemCloseErrors),
    row<userq::drm_amdgpu_gem_create, userq::gem_create_ioctl>(
        SUT_IOCTL_GEM_CREATE, "amdgpu_gem_create_ioctl", kGemCreateErrors),
    row<userq::drm_amdgpu_gem_va, userq::gem_va_ioctl>(SUT_IOCTL_GEM_VA, "amdgpu_gem_va_ioctl",
                                                       kGemVaErrors),
    row<userq::drm_amdgpu_gem_userptr, userq::gem_userptr_ioctl>(
        SUT_IOCTL_GEM_USERPTR, "amdgpu_gem_userptr_ioctl", kGemUserptrErrors),
    row<userq::drm_amdgpu_userq, userq::userq_ioctl>(SUT_IOCTL_USERQ, "amdgpu_userq_ioctl",
                                                     kUserqErrors),
    promising(row<userq::drm_amdgpu_userq_signal, userq::signal_ioctl>(
                  SUT_IOCTL_USERQ_SIGNAL, "amdgpu_userq_signal_ioctl", kSignalErrors),
              refused<userq::drm_amdgpu_userq_signal>, nullptr,
              check_result<userq::drm_amdgpu_userq_signal, userq::check_signal_result>),
    promising(row<userq::drm_amdgpu_userq_wait, userq::wait_ioctl>(
                  SUT_IOCTL_USERQ_WAIT, "amdgpu_userq_wait_ioctl", kWaitErrors),
              refused<userq::drm_amdgpu_userq_wait>, remember_wait,
              check_result<userq::drm_amdgpu_userq_wait, userq::check_wait_result>),
    row<drm::drm_syncobj_create, drm::syncobj_create_ioctl>(
        SUT_IOCTL_SYNCOBJ_CREATE, "drm_syncobj_create_ioctl", kCreateErrors),
    row<drm::drm_syncobj_destroy, drm::syncobj_destroy_ioctl>(
        SUT_IOCTL_SYNCOBJ_DESTROY, "drm_syncobj_destroy_ioctl", kDestroyErrors),
    row<drm::drm_syncobj_handle, drm::syncobj_handle_to_fd_ioctl>(
        SUT_IOCTL_SYNCOBJ_HANDLE_TO_FD, "drm_syncobj_handle_to_fd_ioctl", kHandleToFdErrors),
    row<drm::drm_syncobj_handle, drm::syncobj_fd_to_handle_ioctl>(
        SUT_IOCTL_SYNCOBJ_FD_TO_HANDLE, "drm_syncobj_fd_to_handle_ioctl", kFdToHandleErrors),
    row<drm::drm_syncobj_wait, drm::syncobj_wait_ioctl>(
        SUT_IOCTL_SYNCOBJ_WAIT, "drm_syncobj_wait_ioctl", kSyncobjWaitErrors),
    row<drm::drm_syncobj_array, drm::syncobj_reset_ioctl>(SUT_IOCTL_SYNCOBJ_RESET,
                                                          "drm_syncobj_reset_ioctl", kArrayErrors),
    row<drm::drm_syncobj_array, drm::syncobj_signal_ioctl>(
        SUT_IOCTL_SYNCOBJ_SIGNAL, "drm_syncobj_signal_ioctl", kArrayErrors),
    row<drm::drm_syncobj_timeline_wait, drm::syncobj_timeline_wait_ioctl>(
        SUT_IOCTL_SYNCOBJ_TIMELINE_WAIT, "drm_syncobj_timeline_wait_ioctl", kSyncobjWaitErrors),
    row<drm::drm_syncobj_timeline_array, drm::syncobj_query_ioctl>(
        SUT_IOCTL_SYNCOBJ_QUERY, "drm_syncobj_query_ioctl", kArrayErrors),
    row<drm::drm_syncobj_transfer, drm::syncobj_transfer_ioctl>(
        SUT_IOCTL_SYNCOBJ_TRANSFER, "drm_syncobj_transfer_ioctl", kTransferErrors),
    row<drm::drm_syncobj_timeline_array, drm::syncobj_timeline_signal_ioctl>(
        SUT_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, "drm_syncobj_timeline_signal_ioctl", kArrayErrors),
    row<drm::drm_syncobj_eventfd, drm::syncobj_eventfd_ioctl>(
        SUT_IOCTL_SYNCOBJ_EVENTFD, "drm_syncobj_eventfd_ioctl", kEventfdErrors),
};

}  // namespace

const SutIoctl* sut_find_ioctl(uint32_t number) {
  for (const SutIoctl& ioctl : kIoctls)
    if (ioctl.number == number) return &ioctl;
  return nullptr;
}
