// Bounded search over whole programs: what pruning leaves out must be nothing new.
//
// FENCEBENCH_EXPLORE_PROGRAMS=2000 takes so many programs instead of those that the suite has time
// for, FENCEBENCH_EXPLORE_OPERATIONS and FENCEBENCH_EXPLORE_PREEMPTIONS make each larger, and
// FENCEBENCH_EXPLORE_LIMIT passes over fewer of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <variant>

#include "core/sched/explorer.h"
#include "core/sched/observer.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/run.h"
#include "fuzz/program/text.h"

namespace {

using program::Program;
using program::Swarm;

// What came of a run, whatever the order in which it came: results, states, references.
uint64_t outcome;

uint64_t mix(uint64_t hash, uint64_t value) {
  const uint64_t h = ((hash << 23 | hash >> 41) ^ value) * 0x9e3779b97f4a7c15;
  return h ^ (h >> 29);
}
uint64_t mix(uint64_t hash, const char* text) {
  for (; text != nullptr && *text != 0; ++text) hash = mix(hash, static_cast<uint64_t>(*text));
  return hash;
}

void note(const sched::Event& event) {
  uint64_t hash = static_cast<uint64_t>(event.kind) + 1;
  switch (event.kind) {
    case sched::EventKind::kResult:
      hash = mix(mix(hash, event.tag), static_cast<uint64_t>(event.value));
      break;
    case sched::EventKind::kState:
    case sched::EventKind::kGet:
    case sched::EventKind::kPut:
    case sched::EventKind::kMove:
      hash = mix(mix(mix(hash, event.what), event.role), event.from_role);
      break;
    default:
      return;
  }
  outcome += hash;
}

struct Walk {
  std::set<uint64_t> outcomes;
  uint64_t runs = 0;
  bool complete = false;
};

Walk walk(const Program& program, unsigned preemptions, bool prune, uint64_t limit) {
  using sched::bit;
  using sched::EventKind;
  Walk result;
  sched::set_observer(note, bit(EventKind::kResult) | bit(EventKind::kState) |
                                bit(EventKind::kGet) | bit(EventKind::kPut) |
                                bit(EventKind::kMove));
  sched::Explorer explorer(preemptions, prune);
  sched::Decider* decider = explorer.next();
  for (; decider != nullptr && explorer.runs() <= limit; decider = explorer.next()) {
    outcome = 0;
    program::run(program, decider);
    result.outcomes.insert(outcome);
  }
  sched::set_observer(nullptr);
  result.runs = explorer.runs();
  result.complete = decider == nullptr;
  return result;
}

// A few operations on three threads.
Program small_program(uint64_t operations, const Swarm& swarm, program::Rng& rng) {
  Program p;
  while (p.ops.size() < operations) program::insert_random_op(p, rng, swarm);
  p.ops.resize(operations);
  p.schedule.clear();
  for (program::Op& op : p.ops)
    if (op.lane != program::kIrqLane) op.lane = static_cast<uint8_t>(rng.below(3));
  return p;
}

struct Extent {
  uint64_t programs;
  uint64_t operations;  // of each
  unsigned preemptions;
  uint64_t limit;  // programs with more schedules without pruning are passed over
};

// Returns how many programs had several outcomes, so that there was something to lose.
uint64_t compare(const Extent& extent, const Swarm& swarm) {
  uint64_t plain_runs = 0, pruned_runs = 0, compared = 0, several = 0;
  for (uint64_t seed = 1; seed <= extent.programs; ++seed) {
    program::Rng rng(seed);
    const Program p = small_program(extent.operations, swarm, rng);
    const Walk plain = walk(p, extent.preemptions, false, extent.limit);
    if (!plain.complete) continue;
    const Walk pruned = walk(p, extent.preemptions, true, extent.limit);
    EXPECT_EQ(plain.outcomes, pruned.outcomes) << "seed " << seed << "\n" << program::to_text(p);
    EXPECT_LE(pruned.runs, plain.runs);
    plain_runs += plain.runs;
    pruned_runs += pruned.runs;
    ++compared;
    several += plain.outcomes.size() > 1;
  }
  std::printf("%llu programs, %llu with several outcomes; %llu schedules, %llu with pruning\n",
              static_cast<unsigned long long>(compared), static_cast<unsigned long long>(several),
              static_cast<unsigned long long>(plain_runs),
              static_cast<unsigned long long>(pruned_runs));
  return several;
}

// What programs share outside of the driver: variables, and who has the file open.
TEST(Explore, PruningKnowsWhatProgramsShare) {
  for (const char* text : {
           "t0: gpu_write A\nt0: query [S]\nt1: kill\n",
           "t0: gpu_write A\nt0: query [S]\nt1: file_close\n",
           "process p1: t1\nt0: gpu_write A\nt0: bo_close I\nt1: bo_close P\nt1: I = bo_create\n",
       }) {
    const auto parsed = program::parse(text);
    const Program& p = std::get<Program>(parsed);
    const Walk plain = walk(p, 1, false, 10'000);
    EXPECT_GT(plain.outcomes.size(), 1u) << text;
    EXPECT_EQ(walk(p, 1, true, 10'000).outcomes, plain.outcomes) << text;
  }
}

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Explore, PruningLosesNoOutcome) {
  const Extent extent{
      .programs = number("FENCEBENCH_EXPLORE_PROGRAMS", 50),
      .operations = number("FENCEBENCH_EXPLORE_OPERATIONS", 5),
      .preemptions = static_cast<unsigned>(number("FENCEBENCH_EXPLORE_PREEMPTIONS", 1)),
      .limit = number("FENCEBENCH_EXPLORE_LIMIT", 1000)};
  EXPECT_GE(compare(extent, program::usual_swarm()), 20u);
}

// Those with few scheduling points have few schedules even with two preemptions.
Swarm short_operations() {
  using enum program::OpKind;
  Swarm swarm = program::usual_swarm();
  for (uint32_t& weight : swarm.weight) weight = 0;
  for (const program::OpKind kind :
       {kSyncobjCreate, kSyncobjDestroy, kSyncobjReset, kSyncobjSignal, kTimelineSignal, kTransfer,
        kQuery, kSyncobjWait, kTimelineWait, kEventfd, kImport, kCopyFence, kBoCreate, kBoClose})
    swarm.weight[static_cast<unsigned>(kind)] = 1;
  return swarm;
}

TEST(Explore, PruningLosesNoOutcomeOfTwoPreemptions) {
  const Extent extent{.programs = 60, .operations = 3, .preemptions = 2, .limit = 500};
  EXPECT_GE(compare(extent, short_operations()), 5u);
}

}  // namespace
