#include "fuzz/program/mutate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "fuzz/program/codec.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/mutate_bytes.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Mutate, IsAFunctionOfItsSeed) {
  for (uint64_t seed = 0; seed < 200; seed++) {
    Rng a(seed), b(seed);
    Program p = random_program(a), q = random_program(b);
    for (int i = 0; i < 20; i++) mutate(p, a), mutate(q, b);
    ASSERT_EQ(p, q);
    ASSERT_EQ(crossover(p, q, a), crossover(p, q, b));
  }
}

TEST(Mutate, StaysValidAndNearlyAlwaysChangesSomething) {
  Rng rng(11);
  int unchanged = 0, rounds = 0;
  for (int i = 0; i < 300; i++) {
    Program program;
    for (int k = 0; k < 300; k++, rounds++) {
      Program before = program;
      mutate(program, rng);
      ASSERT_TRUE(is_valid(program)) << to_text(program);
      unchanged += program == before;
    }
  }
  EXPECT_LT(unchanged, rounds / 20);
}

TEST(Mutate, SizesStayReasonable) {
  Rng rng(12);
  Program program;
  size_t total = 0, largest = 0;
  constexpr int kRounds = 50000;
  for (int i = 0; i < kRounds; i++) {
    mutate(program, rng);
    total += program.ops.size();
    largest = std::max(largest, program.ops.size());
  }
  EXPECT_LT(total / kRounds, 80u);
  EXPECT_LE(largest, kMaxOps);
}

TEST(Mutate, FullProgramsAreHandled) {
  Rng rng(13);
  Program program;
  while (insert_random_op(program, rng)) continue;
  while (insert_random_preemption(program, rng)) continue;
  for (int i = 0; i < 2000; i++) {
    Program mutant = program;
    mutate(mutant, rng);
    ASSERT_TRUE(is_valid(mutant));
    ASSERT_TRUE(is_valid(crossover(mutant, program, rng)));
  }
}

TEST(Crossover, StaysValid) {
  Rng rng(14);
  for (int i = 0; i < 20000; i++) {
    Program a = random_program(rng), b = random_program(rng);
    if (rng.percent(5)) a = Program{};
    if (rng.percent(5)) b = Program{};
    Program child = crossover(a, b, rng);
    ASSERT_TRUE(is_valid(child)) << to_text(child);
    ASSERT_LE(child.ops.size(), a.ops.size() + b.ops.size());
  }
}

TEST(Generate, ReachesEverything) {
  Rng rng(15);
  std::set<OpKind> kinds;
  std::set<Target> targets;
  std::set<unsigned> lanes, cpus;
  std::array<bool, 3> faults{};
  bool second_process = false, few_slots = false, large_number = false, full_list = false;
  for (int i = 0; i < 20000; i++) {
    Program program = random_program(rng);
    ASSERT_TRUE(is_valid(program)) << to_text(program);
    ASSERT_FALSE(program.ops.empty());
    for (const Op& op : program.ops) {
      kinds.insert(op.kind);
      lanes.insert(op.lane);
      faults[0] |= op.faults.fail_alloc > 0;
      faults[1] |= op.faults.fail_copy > 0;
      faults[2] |= op.faults.signal_pending;
      if (op.kind == OpKind::kSignal) large_number |= op.args[1] == UINT64_MAX;
      if (op.kind == OpKind::kWait) full_list |= SlotList::size(op.args[1]) > 3;
    }
    for (const Preemption& preemption : program.schedule) targets.insert(preemption.to);
    cpus.insert(program.device.cpus);
    second_process |= program.device.second_process != 0;
    few_slots |= program.device.seq64_slots == 1;
  }
  EXPECT_EQ(kinds.size(), kOpKinds);
  EXPECT_EQ(targets.size(), kTargets);
  EXPECT_EQ(lanes.size(), kLanes);
  EXPECT_EQ(cpus.size(), kMaxCpus);
  EXPECT_TRUE(faults[0] && faults[1] && faults[2] && second_process && few_slots && large_number &&
              full_list);
}

TEST(MutateBytes, FitsAndIsCanonical) {
  Rng rng(16);
  for (int i = 0; i < 30000; i++) {
    size_t max_size = rng.below(120);
    Bytes data(max_size + 1, 0xa5);
    size_t size = max_size ? rng.below(max_size) : 0;
    for (size_t k = 0; k < size; k++) data[k] = static_cast<uint8_t>(rng.next());
    size_t new_size = custom_mutate(data.data(), size, max_size, static_cast<unsigned>(rng.next()));
    ASSERT_LE(new_size, max_size);
    ASSERT_EQ(data[max_size], 0xa5) << "wrote beyond max_size";
    if (new_size < kHeaderSize) continue;
    Program program = decode(data.data(), new_size);
    ASSERT_EQ(encode(program),
              Bytes(data.begin(), data.begin() + static_cast<ptrdiff_t>(new_size)));
  }
}

TEST(MutateBytes, CrossoverFits) {
  Rng rng(17);
  for (int i = 0; i < 20000; i++) {
    Bytes a = encode(random_program(rng)), b = encode(random_program(rng));
    size_t max_size = rng.below(200);
    Bytes out(max_size + 1, 0xa5);
    size_t size = custom_crossover(a.data(), a.size(), b.data(), b.size(), out.data(), max_size,
                                   static_cast<unsigned>(rng.next()));
    ASSERT_LE(size, max_size);
    ASSERT_EQ(out[max_size], 0xa5) << "wrote beyond max_size";
    ASSERT_TRUE(is_valid(decode(out.data(), size)));
  }
}

TEST(MutateBytes, CutsTheEndOnly) {
  Program program;
  Rng rng(18);
  for (int i = 0; i < 40; i++) insert_random_op(program, rng);
  Bytes data = encode(program);
  size_t whole = data.size();
  size_t size = custom_mutate(data.data(), whole, whole / 2, 1);
  EXPECT_LE(size, whole / 2);
  EXPECT_GT(size, whole / 2 - 40) << "more was dropped than needed";
}

// A rough model of what operations do, enough to tell when a program leaks the references of the
// bug that the project starts from: a fence that is born signaled while its queue holds references
// collected by waits. It stands in for the driver and for coverage: lanes run one after the other,
// no preemption.
class Model {
 public:
  std::set<unsigned> features;  // operation kind and outcome
  bool leaked = false;

  explicit Model(const Program& program) {
    for (unsigned lane = 0; lane < kThreads; lane++) {
      for (const Op& op : program.ops) {
        if (op.lane == lane && !run(op)) break;  // the rest of the lane never runs
      }
    }
  }

 private:
  struct Queue {
    bool live = false;
    uint64_t slot = 0, last = 0;
    bool pending = false;
    unsigned collected = 0;
  };
  struct Syncobj {
    bool live = false, fence = false, stub = false;
  };

  void outcome(const Op& op, unsigned what) {
    features.insert(static_cast<unsigned>(op.kind) * 16 + what);
  }

  bool run(const Op& op) {
    Queue& queue = queues_[op.args[0] % kVars];
    Syncobj& syncobj = syncobjs_[op.args[0] % kVars];
    switch (op.kind) {
      case OpKind::kQueueCreate:
        outcome(op, static_cast<unsigned>(op.args[1]));
        if (op.args[1] != static_cast<uint64_t>(Ip::kNone)) queue = {true};
        break;
      case OpKind::kQueueFree:
        outcome(op, queue.live ? 1 + queue.pending : 0);
        if (queue.live && queue.pending) return false;
        queue.live = false;
        break;
      case OpKind::kSyncobjCreate:
        syncobj = {true, op.args[1] != 0, op.args[1] != 0};
        break;
      case OpKind::kSyncobjDestroy:
        syncobj = {};
        break;
      case OpKind::kSyncobjReset:
        syncobj.fence = false;
        break;
      case OpKind::kSyncobjSignal:
        syncobj.fence = syncobj.stub = syncobj.live;
        break;
      case OpKind::kGpuWrite:
        outcome(op, queue.live);
        queue.slot = op.args[1];
        queue.pending = queue.pending && queue.last > queue.slot;
        break;
      case OpKind::kSignal:
        signal(op, queue);
        break;
      case OpKind::kWait:
        wait(op, queue);
        break;
      default:
        break;
    }
    return true;
  }

  void signal(const Op& op, Queue& queue) {
    for (unsigned i = 0; i < SlotList::size(op.args[2]); i++) {
      if (!syncobjs_[SlotList::at(op.args[2], i)].live) return outcome(op, 1);
    }
    if (!queue.live) return outcome(op, 2);
    bool born_signaled = queue.slot >= op.args[1];
    leaked |= born_signaled && queue.collected;
    outcome(op,
            4 + born_signaled + 2 * (queue.collected > 0) + 4 * (SlotList::size(op.args[2]) > 0));
    queue.collected = 0;
    queue.last = op.args[1];
    queue.pending = !born_signaled;
    for (unsigned i = 0; i < SlotList::size(op.args[2]); i++) {
      syncobjs_[SlotList::at(op.args[2], i)] = {true, true, false};
    }
  }

  void wait(const Op& op, Queue& queue) {
    unsigned fences = 0, size = SlotList::size(op.args[1]);
    for (unsigned i = 0; i < size; i++) {
      const Syncobj& syncobj = syncobjs_[SlotList::at(op.args[1], i)];
      if (!syncobj.live) return outcome(op, 1);
      if (!syncobj.fence) return outcome(op, 2);
      fences += !syncobj.stub;
    }
    if (op.args[2] == 0) return outcome(op, size ? 3 : 4);
    if (!queue.live) return outcome(op, 5);
    if (fences) queue.collected++;
    outcome(op, fences ? 7 : 6);
  }

  std::array<Queue, kVars> queues_;
  std::array<Syncobj, kVars> syncobjs_;
};

// Like libFuzzer's loop: take an input, change it up to five times, run after each change, keep
// what is new. Half of the changes are crossovers.
int executions_until_leak(uint64_t seed) {
  Rng rng(seed);
  std::vector<Bytes> corpus(1);
  std::set<unsigned> seen;
  constexpr int kLimit = 100000;
  constexpr size_t kMaxSize = 4096;
  for (int executions = 0; executions < kLimit;) {
    Bytes input = corpus[rng.below(corpus.size())];
    for (int depth = 0; depth < 5; depth++) {
      unsigned mutation_seed = static_cast<unsigned>(rng.next());
      Bytes output = input;
      output.resize(kMaxSize);
      const Bytes& other = corpus[rng.below(corpus.size())];
      if (!input.empty() && !other.empty() && rng.percent(50)) {
        output.resize(custom_crossover(input.data(), input.size(), other.data(), other.size(),
                                       output.data(), kMaxSize, mutation_seed));
      } else {
        output.resize(custom_mutate(output.data(), input.size(), kMaxSize, mutation_seed));
      }
      input = output;
      executions++;
      Model model(decode(input.data(), input.size()));
      if (model.leaked) return executions;
      size_t before = seen.size();
      seen.insert(model.features.begin(), model.features.end());
      if (seen.size() == before) continue;
      corpus.push_back(input);
      break;
    }
  }
  return kLimit;
}

TEST(Mutate, FindsTheFirstBugFromNothing) {
  std::vector<int> executions;
  for (uint64_t seed = 1; seed <= 101; seed++) executions.push_back(executions_until_leak(seed));
  std::sort(executions.begin(), executions.end());
  std::string all;
  for (int n : executions) all += ' ' + std::to_string(n);
  EXPECT_LT(executions[executions.size() / 2], 300) << all;
  EXPECT_LT(executions.back(), 5000) << all;
}

}  // namespace
// Preemptions that are there stay at their places, and the new one comes at one of those asked for.
TEST(Generate, PlacedPreemptionLeavesTheOthersWhereTheyAre) {
  const uint32_t points[] = {3, 10, 57};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    Program program = random_program(rng);
    program.schedule = {{5, Target::kThread0}, {20, Target::kIrq}};
    ASSERT_TRUE(insert_placed_preemption(program, {points, 3}, rng));
    ASSERT_EQ(program.schedule.size(), 3u);
    std::vector<uint32_t> places;
    uint32_t at = 0;
    for (const Preemption& preemption : program.schedule) places.push_back(at += preemption.after);
    unsigned there = 0;
    for (uint32_t place : places) there += place == 5 || place == 25;
    EXPECT_EQ(there, 2u);
    EXPECT_TRUE(places[0] == 3 || places[1] == 10 || places[2] == 57);
    EXPECT_TRUE(is_valid(program));
  }
}

}  // namespace program
