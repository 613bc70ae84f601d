// Determinism: a run depends on its program and on nothing else.
#include "fuzz/program/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/kernel/slab.h"
#include "fuzz/program/codec.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/text.h"

namespace {

using program::Program;

std::vector<Program> random_programs(unsigned count) {
  std::vector<Program> programs;
  program::Rng rng(1);
  for (unsigned i = 0; i < count; ++i) programs.push_back(program::random_program(rng));
  return programs;
}

std::vector<uint64_t> hashes_in_order(const std::vector<Program>& programs,
                                      const std::vector<size_t>& order) {
  std::vector<uint64_t> hashes(programs.size());
  for (size_t i : order) hashes[i] = program::run(programs[i]).hash;
  return hashes;
}

TEST(Run, TraceDoesNotDependOnWhatRanBefore) {
  const std::vector<Program> programs = random_programs(300);
  std::vector<size_t> order(programs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::vector<uint64_t> forwards = hashes_in_order(programs, order);
  std::reverse(order.begin(), order.end());
  EXPECT_EQ(hashes_in_order(programs, order), forwards);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[i * 7919 % i]);
  EXPECT_EQ(hashes_in_order(programs, order), forwards);
}

TEST(Run, TracesOfDifferentProgramsDiffer) {
  const std::vector<Program> programs = random_programs(50);
  std::vector<uint64_t> hashes;
  for (const Program& p : programs)
    if (p.ops.size() > 2) hashes.push_back(program::run(p).hash);
  std::sort(hashes.begin(), hashes.end());
  const auto distinct = std::unique(hashes.begin(), hashes.end()) - hashes.begin();
  // Programs that only differ in what the driver never looks at may agree.
  EXPECT_GT(static_cast<size_t>(distinct), hashes.size() * 9 / 10);
}

TEST(Run, DecodedBytesRunLikeTheProgram) {
  for (const Program& p : random_programs(100)) {
    const std::vector<uint8_t> bytes = program::encode(p);
    EXPECT_EQ(program::run(program::decode(bytes.data(), bytes.size())).hash, program::run(p).hash);
  }
}

TEST(Run, WhatARandomScheduleDidReplaysFromTheProgram) {
  unsigned replayed = 0;
  uint64_t seed = 0;
  for (Program p : random_programs(200)) {
    sched::RandomDecider random(++seed, 64);
    const uint64_t hash = program::run(p, &random).hash;
    unsigned count;
    const sched::Preemption* taken = sched::taken_preemptions(&count);
    if (count > program::kMaxPreemptions) continue;
    p.schedule.clear();
    for (unsigned i = 0; i < count; ++i)
      p.schedule.push_back({taken[i].after, static_cast<program::Target>(taken[i].to)});
    EXPECT_EQ(program::run(p).hash, hash) << program::to_text(p);
    ++replayed;
  }
  EXPECT_GT(replayed, 100u);
}

// Gives up the run at its second decision, as a suppressed deadlock does.
struct GiveUp final : sched::Decider {
  bool decided = false;

  uint32_t next() override {
    if (decided) sched::abandon();
    decided = true;
    return 8;
  }
  sched::Target decide(const sched::Choice&) override { return sched::Target::kThread0; }
};

TEST(Run, OneThatIsGivenUpLeavesNothingToTheNext) {
  unsigned given_up = 0;
  for (const Program& p : random_programs(100)) {
    const sched::Trace trace = program::run(p);
    GiveUp decider;
    given_up += program::run(p, &decider).points < trace.points;
    EXPECT_EQ(kernel::slab_live_objects(), 0u);
    EXPECT_EQ(program::run(p).hash, trace.hash) << program::to_text(p);
  }
  EXPECT_GT(given_up, 50u);
}

}  // namespace
