// Swarms: what they favour, and that programs and mutations keep to it.
#include "fuzz/program/swarm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <set>

#include "fuzz/program/generate.h"
#include "fuzz/program/mutate.h"
#include "fuzz/program/text.h"

namespace program {
namespace {

uint32_t weight_of(const Swarm& swarm, OpKind kind) {
  return swarm.weight[static_cast<unsigned>(kind)];
}

uint32_t total(const Swarm& swarm) {
  uint32_t sum = 0;
  for (uint32_t weight : swarm.weight) sum += weight;
  return sum;
}

// What the driver is about.
constexpr OpKind kCore[] = {OpKind::kQueueCreate,  OpKind::kQueueFree, OpKind::kSignal,
                            OpKind::kWait,         OpKind::kGpuWrite,  OpKind::kEop,
                            OpKind::kSyncobjCreate};

uint32_t core_total(const Swarm& swarm) {
  uint32_t sum = 0;
  for (OpKind kind : kCore) sum += weight_of(swarm, kind);
  return sum;
}

// Each of a few operations is as likely as any other.
bool is_any_few(const Swarm& swarm) {
  return *std::max_element(std::begin(swarm.weight), std::end(swarm.weight)) == 1;
}

Swarm only(std::initializer_list<OpKind> kinds, unsigned threads = 2) {
  Swarm swarm{};
  for (OpKind kind : kinds) swarm.weight[static_cast<unsigned>(kind)] = 1;
  swarm.threads = threads;
  swarm.preemptions = 12;
  return swarm;
}

std::set<OpKind> kinds_of(const Program& program) {
  std::set<OpKind> kinds;
  for (const Op& op : program.ops) kinds.insert(op.kind);
  return kinds;
}

TEST(Swarm, UsuallyWeightsAreThoseOfTheTable) {
  for (unsigned kind = 0; kind < kOpKinds; kind++)
    EXPECT_EQ(usual_swarm().weight[kind], op_spec(static_cast<OpKind>(kind)).weight);
}

TEST(Swarm, IsAFunctionOfItsSeed) {
  for (uint64_t seed = 0; seed < 500; seed++) {
    Rng a(seed), b(seed);
    const Swarm x = random_swarm(a), y = random_swarm(b);
    EXPECT_TRUE(std::equal(std::begin(x.weight), std::end(x.weight), std::begin(y.weight)));
    EXPECT_EQ(x.threads, y.threads);
    EXPECT_EQ(x.preemptions, y.preemptions);
    EXPECT_EQ(a.next(), b.next());
  }
}

TEST(Swarm, IsNeverWithoutOperationsOrThreads) {
  for (uint64_t seed = 0; seed < 20'000; seed++) {
    Rng rng(seed);
    const Swarm swarm = random_swarm(rng);
    ASSERT_GT(total(swarm), 0u) << "seed " << seed;
    ASSERT_GE(swarm.threads, 1u);
    ASSERT_LE(swarm.threads, kThreads);
    ASSERT_LT(swarm.preemptions, 100u);
  }
}

TEST(Swarm, MostlyFavoursTheDriverAndSometimesAnyFewOperationsOnSeveralThreads) {
  constexpr unsigned kSwarms = 5000;
  unsigned any_few = 0, without_others = 0;
  std::set<unsigned> in_some;
  for (uint64_t seed = 0; seed < kSwarms; seed++) {
    Rng rng(seed);
    const Swarm swarm = random_swarm(rng);
    for (unsigned kind = 0; kind < kOpKinds; kind++)
      if (swarm.weight[kind] > 0) in_some.insert(kind);
    if (is_any_few(swarm)) {
      any_few++;
      EXPECT_LE(total(swarm), kOpKinds * 2 / 3) << "seed " << seed;
      EXPECT_GE(swarm.threads, 2u);
      continue;
    }
    EXPECT_GT(core_total(swarm) * 2, total(swarm)) << "seed " << seed;
    EXPECT_LE(swarm.threads, 2u);
    for (OpKind kind : kCore) EXPECT_GT(weight_of(swarm, kind), 0u) << "seed " << seed;
    without_others += core_total(swarm) == total(swarm);
  }
  EXPECT_EQ(in_some.size(), kOpKinds);
  EXPECT_GT(any_few, kSwarms / 5);
  EXPECT_LT(any_few, kSwarms / 2);
  EXPECT_GT(without_others, kSwarms / 4);
}

// --- what comes of one ---

TEST(Swarm, OneOperationIsInsertedWithWhatItNeedsAndNothingElse) {
  using enum OpKind;
  for (uint64_t seed = 0; seed < 300; seed++) {
    Rng rng(seed);
    Program program;
    for (int i = 0; i < 10; i++) insert_random_op(program, rng, only({kGpuReset}));
    EXPECT_EQ(kinds_of(program), (std::set{kGpuReset}));
    program = {};
    for (int i = 0; i < 10; i++) insert_random_op(program, rng, only({kQueueFree}));
    for (OpKind kind : kinds_of(program)) EXPECT_TRUE(kind == kQueueFree || kind == kQueueCreate);
    EXPECT_TRUE(kinds_of(program).contains(kQueueFree));
  }
}

TEST(Swarm, ProgramsAndMutantsHaveNothingThatItLeavesOut) {
  using enum OpKind;
  const Swarm swarm = only({kEop, kTransfer, kSuspend, kBoMove});
  const std::set<OpKind> allowed = {kEop,         kTransfer, kSuspend,      kBoMove,
                                    kQueueCreate, kBoCreate, kSyncobjCreate};
  std::set<OpKind> seen;
  for (uint64_t seed = 0; seed < 300; seed++) {
    Rng rng(seed);
    Program program = seed % 2 ? random_program(rng, swarm) : Program{};
    for (int i = 0; i < 60; i++) mutate(program, rng, swarm);
    for (OpKind kind : kinds_of(program))
      ASSERT_TRUE(allowed.contains(kind)) << "seed " << seed << "\n" << to_text(program);
    seen.merge(kinds_of(program));
  }
  for (OpKind kind : {kEop, kTransfer, kSuspend, kBoMove}) EXPECT_TRUE(seen.contains(kind));
}

TEST(Swarm, ProgramsAreAFunctionOfItAndTheirSeed) {
  for (uint64_t seed = 0; seed < 200; seed++) {
    Rng a(seed), b(seed);
    const Swarm swarm = random_swarm(a);
    random_swarm(b);
    Program p = random_program(a, swarm), q = random_program(b, swarm);
    for (int i = 0; i < 20; i++) mutate(p, a, swarm), mutate(q, b, swarm);
    ASSERT_EQ(p, q);
  }
}

TEST(Swarm, OperationsAreSpreadOverItsThreads) {
  using enum OpKind;
  for (unsigned threads : {1u, 2u, 3u, 4u}) {
    unsigned on_lane[kThreads] = {}, ops = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
      Rng rng(seed);
      Program program;
      for (int i = 0; i < 8; i++)
        insert_random_op(program, rng, only({kResume, kSuspend}, threads));
      for (const Op& op : program.ops) on_lane[op.lane]++, ops++;
    }
    unsigned elsewhere = 0;
    for (unsigned lane = 0; lane < kThreads; lane++) {
      if (lane < threads) {
        EXPECT_GT(on_lane[lane], ops / 8) << "t" << lane << " of " << threads;
      } else {
        elsewhere += on_lane[lane];
      }
    }
    EXPECT_LT(elsewhere, ops / 6) << threads << " threads";
  }
}

TEST(Swarm, SaysHowOftenTheScheduleChanges) {
  Swarm swarm = only({OpKind::kSuspend});
  Rng rng(7);
  const Program original = random_program(rng, swarm);
  for (const unsigned percent : {0u, 100u}) {
    swarm.preemptions = percent;
    Program program = original;
    for (int i = 0; i < 200; i++) mutate(program, rng, swarm);
    EXPECT_EQ(program.schedule == original.schedule, percent == 0);
    EXPECT_EQ(program.ops == original.ops, percent == 100);
  }
}

}  // namespace
}  // namespace program
