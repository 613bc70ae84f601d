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

// Of one size always, so that no write needs room that the file does not have.
constexpr size_t kLockBytes = 1024;

void write_lock(int fd, const std::string& trouble) {
  std::string text = fmt::format("{}\n{}\n", ::getpid(), printable(trouble));
  text.resize(kLockBytes, ' ');
  [[maybe_unused]] ssize_t ignored = ::pwrite(fd, text.data(), text.size(), 0);
}

// Process -1: somebody, who could not write it down.
StoreHolder read_lock(int fd) {
  std::string text(kLockBytes, ' ');
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  const std::vector<std::string> lines = split(text, '\n');
  const auto process = to_number(lines[0]);
  return {process ? static_cast<int>(*process) : -1, lines.size() > 1 ? lines[1] : ""};
}

}  // namespace

StoreLock::StoreLock(const StoreFolder& folder) {
  fd_ = ::open(folder.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw EnvironmentError(fmt::format(
        "cannot write '{}': {}", printable(Project::shown(folder.lock())), std::strerror(errno)));
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int holder = read_lock(fd_).process;
    ::close(fd_);
    throw EnvironmentError(fmt::format(
        "another fencebench{} works on '{}'; stop it, or name another folder with --store",
        holder > 0 ? fmt::format(" (process {})", holder) : "",
        printable(Project::shown(folder.root))));
  }
  write_lock(fd_, "");
}

void StoreLock::say(const std::string& trouble) { write_lock(fd_, trouble); }

StoreLock::~StoreLock() { ::close(fd_); }

StoreHolder store_holder(const StoreFolder& folder) {
  int fd = ::open(folder.lock().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  StoreHolder holder;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) holder = read_lock(fd);
  ::close(fd);
  return holder;
}

}  // namespace tool
