// Looking at a run does not change it, and whoever looks sees all of it.
#include "core/sched/observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "fuzz/program/run.h"
#include "fuzz/program/text.h"

namespace {

using sched::Event;
using sched::EventKind;

// The last event of each kind, and how many there were.
struct Seen {
  uint64_t count[32];
  int64_t depth;  // locks held by all
  std::set<uint32_t>* alive;
  bool odd;  // a reference of what is not alive
};
Seen seen;

void look(const Event& event) {
  ++seen.count[static_cast<unsigned>(event.kind)];
  if (event.kind == EventKind::kLock) ++seen.depth;
  if (event.kind == EventKind::kUnlock) --seen.depth;
  if (event.kind == EventKind::kOpen) seen.alive->insert(event.object);
  if (event.kind == EventKind::kGet || event.kind == EventKind::kPut)
    seen.odd |= !seen.alive->contains(event.object);
  if (event.kind == EventKind::kClose) seen.alive->erase(event.object);
}

class Looking {
 public:
  Looking() {
    seen = {};
    seen.alive = &alive_;
    sched::set_observer(look);
  }
  ~Looking() { sched::set_observer(nullptr); }
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

 private:
  std::set<uint32_t> alive_;
};

uint64_t seen_of(EventKind kind) { return seen.count[static_cast<unsigned>(kind)]; }

std::vector<program::Program> seeds() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(FENCEBENCH_CORPUS "/userq_fuzzer"))
    if (entry.path().extension() == ".fence") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<program::Program> programs;
  for (const std::filesystem::path& file : files) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    auto parsed = program::parse(text.str());
    EXPECT_TRUE(std::holds_alternative<program::Program>(parsed)) << file;
    programs.push_back(std::get<program::Program>(std::move(parsed)));
  }
  return programs;
}

TEST(Observer, ARunIsTheSameWithOneAndWithout) {
  const std::vector<program::Program> programs = seeds();
  EXPECT_GT(programs.size(), 20u);
  for (const program::Program& p : programs) {
    const sched::Trace without = program::run(p);
    sched::Trace with;
    {
      const Looking looking;
      with = program::run(p);
      EXPECT_EQ(seen_of(EventKind::kPoint), with.points);
      EXPECT_EQ(seen_of(EventKind::kSwitch), with.switches);
    }
    EXPECT_EQ(with.hash, without.hash) << program::to_text(p);
    EXPECT_EQ(with.points, without.points);
    EXPECT_EQ(program::run(p).hash, without.hash);
  }
}

TEST(Observer, WhatIsTakenIsGivenBackAndWhatBeginsEnds) {
  for (const program::Program& p : seeds()) {
    const Looking looking;
    program::run(p);
    EXPECT_EQ(seen.depth, 0) << program::to_text(p);
    EXPECT_TRUE(seen.alive->empty()) << program::to_text(p);
    EXPECT_FALSE(seen.odd);
    EXPECT_EQ(seen_of(EventKind::kLock), seen_of(EventKind::kUnlock));
    EXPECT_EQ(seen_of(EventKind::kOpen), seen_of(EventKind::kClose));
    EXPECT_EQ(seen_of(EventKind::kStart), seen_of(EventKind::kEnd));
    EXPECT_EQ(seen_of(EventKind::kIrqEnter), seen_of(EventKind::kIrqExit));
    EXPECT_EQ(seen_of(EventKind::kOperation), seen_of(EventKind::kResult));
    const auto on_threads = std::count_if(p.ops.begin(), p.ops.end(), [](const program::Op& op) {
      return op.lane != program::kIrqLane;
    });
    EXPECT_EQ(seen_of(EventKind::kOperation), static_cast<uint64_t>(on_threads));
  }
}

TEST(Observer, TheSeedsShowEveryKindOfEvent) {
  bool any[32] = {};
  for (const program::Program& p : seeds()) {
    const Looking looking;
    program::run(p);
    for (unsigned i = 0; i < 32; ++i) any[i] |= seen.count[i] > 0;
  }
  for (unsigned i = 0; i <= static_cast<unsigned>(EventKind::kResult); ++i)
    EXPECT_TRUE(any[i]) << "kind " << i;
}

}  // namespace
