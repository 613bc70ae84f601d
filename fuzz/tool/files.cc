#include "fuzz/tool/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kScratch = ".fencebench-";
constexpr std::string_view kScratchInMaking = ".fencebench.new-";

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string shown(const fs::path& path) { return printable(path.string()); }

// Empty on success, else the system's reason.
std::string read_into(const fs::path& path, std::string& content) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return "it is a folder";
  File file(std::fopen(path.c_str(), "rbe"));
  if (!file) return std::strerror(errno);
  char buffer[1 << 16];
  size_t got = sizeof buffer;
  while (got == sizeof buffer) {
    got = std::fread(buffer, 1, sizeof buffer, file.get());
    content.append(buffer, got);
  }
  if (std::ferror(file.get())) return std::strerror(errno);
  return "";
}

std::string nearest_file(const fs::path& path) {
  fs::path folder = path.parent_path();
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error)) {
    return fmt::format("; there is no folder '{}'", shown(folder));
  }
  std::string name = nearest(path.filename().string(), files_in(folder.empty() ? "." : folder));
  if (name.empty()) return "";
  return fmt::format("; did you mean '{}'?", shown(folder / name));
}

}  // namespace

std::string read_named_file(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error) && (!error || error == std::errc::no_such_file_or_directory ||
                                   error == std::errc::not_a_directory)) {
    throw UsageError(fmt::format("no file '{}'{}", shown(path), nearest_file(path)));
  }
  std::string content;
  std::string reason = read_into(path, content);
  if (!reason.empty()) {
    throw UsageError(fmt::format("cannot read '{}': {}", shown(path), reason));
  }
  return content;
}

std::string read_file(const fs::path& path) {
  std::string content;
  std::string reason = read_into(path, content);
  if (!reason.empty()) {
    throw EnvironmentError(fmt::format("cannot read '{}': {}", shown(path), reason));
  }
  return content;
}

void write_file(const fs::path& path, std::string_view content) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  bool written =
      file != nullptr && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  int reason = errno;
  if (file != nullptr && std::fclose(file) != 0 && written) {
    written = false;
    reason = errno;
  }
  if (!written) {
    throw EnvironmentError(
        fmt::format("cannot write '{}': {}", shown(path), std::strerror(reason)));
  }
}

void make_output_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    for (fs::path part = path; !part.empty() && part != part.parent_path();
         part = part.parent_path()) {
      if (fs::exists(part, ignored) && !fs::is_directory(part, ignored)) {
        throw UsageError(
            fmt::format("'{}' is a file, not a folder; name another with --out", shown(part)));
      }
    }
    throw EnvironmentError(fmt::format("cannot make the folder '{}': {}; name another with --out",
                                       shown(path), error.message()));
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    throw EnvironmentError(
        fmt::format("cannot write to the folder '{}': {}; name another with "
                    "--out",
                    shown(path), std::strerror(errno)));
  }
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) folders.push_back(entry->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ScratchFolder::ScratchFolder(const fs::path& parent) {
  std::string name = (parent / (std::string(kScratchInMaking) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw EnvironmentError(fmt::format("cannot make a scratch folder in '{}': {}", shown(parent),
                                       std::strerror(errno)));
  }
  // It gets its name when it is locked: nobody takes it for an abandoned one.
  lock_ = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0) ::flock(lock_, LOCK_EX | LOCK_NB);
  path_ = parent / (std::string(kScratch) + name.substr(name.size() - 6));
  std::error_code error;
  fs::rename(name, path_, error);
  if (error) path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

std::vector<fs::path> abandoned_scratch(const fs::path& parent) {
  std::vector<fs::path> abandoned;
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(kScratch)) continue;
    int fd = ::open(entry->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) abandoned.push_back(entry->path());
    ::close(fd);
  }
  std::sort(abandoned.begin(), abandoned.end());
  return abandoned;
}

}  // namespace tool
