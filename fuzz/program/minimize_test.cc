#include "fuzz/program/minimize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <variant>

#include "fuzz/program/codec.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/mutate.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {
namespace {

Program parsed(std::string_view text) {
  auto result = parse(text);
  const auto* error = std::get_if<ParseError>(&result);
  EXPECT_EQ(error, nullptr) << error->line << ": " << error->message;
  return error == nullptr ? std::get<Program>(result) : Program{};
}

std::string minimized(std::string_view text, const Predicate& holds) {
  return to_text(minimize(parsed(text), holds).input);
}

// Whether operations of these kinds stand in the program in this order, with others between them.
bool has(const Program& program, std::initializer_list<OpKind> kinds) {
  auto next = kinds.begin();
  for (const Op& op : program.ops) {
    if (next != kinds.end() && op.kind == *next) next++;
  }
  return next == kinds.end();
}

Program noise(uint64_t seed) {
  Rng rng(seed);
  Program program = random_program(rng);
  for (int i = 0; i < 30; i++) mutate(program, rng);
  return program;
}

constexpr const char* kBusy =
    "device cpus=4 seq64=7\n"
    "process p1: t3\n"
    "t5: E = queue_create sdma doorbell=7 page=3 priority=2 secure\n"
    "t5: X = syncobj_create signaled\n"
    "t3: C = queue_create compute fail_alloc=12\n"
    "t5: signal E wptr=77 syncobjs=[X,Y,X] read=[K] fail_copy=3\n"
    "t7: wait C syncobjs=[X] num_fences=9 timeline=[Y,Z] points=[3,9] signal_pending\n"
    "irq: eop E cpu=3\n"
    "t3: gpu_write E rptr=1000000\n"
    "schedule: 31>t3 4>irq 2>t5 700>worker\n";

TEST(Minimize, KeepsNothingThatIsNotNeeded) {
  EXPECT_EQ(minimized(kBusy, [](const Program&) { return true; }), "device cpus=1 seq64=64\n");
}

TEST(Minimize, KeepsOperationsInTheirSimplestForm) {
  auto holds = [](const Program& program) {
    return has(program, {OpKind::kQueueCreate, OpKind::kWait});
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=1 seq64=64\n"
            "t0: A = queue_create gfx\n"
            "t0: wait A\n");
}

TEST(Minimize, KeepsTheFaultThatIsNeededAndNoLaterOne) {
  auto holds = [](const Program& program) {
    return std::any_of(program.ops.begin(), program.ops.end(), [](const Op& op) {
      return op.kind == OpKind::kQueueCreate && op.faults.fail_alloc >= 5;
    });
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=1 seq64=64\n"
            "t0: A = queue_create gfx fail_alloc=5\n");
}

TEST(Minimize, KeepsWhatAListNeeds) {
  auto holds = [](const Program& program) {
    return std::any_of(program.ops.begin(), program.ops.end(), [](const Op& op) {
      return op.kind == OpKind::kSignal && SlotList::size(op.args[2]) >= 2 &&
             SlotList::at(op.args[2], 0) != SlotList::at(op.args[2], 1);
    });
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=1 seq64=64\n"
            "t0: signal A syncobjs=[S,T]\n");
}

TEST(Minimize, NumbersBecomeTheSmallestThatWillDo) {
  auto holds = [](const Program& program) {
    return std::any_of(program.ops.begin(), program.ops.end(), [](const Op& op) {
      return op.kind == OpKind::kGpuWrite && op.args[1] >= 4321;
    });
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=1 seq64=64\n"
            "t0: gpu_write A rptr=4321\n");
}

TEST(Minimize, KeepsTheLanesThatMustDiffer) {
  auto holds = [](const Program& program) {
    for (const Op& a : program.ops) {
      for (const Op& b : program.ops) {
        if (a.kind == OpKind::kSignal && b.kind == OpKind::kWait && a.lane != b.lane &&
            program.device.cpus >= 2)
          return true;
      }
    }
    return false;
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=2 seq64=64\n"
            "t0: signal A\n"
            "t1: wait A\n");
}

TEST(Minimize, ThreadsThatAreRenumberedKeepTheirProcess) {
  auto holds = [](const Program& program) {
    return std::any_of(program.ops.begin(), program.ops.end(), [&](const Op& op) {
      return op.kind == OpKind::kGpuWrite && op.lane < kThreads &&
             (program.device.second_process >> op.lane & 1) != 0;
    });
  };
  EXPECT_EQ(minimized(kBusy, holds),
            "device cpus=1 seq64=64\n"
            "process p1: t0\n"
            "t0: gpu_write A\n");
}

TEST(Minimize, MergesLanesInTheOrderInWhichTheyRan) {
  // t1 runs behind t0, whatever the order in the file.
  auto holds = [](const Program& program) {
    std::vector<OpKind> order;
    for (unsigned lane = 0; lane < kThreads; lane++) {
      for (const Op& op : program.ops) {
        if (op.lane == lane) order.push_back(op.kind);
      }
    }
    return order == std::vector{OpKind::kSuspend, OpKind::kResume, OpKind::kFileClose};
  };
  EXPECT_EQ(minimized("t1: file_close\nt0: suspend\nt0: resume\n", holds),
            "device cpus=1 seq64=64\n"
            "t0: suspend\n"
            "t0: resume\n"
            "t0: file_close\n");
}

TEST(Minimize, MergesLanesOfWhichOneRanInTheMiddleOfTheOther) {
  // t0 lets t1 in behind its second operation.
  auto holds = [](const Program& program) {
    std::vector<OpKind> order;
    unsigned of_first = 0;
    auto add = [&](unsigned lane) {
      for (const Op& op : program.ops) {
        if (op.lane != lane) continue;
        order.push_back(op.kind);
        if (lane == 0 && ++of_first == 2) {
          for (const Op& other : program.ops)
            if (other.lane == 1) order.push_back(other.kind);
        }
      }
    };
    add(0);
    return order == std::vector{OpKind::kSuspend, OpKind::kResume, OpKind::kFileClose,
                                OpKind::kFileOpen, OpKind::kKill};
  };
  EXPECT_EQ(minimized("t0: suspend\nt0: resume\nt0: kill\nt1: file_close\nt1: file_open\n", holds),
            "device cpus=1 seq64=64\n"
            "t0: suspend\n"
            "t0: resume\n"
            "t0: file_close\n"
            "t0: file_open\n"
            "t0: kill\n");
}

TEST(Minimize, OperationsThatComeInPairsGoInPairs) {
  auto holds = [](const Program& program) {
    auto count = [&](OpKind kind) {
      return std::count_if(program.ops.begin(), program.ops.end(),
                           [&](const Op& op) { return op.kind == kind; });
    };
    return count(OpKind::kWait) > 0 && count(OpKind::kSuspend) == count(OpKind::kResume);
  };
  EXPECT_EQ(minimized("t0: suspend\nt0: wait A\nt0: wait B\nt0: resume\n", holds),
            "device cpus=1 seq64=64\nt0: wait A\n");
}

TEST(Minimize, VariablesAreNamedByTheFirstLetters) {
  auto holds = [](const Program& program) {
    return program.ops.size() == 4 && program.ops[0].args[0] == program.ops[3].args[0] &&
           program.ops[1].args[0] == program.ops[2].args[0] &&
           program.ops[0].args[0] != program.ops[1].args[0];
  };
  EXPECT_EQ(minimized("t0: H = queue_create gfx\n"
                      "t0: B = queue_create gfx\n"
                      "t0: queue_free B\n"
                      "t0: queue_free H\n",
                      holds),
            "device cpus=1 seq64=64\n"
            "t0: A = queue_create gfx\n"
            "t0: B = queue_create gfx\n"
            "t0: queue_free B\n"
            "t0: queue_free A\n");
}

TEST(Minimize, KeepsThePreemptionsThatAreNeeded) {
  auto holds = [](const Program& program) {
    unsigned long_ones = 0;
    for (const Preemption& preemption : program.schedule) long_ones += preemption.after >= 17;
    return long_ones >= 2;
  };
  Program program = minimize(parsed(kBusy), holds).input;
  EXPECT_TRUE(program.ops.empty());
  ASSERT_EQ(program.schedule.size(), 2u);
  EXPECT_EQ(program.schedule[0].after, 17u);
  EXPECT_EQ(program.schedule[1].after, 17u);
}

TEST(Minimize, PreemptionsBehindOneThatGoesComeWhenTheyCame) {
  // t1 at the hundredth point.
  auto holds = [](const Program& program) {
    uint64_t position = 0;
    for (const Preemption& preemption : program.schedule) {
      position += preemption.after;
      if (position == 100 && preemption.to == Target{1}) return true;
    }
    return false;
  };
  EXPECT_EQ(minimized("schedule: 20>t3 30>irq 7>t2 9>t5 34>t1 8>t2\n", holds),
            "device cpus=1 seq64=64\nschedule: 100>t1\n");
}

// --- schedules that count points ---

// Threads whose operations take some points each, run by the rules of the executor: on until the
// end or a preemption, then the lowest one that has something left.
struct Simulation {
  reduce::Points points;                               // of the whole run
  std::vector<std::pair<OpKind, uint32_t>> preempted;  // in which operation, at which point of it
};

uint32_t points_in(const Op& op) {
  return 3 + 2 * static_cast<unsigned>(op.kind) + (op.args[1] & 7);
}

Simulation simulate(const Program& program) {
  Simulation run;
  std::vector<uint32_t> done(program.ops.size());
  auto next_of = [&](size_t lane) {
    for (size_t i = 0; i < program.ops.size(); i++) {
      if (program.ops[i].lane == lane && done[i] < points_in(program.ops[i])) return i;
    }
    return program.ops.size();
  };
  size_t lane = 0;
  size_t decision = 0;
  uint64_t now = 0;
  uint64_t at = program.schedule.empty() ? 0 : program.schedule[0].after;
  for (;;) {
    for (size_t other = 0; next_of(lane) == program.ops.size(); other++) {
      if (other == kLanes) return run;
      lane = other;
    }
    const size_t op = next_of(lane);
    const auto tag = static_cast<uint32_t>(op + 1);
    if (run.points.empty() || run.points.back().op != tag) run.points.push_back({tag, 0});
    run.points.back().points++;
    done[op]++;
    if (decision == program.schedule.size() || ++now < at) continue;
    const auto to = static_cast<size_t>(program.schedule[decision].to);
    if (to < kLanes && to != lane && next_of(to) != program.ops.size()) {
      run.preempted.emplace_back(program.ops[op].kind, done[op]);
      lane = to;
    }
    if (++decision < program.schedule.size()) at = now + program.schedule[decision].after;
  }
}

// t1 is let in at the fifth point of a wait, and t0 again at the fourth of a signal.
bool interleaves(const Program& program) {
  const auto preempted = simulate(program).preempted;
  auto at = std::find(preempted.begin(), preempted.end(), std::pair{OpKind::kWait, 5u});
  return std::find(at, preempted.end(), std::pair{OpKind::kSignal, 4u}) != preempted.end();
}

constexpr const char* kInterleaved =
    "device cpus=1 seq64=64\n"
    "t0: wait A\n"
    "t1: signal A\n"
    "schedule: 5>t1 4>t0\n";

// kInterleaved with operations around and in between, which the schedule counts.
Program padded_interleaving(uint64_t seed) {
  Rng rng(seed);
  for (;;) {
    Program program = parsed(kInterleaved);
    for (unsigned n = 1 + rng.below(12); n > 0; n--) {
      Op op{.kind = static_cast<OpKind>(rng.below(kOpKinds)), .args = {}, .faults = {}};
      op.lane = static_cast<uint8_t>(rng.below(3));
      program.ops.insert(program.ops.begin() + rng.below(program.ops.size() + 1), op);
    }
    auto after_up_to = [&](OpKind kind, uint32_t nth, uint64_t from) {
      auto op = std::find_if(program.ops.begin(), program.ops.end(),
                             [&](const Op& candidate) { return candidate.kind == kind; });
      const auto tag = static_cast<uint32_t>(op - program.ops.begin()) + 1;
      return static_cast<uint32_t>(reduce::position_of(simulate(program).points, {tag, nth}) -
                                   from);
    };
    program.schedule.clear();
    const uint32_t first = after_up_to(OpKind::kWait, 5, 0);
    program.schedule = {{first, Target{1}}};
    program.schedule.push_back({after_up_to(OpKind::kSignal, 4, first), Target{0}});
    if (interleaves(program)) return program;
  }
}

TEST(MinimizeSchedule, DoesNotPinOperationsThatItOnlyCounts) {
  auto points = [](const Program& program) { return simulate(program).points; };
  for (uint64_t seed = 0; seed < 60; seed++) {
    Program program = padded_interleaving(seed);
    auto result = minimize(program, interleaves, points);
    EXPECT_TRUE(result.minimal);
    EXPECT_EQ(to_text(result.input), kInterleaved) << to_text(program);
  }
}

TEST(MinimizeSchedule, WithoutPointsAFewShorterWaitsAreTried) {
  // resume and file_open take three points more than they have to wait for.
  auto holds = [](const Program& program) {
    return has(program, {OpKind::kWait}) && program.schedule.size() == 1 &&
           program.schedule[0].after == 3 + 12 * (program.ops.size() - 1);
  };
  EXPECT_EQ(minimized("t0: resume\nt0: file_open\nt0: wait A\nschedule: 27>t1\n", holds),
            "device cpus=1 seq64=64\nt0: wait A\nschedule: 3>t1\n");
}

TEST(MinimizeSchedule, AnchorsArePointsOfOperations) {
  const reduce::Points points = {{1, 10}, {2, 5}, {0, 2}, {1, 4}};
  EXPECT_EQ(reduce::count(points), 21u);
  EXPECT_EQ(reduce::anchor_at(points, 10), (reduce::Anchor{1, 10}));
  EXPECT_EQ(reduce::anchor_at(points, 11), (reduce::Anchor{2, 1}));
  EXPECT_EQ(reduce::anchor_at(points, 18), (reduce::Anchor{1, 11}));
  EXPECT_EQ(reduce::anchor_at(points, 22), reduce::Anchor{});
  for (uint64_t position = 1; position <= 21; position++)
    EXPECT_EQ(reduce::position_of(points, reduce::anchor_at(points, position)), position);
  EXPECT_EQ(reduce::position_of(points, {2, 9}), 15u) << "its last point";
  EXPECT_EQ(reduce::position_of(points, {3, 1}), 0u);
}

TEST(MinimizeSchedule, CandidatesRememberWhereTheirPartsComeFrom) {
  reduce::Candidate<Program> candidate(
      parsed("t0: suspend\nt0: resume\nt0: kill\nt0: rest\nschedule: 5>t1 0>t2 7>t3 9>t4\n"));
  candidate.drop_ops(1, 2);
  candidate.move_op(2, 0);
  EXPECT_EQ(candidate.ops, (std::vector<size_t>{3, 0, 2}));
  EXPECT_EQ(candidate.input.ops[0].kind, OpKind::kRest);
  candidate.drop_preemptions(1, 3, true);  // 0 waits for a point, too
  EXPECT_EQ(candidate.preemptions, (std::vector<size_t>{0, 3}));
  EXPECT_EQ(candidate.input.schedule[1], (Preemption{17, Target{4}}));
  candidate.drop_preemptions(0, 1, false);
  EXPECT_EQ(candidate.input.schedule[0].after, 17u);
}

TEST(MinimizeSchedule, SimplerNumbersBeginWithThePreset) {
  using Numbers = std::vector<uint64_t>;
  EXPECT_EQ(reduce::simpler_numbers(0), Numbers{});
  EXPECT_EQ(reduce::simpler_numbers(4, 4), Numbers{});
  EXPECT_EQ(reduce::simpler_numbers(2, 4), (Numbers{4, 0, 1}));
  EXPECT_EQ(reduce::simpler_numbers(10), (Numbers{0, 1, 2, 3, 4, 6, 8, 9}));
  for (uint64_t number : {uint64_t{65535}, uint64_t{257}, uint64_t{5}})
    EXPECT_EQ(reduce::simpler_numbers(number).back(), number - 1);
  EXPECT_LE(reduce::simpler_numbers(UINT64_MAX).size(), 24u);
}

// --- any predicate ---

// Holds for about one program in three, and for `always`: nothing follows from anything.
Predicate moody(const Program& always, uint64_t salt) {
  return [always, salt](const Program& program) {
    uint64_t hash = salt;
    for (uint8_t byte : encode(program)) hash = Rng(hash ^ byte).next();
    return hash % 3 == 0 || program == always;
  };
}

// Needs some of the kinds of operations that `from` has, and a preemption if it has any.
Predicate monotone(const Program& from, uint64_t salt) {
  std::set<OpKind> needed;
  for (const Op& op : from.ops) {
    if (Rng(salt + static_cast<uint64_t>(op.kind)).percent(30)) needed.insert(op.kind);
  }
  const bool preempted = !from.schedule.empty();
  return [needed, preempted](const Program& program) {
    auto there = [&](OpKind kind) {
      return std::any_of(program.ops.begin(), program.ops.end(),
                         [&](const Op& op) { return op.kind == kind; });
    };
    return std::all_of(needed.begin(), needed.end(), there) &&
           (!preempted || !program.schedule.empty());
  };
}

void check_promises(const Program& program, const Predicate& holds) {
  std::set<std::vector<uint8_t>> asked;
  auto counted = [&](const Program& candidate) {
    EXPECT_TRUE(is_valid(candidate)) << to_text(candidate);
    const bool answer = holds(candidate);
    EXPECT_TRUE(asked.insert(encode(candidate)).second || answer) << "asked twice";
    return answer;
  };
  auto result = minimize(program, counted);
  ASSERT_TRUE(result.minimal);
  ASSERT_TRUE(holds(result.input));
  ASSERT_LE(result.input.ops.size(), program.ops.size());
  for (const Program& simpler : steps(result.input))
    ASSERT_FALSE(holds(simpler)) << to_text(result.input) << "could be\n" << to_text(simpler);
  auto again = minimize(program, holds);
  ASSERT_EQ(again.input, result.input);
  ASSERT_EQ(again.questions, result.questions);
  ASSERT_EQ(minimize(result.input, holds).input, result.input);
}

TEST(Minimize, PromisesHoldForMonotonePredicates) {
  for (uint64_t seed = 0; seed < 25; seed++) {
    Program program = noise(seed);
    check_promises(program, monotone(program, seed));
  }
}

TEST(Minimize, PromisesHoldForPredicatesWithoutRhymeOrReason) {
  for (uint64_t seed = 0; seed < 40; seed++) {
    Program program = noise(seed);
    check_promises(program, moody(program, seed));
  }
}

// Only the original will do: every step there is gets tried.
TEST(Minimize, WhatIsMinimalStaysAsItIs) {
  for (uint64_t seed = 0; seed < 10; seed++) {
    Program program = noise(seed);
    auto result = minimize(program, [&](const Program& other) { return other == program; });
    EXPECT_EQ(result.input, program);
    EXPECT_TRUE(result.minimal);
    EXPECT_GE(result.questions, program.ops.size() + program.schedule.size());
  }
}

TEST(Minimize, EachStepIsSimplerAndValid) {
  for (uint64_t seed = 0; seed < 10; seed++) {
    Program program = noise(seed);
    for (const Program& simpler : steps(program)) {
      ASSERT_TRUE(is_valid(simpler)) << to_text(simpler);
      ASSERT_NE(simpler, program);
      ASSERT_LE(simpler.ops.size(), program.ops.size());
    }
    // What the header promises, looked for without the list of steps.
    auto all = steps(program);
    for (size_t i = 0; i < program.ops.size(); i++) {
      Program shorter = program;
      shorter.ops.erase(shorter.ops.begin() + static_cast<ptrdiff_t>(i));
      ASSERT_NE(std::find(all.begin(), all.end(), shorter), all.end());
      Program clean = program;
      clean.ops[i].faults.fail_alloc = 0;
      ASSERT_TRUE(clean == program || std::find(all.begin(), all.end(), clean) != all.end());
    }
    for (size_t i = 0; i < program.schedule.size(); i++) {
      Program shorter = program;
      shorter.schedule.erase(shorter.schedule.begin() + static_cast<ptrdiff_t>(i));
      ASSERT_NE(std::find(all.begin(), all.end(), shorter), all.end());
    }
  }
}

TEST(Minimize, TheLimitEndsItWithTheBestSoFar) {
  const Program program = parsed(kBusy);
  auto holds = [](const Program& p) { return has(p, {OpKind::kQueueCreate, OpKind::kWait}); };
  auto result = minimize(program, holds, {}, {.questions = 5, .stop = {}});
  EXPECT_FALSE(result.minimal);
  EXPECT_EQ(result.questions, 5u);
  EXPECT_TRUE(holds(result.input));
  unsigned asked = 0;
  result = minimize(program, holds, {}, {.stop = [&] { return ++asked > 3; }});
  EXPECT_FALSE(result.minimal);
  EXPECT_EQ(result.questions, 3u);
}

}  // namespace
}  // namespace program
