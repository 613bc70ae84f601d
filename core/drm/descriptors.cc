#include "core/drm/descriptors.h"

#include <cerrno>

namespace drm {

namespace {

constexpr kernel::Holder kTable{kDescriptor};

bool in_table(const Descriptors* files, int fd) {
  return files != nullptr && fd >= 0 && fd < kMaxDescriptors;
}

}  // namespace

void descriptors_init(Descriptors& files) {
  files = {};
  kernel::spin_lock_init(files.file_lock, "files->file_lock");
}

void descriptors_fini(Descriptors& files) {
  // Nobody else uses the table any more.
  for (int fd = 0; fd < kMaxDescriptors; ++fd)
    if (files.fd[fd].object != nullptr) close_fd(&files, fd);
  kernel::spin_lock_destroy(files.file_lock);
}

int get_unused_fd(Descriptors* files) {
  if (files == nullptr) return -EMFILE;
  kernel::spin_lock(files->file_lock);
  int fd = 0;
  while (fd < kMaxDescriptors && files->fd[fd].used) ++fd;
  if (fd < kMaxDescriptors) files->fd[fd].used = true;
  kernel::spin_unlock(files->file_lock);
  return fd < kMaxDescriptors ? fd : -EMFILE;
}

void put_unused_fd(Descriptors& files, int fd) {
  kernel::spin_lock(files.file_lock);
  files.fd[fd].used = false;
  kernel::spin_unlock(files.file_lock);
}

void fd_install(Descriptors& files, int fd, const DescriptorType& type, kernel::Kref& object,
                kernel::Holder holder) {
  kernel::kref_move(object, holder, kTable);
  kernel::spin_lock(files.file_lock);
  files.fd[fd].type = &type;
  files.fd[fd].object = &object;
  kernel::spin_unlock(files.file_lock);
}

int fdget(Descriptors* files, int fd, const DescriptorType& type, kernel::Kref** object,
          kernel::Holder holder) {
  if (!in_table(files, fd)) return -EBADF;
  int error = 0;
  kernel::spin_lock(files->file_lock);
  *object = files->fd[fd].object;
  if (*object == nullptr)
    error = -EBADF;
  else if (files->fd[fd].type != &type)
    error = -EINVAL;
  else
    kernel::kref_get(**object, holder);
  kernel::spin_unlock(files->file_lock);
  return error;
}

int close_fd(Descriptors* files, int fd) {
  if (!in_table(files, fd)) return -EBADF;
  kernel::spin_lock(files->file_lock);
  const auto closed = files->fd[fd];
  // A reserved number is not open yet.
  if (closed.object != nullptr) files->fd[fd] = {false, nullptr, nullptr};
  kernel::spin_unlock(files->file_lock);
  if (closed.object == nullptr) return -EBADF;
  kernel::kref_put(*closed.object, kTable, closed.type->release);
  return 0;
}

}  // namespace drm
