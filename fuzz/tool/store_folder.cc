#include "fuzz/tool/store_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

int holder_named_in(int fd) {
  char text[32] = "";
  ssize_t got = ::pread(fd, text, sizeof text - 1, 0);
  auto number = to_number(trim(std::string_view(text, got > 0 ? static_cast<size_t>(got) : 0)));
  return number ? static_cast<int>(*number) : -1;
}

}  // namespace

StoreLock::StoreLock(const StoreFolder& folder) {
  fd_ = ::open(folder.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw EnvironmentError(fmt::format(
        "cannot write '{}': {}", printable(Project::shown(folder.lock())), std::strerror(errno)));
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int holder = holder_named_in(fd_);
    ::close(fd_);
    throw EnvironmentError(fmt::format(
        "another fencebench{} works on '{}'; stop it, or name another folder with --store",
        holder > 0 ? fmt::format(" (process {})", holder) : "",
        printable(Project::shown(folder.root))));
  }
  // Only for the message of a second one: a full disk may keep it from being written.
  const std::string self = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_, 0) == 0) {
    [[maybe_unused]] ssize_t ignored = ::pwrite(fd_, self.data(), self.size(), 0);
  }
}

StoreLock::~StoreLock() { ::close(fd_); }

int store_holder(const StoreFolder& folder) {
  int fd = ::open(folder.lock().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int holder = 0;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) holder = holder_named_in(fd);
  ::close(fd);
  return holder;
}

}  // namespace tool
