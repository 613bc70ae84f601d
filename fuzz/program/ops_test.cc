#include "fuzz/program/ops.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/program/valid.h"

namespace program {
namespace {

TEST(Ops, TableIsConsistent) {
  std::set<std::string> names;
  for (unsigned i = 0; i < kOpKinds; i++) {
    const OpSpec& spec = op_spec(static_cast<OpKind>(i));
    ASSERT_NE(spec.name, nullptr) << "row " << i << " of ops.cc is missing";
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name << " stands twice in ops.cc";
    EXPECT_GT(spec.weight, 0u) << spec.name << " would never be inserted by the mutator";
    bool ended = false;
    unsigned results = 0;
    std::set<std::string> arguments = {"fail_alloc", "fail_copy", "signal_pending"};
    for (const ArgSpec& arg : spec.args) {
      EXPECT_FALSE(ended && arg.type != ArgType::kNone)
          << spec.name << " has a gap in its arguments";
      ended = arg.type == ArgType::kNone;
      results += is_result(arg.type);
      EXPECT_TRUE(arg_is_valid(arg.type, arg.preset)) << spec.name;
      if (arg.type == ArgType::kFlag) {
        EXPECT_NE(arg.name, nullptr) << "a flag is written by its name: " << spec.name;
      }
      if (is_result(arg.type)) {
        EXPECT_EQ(arg.name, nullptr) << spec.name;
      }
      if (arg.name) {
        EXPECT_TRUE(arguments.insert(arg.name).second) << spec.name << ' ' << arg.name;
      } else {
        EXPECT_EQ(arg.preset, 0u) << "only named arguments can be left out: " << spec.name;
      }
    }
    EXPECT_LE(results, 1u) << spec.name;
  }
}

TEST(Ops, SlotListKeepsOrderAndRepetitions) {
  uint64_t list = 0;
  const unsigned slots[SlotList::kMax] = {7, 0, 0, 3, 7, 1, 2, 6};
  for (unsigned slot : slots) list = SlotList::push(list, slot);
  ASSERT_EQ(SlotList::size(list), SlotList::kMax);
  for (unsigned i = 0; i < SlotList::kMax; i++) EXPECT_EQ(SlotList::at(list, i), slots[i]);
}

TEST(Valid, ListsWithRubbishInThem) {
  uint64_t list = SlotList::push(SlotList::push(0, 1), 5);
  EXPECT_TRUE(arg_is_valid(ArgType::kSyncobjList, 0));
  EXPECT_TRUE(arg_is_valid(ArgType::kSyncobjList, list));
  EXPECT_FALSE(arg_is_valid(ArgType::kSyncobjList, list | uint64_t{1} << 12)) << "beyond the end";
  EXPECT_FALSE(arg_is_valid(ArgType::kSyncobjList, list | uint64_t{8} << 4)) << "no such variable";
  EXPECT_FALSE(arg_is_valid(ArgType::kSyncobjList, 9)) << "too long";
}

TEST(Valid, EachLimit) {
  Program good;
  good.ops.push_back({OpKind::kEop, kIrqLane, {7, 3}, {}});
  good.schedule.push_back({kMaxAfter, Target::kWorker});
  EXPECT_TRUE(is_valid(good));

  auto broken = [&](auto change) {
    Program program = good;
    change(program);
    return !is_valid(program);
  };
  EXPECT_TRUE(broken([](Program& p) { p.device.cpus = 0; }));
  EXPECT_TRUE(broken([](Program& p) { p.device.cpus = kMaxCpus + 1; }));
  EXPECT_TRUE(broken([](Program& p) { p.device.seq64_slots = 0; }));
  EXPECT_TRUE(broken([](Program& p) { p.device.seq64_slots = kMaxSeq64Slots + 1; }));
  EXPECT_TRUE(broken([](Program& p) { p.ops.resize(kMaxOps + 1); }));
  EXPECT_TRUE(broken([](Program& p) { p.schedule.resize(kMaxPreemptions + 1); }));
  EXPECT_TRUE(broken([](Program& p) { p.ops[0].lane = kLanes; }));
  EXPECT_TRUE(broken([](Program& p) { p.ops[0].kind = OpKind::kSignal; })) << "signal on lane irq";
  EXPECT_TRUE(broken([](Program& p) { p.ops[0].kind = OpKind::kCount; }));
  EXPECT_TRUE(broken([](Program& p) { p.ops[0].args[0] = kVars; }));
  EXPECT_TRUE(broken([](Program& p) { p.ops[0].args[3] = 1; })) << "an unused argument";
  EXPECT_TRUE(broken([](Program& p) { p.schedule[0].after = kMaxAfter + 1; }));
  EXPECT_TRUE(broken([](Program& p) { p.schedule[0].to = static_cast<Target>(kTargets); }));
}

}  // namespace
}  // namespace program
