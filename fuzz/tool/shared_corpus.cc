#include "fuzz/tool/shared_corpus.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  const std::string message = fmt::format("cannot move '{}' to '{}': {}", printable(from.string()),
                                          printable(to.string()), error.message());
  if (error == std::errc::no_space_on_device) throw NoSpaceError(message);
  throw EnvironmentError(message);
}

// Why this is no input; empty if it may be one.
std::string objection(const fs::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (S_ISDIR(status.st_mode)) return "it is a folder";
  if (S_ISLNK(status.st_mode)) return "it is a link";
  if (!S_ISREG(status.st_mode)) return "it is no regular file";
  if (status.st_size == 0) return "it is empty";
  if (static_cast<uint64_t>(status.st_size) > kMostInputBytes) {
    return fmt::format("it is too large ({} bytes)", with_commas(status.st_size));
  }
  // The owner's bits: root may read everything, the next user of the corpus may not.
  if ((status.st_mode & S_IRUSR) == 0 || ::access(path.c_str(), R_OK) != 0) {
    return "it cannot be read";
  }
  return "";
}

}  // namespace

bool named_by_content(const std::string& name, std::string_view content) {
  return name == sha1(content);
}

SharedCorpus::SharedCorpus(fs::path folder, fs::path aside)
    : folder_(std::move(folder)), aside_(std::move(aside)) {
  make_output_folder(folder_);
}

Taken take_inputs(const fs::path& from, const fs::path& to) {
  Taken taken;
  for (const std::string& name : files_in(from)) {
    if (!objection(from / name).empty() || !named_by_content(name, read_file(from / name))) {
      taken.broken++;
      continue;
    }
    std::error_code ignored;
    const bool known = fs::exists(to / name, ignored);
    move_file(from / name, to / name);
    (known ? taken.known : taken.added)++;
  }
  return taken;
}

bool SharedCorpus::add(std::string_view content, const fs::path& scratch) {
  const std::string name = sha1(content);
  std::error_code ignored;
  if (content.empty() || fs::exists(folder_ / name, ignored)) return false;
  write_durably(scratch / name, content);
  move_file(scratch / name, folder_ / name);
  return true;
}

void SharedCorpus::move_out(const std::string& name, const fs::path& where) {
  std::error_code ignored;
  if (!fs::exists(folder_ / name, ignored)) return;
  make_output_folder(where);
  move_file(folder_ / name, where / name);
}

std::vector<SetAsideFile> SharedCorpus::tidy() {
  std::vector<SetAsideFile> moved;
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  if (error) {
    throw EnvironmentError(fmt::format("cannot read the folder '{}': {}",
                                       printable(folder_.string()), error.message()));
  }
  std::sort(entries.begin(), entries.end());
  for (const fs::path& path : entries) {
    const std::string why = objection(path);
    if (!why.empty()) {
      make_output_folder(aside_);
      // Their own names may be hostile, and two of them equal.
      fs::path to;
      std::error_code ignored;
      for (size_t number = 1; to.empty() || fs::exists(fs::symlink_status(to, ignored)); number++) {
        to = aside_ / fmt::format("{}-{}", slug(path.filename().string(), 40), number);
      }
      move_file(path, to);
      moved.push_back({printable(path.filename().string()), why});
      continue;
    }
    const std::string name = sha1(read_file(path));
    if (path.filename().string() != name) move_file(path, folder_ / name);
  }
  return moved;
}

uint64_t SharedCorpus::keep_only(const std::vector<std::string>& candidates,
                                 const std::vector<std::string>& kept) {
  std::error_code ignored;
  for (const std::string& name : kept) {
    if (!fs::exists(folder_ / name, ignored)) return 0;
  }
  std::vector<std::string> sorted = kept;
  std::sort(sorted.begin(), sorted.end());
  uint64_t gone = 0;
  for (const std::string& name : candidates) {
    if (std::binary_search(sorted.begin(), sorted.end(), name)) continue;
    if (fs::remove(folder_ / name, ignored)) gone++;
  }
  return gone;
}

}  // namespace tool
