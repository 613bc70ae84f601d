#include "fuzz/tool/durable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kUnfinished = ".unfinished-write";

[[noreturn]] void fail(const fs::path& path, int reason) {
  const std::string message =
      fmt::format("cannot write '{}': {}", printable(path.string()), std::strerror(reason));
  if (reason == ENOSPC || reason == EDQUOT) throw NoSpaceError(message);
  throw EnvironmentError(message);
}

// 0, or the reason.
int write_whole(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

void sync_folder(const fs::path& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);  // some file systems cannot; the file itself is safe
  ::close(fd);
}

}  // namespace

void write_durably(const fs::path& path, std::string_view content) {
  fs::path unfinished = path;
  unfinished += kUnfinished;
  int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) fail(path, errno);
  int reason = write_whole(fd, content);
  if (::close(fd) != 0 && reason == 0) reason = errno;
  if (reason == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) reason = errno;
  if (reason != 0) {
    ::unlink(unfinished.c_str());
    fail(path, reason);
  }
  sync_folder(path.parent_path());
}

bool is_unfinished_write(const fs::path& path) { return path.string().ends_with(kUnfinished); }

uint64_t free_bytes(const fs::path& folder) {
  struct statvfs stat{};
  if (::statvfs(folder.c_str(), &stat) != 0) {
    throw EnvironmentError(
        fmt::format("cannot look at '{}': {}", printable(folder.string()), std::strerror(errno)));
  }
  return static_cast<uint64_t>(stat.f_bavail) * stat.f_frsize;
}

uint64_t bytes_below(const fs::path& folder) {
  uint64_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (!entry->is_regular_file(gone) || entry->is_symlink(gone)) continue;
    const uint64_t size = entry->file_size(gone);
    if (!gone) sum += size;
  }
  return sum;
}

}  // namespace tool
