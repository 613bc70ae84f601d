#include "fuzz/tool/corpus_folders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/finding.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/shared_corpus.h"

namespace tool {
namespace {

bool may_be_input(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return !error && size > 0 && size <= kMostInputBytes && ::access(path.c_str(), R_OK) == 0;
}

bool looks_like_hash(std::string_view name) {
  constexpr size_t kDigits = 40;
  return name.size() == kDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_in(const std::string& name, const std::vector<fs::path>& folders) {
  std::error_code ignored;
  return std::any_of(folders.begin(), folders.end(),
                     [&](const fs::path& folder) { return fs::exists(folder / name, ignored); });
}

}  // namespace

std::vector<fs::path> seed_files(const Project& project, const std::string& target) {
  std::vector<fs::path> seeds;
  const fs::path own = project.root() / "corpus" / target;
  for (const std::string& name : files_in(own)) seeds.push_back(own / name);
  const fs::path regressions = project.root() / "corpus" / "regressions";
  for (const std::string& name : files_in(regressions)) {
    const auto comment = parse_comment(read_file(regressions / name));
    if (comment && comment->target == target) seeds.push_back(regressions / name);
  }
  return seeds;
}

std::vector<fs::path> corpora_beside(const fs::path& own) {
  std::vector<fs::path> folders = folders_in(own.parent_path());
  std::erase_if(folders,
                [&](const fs::path& folder) { return folder.filename() == own.filename(); });
  return folders;
}

size_t gather_inputs(const std::vector<fs::path>& from, const fs::path& to, Gather how,
                     const std::vector<fs::path>& known) {
  fs::create_directories(to);
  std::vector<fs::path> have = known;
  have.push_back(to);
  size_t gathered = 0;
  for (const fs::path& folder : from) {
    for (const std::string& file : files_in(folder)) {
      // Corpora have thousands of files: what needs not be read is not.
      if (looks_like_hash(file) && is_in(file, have)) continue;
      if (!may_be_input(folder / file)) continue;
      if (how == Gather::kLink && looks_like_hash(file)) {
        std::error_code error;
        fs::create_hard_link(folder / file, to / file, error);
        gathered += !error;
        if (!error) continue;
      }
      const std::string content = read_file(folder / file);
      const std::string name = sha1(content);
      if (is_in(name, have)) continue;
      write_file(to / name, content);
      gathered++;
    }
  }
  return gathered;
}

bool add_input(const fs::path& corpus, std::string_view content, const fs::path& scratch) {
  fs::create_directories(corpus);
  const std::string name = sha1(content);
  if (is_in(name, {corpus})) return false;
  write_file(scratch / name, content);
  std::error_code error;
  fs::rename(scratch / name, corpus / name, error);
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot add an input to '{}': {}", Project::shown(corpus), error.message()));
  }
  return true;
}

}  // namespace tool
