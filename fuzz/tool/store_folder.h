// Where a continuous job keeps its files, and who may work in it.
#pragma once

#include <string>

#include "fuzz/tool/files.h"

namespace tool {

struct StoreFolder {
  fs::path root;

  fs::path database() const { return root / "continuous.sqlite"; }
  fs::path lock() const { return root / "lock"; }
  fs::path page() const { return root / "status.html"; }
  fs::path status() const { return root / "status.json"; }
  // Inputs, named by content, one folder for each target.
  fs::path corpus() const { return root / "corpus"; }
  // What lay in the corpus and is no input.
  fs::path aside() const { return root / "corpus-aside"; }
  // Inputs of the corpus that end in a finding before fuzzing has begun: they come back with the
  // next build. One folder for each target.
  fs::path blocked() const { return root / "corpus-blocked"; }
  // Inputs that ended in something which is not filed yet.
  fs::path incoming() const { return root / "incoming"; }
  // One folder for each bug, named by its signature.
  fs::path findings() const { return root / "findings"; }
  // One log for each job: of its last slice.
  fs::path logs() const { return root / "logs"; }
  // Of processes that run now, or were killed.
  fs::path work() const { return root / "work"; }
};

// Held by the one process that works on a store; goes away with the process, however it ends.
class StoreLock {
 public:
  // EnvironmentError, naming the other process, if there is one.
  explicit StoreLock(const StoreFolder& folder);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

  // What keeps the process from working, for others to read; empty: nothing does. Can be said on a
  // full disk as well.
  void say(const std::string& trouble);

 private:
  int fd_ = -1;
};

struct StoreHolder {
  int process = 0;  // that holds the lock; 0: none
  std::string trouble;
};
StoreHolder store_holder(const StoreFolder& folder);

}  // namespace tool
