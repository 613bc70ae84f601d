// Reading and writing whole files, with errors that a person can act on.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

namespace fs = std::filesystem;

// The content of a file that the user named. UsageError if it is missing (naming the nearest file
// that exists), a folder, or unreadable.
std::string read_named_file(const fs::path& path);

// The content of a file that the tool expects to be there. EnvironmentError otherwise.
std::string read_file(const fs::path& path);

// EnvironmentError if the file cannot be written whole.
void write_file(const fs::path& path, std::string_view content);

// Makes sure that `path` is a folder that can be written to. UsageError if something else stands
// there, EnvironmentError if the system refuses.
void make_output_folder(const fs::path& path);

// The folders in `folder`, sorted; empty if there is no such folder.
std::vector<fs::path> folders_in(const fs::path& folder);

// Names of the regular files in `folder`, sorted; empty if there is no such folder.
std::vector<std::string> files_in(const fs::path& folder);

// A folder of its own that goes away with the object. Locked (flock) while the object lives.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  int lock_ = -1;
};

// Those in `parent` whose process was killed. Another one may be about to look at them as well.
std::vector<fs::path> abandoned_scratch(const fs::path& parent);

}  // namespace tool
