// A corpus that several jobs share: a folder of inputs, each named by the SHA-1 of its content.
//
// No file is ever written into it: what a job has found in its own folder moves over when it is
// seen to be whole. So nothing in it is half written, whenever a process is killed, and a full disk
// takes nothing away.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/tool/files.h"

namespace tool {

struct Taken {
  uint64_t added = 0;
  uint64_t known = 0;   // were there already
  uint64_t broken = 0;  // half written: the name says something else than the content
};

// What was in the way, in words for a person.
struct SetAsideFile {
  std::string name;  // printable
  std::string why;
};

// Moves the inputs over to the corpus `to` that libFuzzer wrote into `from`, on the same file
// system. Those that are broken stay where they are.
Taken take_inputs(const fs::path& from, const fs::path& to);

class SharedCorpus {
 public:
  // Makes the folder. `aside`: where files go that are no inputs.
  SharedCorpus(fs::path folder, fs::path aside);

  const fs::path& folder() const { return folder_; }

  Taken take(const fs::path& from) { return take_inputs(from, folder_); }

  // Adds an input unless it is there: written beside the corpus, in `scratch`, and moved.
  bool add(std::string_view content, const fs::path& scratch);

  // Moves an input out, to `where`, which is made. Nothing happens if it is not there.
  void move_out(const std::string& name, const fs::path& where);

  // Looks at every file. One that carries another name than its content's gets that; what is no
  // input (empty, larger than kMostInputBytes, unreadable, not a file) is moved aside, whatever it
  // is called. Returns what was moved aside.
  std::vector<SetAsideFile> tidy();

  // Names, sorted.
  std::vector<std::string> names() const { return files_in(folder_); }

  // Deletes those of `candidates` that are not in `kept`. Cut short at any point the corpus reaches
  // no less than `kept`. Deletes nothing if one of `kept` is not there. Returns how many went.
  uint64_t keep_only(const std::vector<std::string>& candidates,
                     const std::vector<std::string>& kept);

 private:
  fs::path folder_;
  fs::path aside_;
};

// libFuzzer's own limit for a corpus; larger ones are cut by it, which makes them other inputs.
inline constexpr uint64_t kMostInputBytes = 1 << 20;

// Whether `name` is how an input with that content is called.
bool named_by_content(const std::string& name, std::string_view content);

}  // namespace tool
