#include "fuzz/program/codec.h"

#include <gtest/gtest.h>

#include "fuzz/program/generate.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {
namespace {

using Bytes = std::vector<uint8_t>;

Program decode(const Bytes& bytes) { return program::decode(bytes.data(), bytes.size()); }

TEST(Codec, ShortInputsAreEmptyPrograms) {
  EXPECT_EQ(program::decode(nullptr, 0), Program{});
  for (size_t size = 0; size <= kHeaderSize; size++) EXPECT_EQ(decode(Bytes(size, 0)), Program{});
  Program program = decode({1, 63, 0x0c});
  EXPECT_TRUE(program.ops.empty());
  EXPECT_EQ(program.device, (DeviceConfig{1, 1, 0x0c}));
}

TEST(Codec, Golden) {
  Program program;
  program.device = {4, 60, 2};
  Op wait{OpKind::kWait, 1, {1, SlotList::push(SlotList::push(0, 0), 7), 300}, {2, 0, true}};
  program.ops = {{OpKind::kEop, kIrqLane, {0, 3}, {}}, wait};
  program.schedule = {{200, Target::kIrq}};
  Bytes bytes = {3,    4,    2,                                               // device
                 10,   8,    0,    3,                                         // irq: eop A cpu=3
                 0x84, 1,    1,    2, 0, 7, 0xac, 0x02, 0, 0, 0, 0, 2, 0, 1,  // t1: wait B ...
                 0,    0xc8, 0x01, 8};                                        // 200>irq
  EXPECT_EQ(encode(program), bytes);
  EXPECT_EQ(decode(bytes), program);
}

TEST(Codec, NewOperationsLeaveOldEncodingsAlone) {
  // Byte 1 is the first operation, whatever else the table holds.
  Program program = decode({0, 0, 0, 1, 0, 0, 0, 0});
  ASSERT_EQ(program.ops.size(), 1u);
  EXPECT_EQ(program.ops[0], (Op{OpKind::kQueueCreate, 0, {}, {}}));
}

TEST(Codec, TruncatedRecordsReadZeros) {
  Program program;
  program.ops = {{OpKind::kSignal,
                  3,
                  {7, 0x123456789abcdef, SlotList::push(SlotList::push(0, 5), 6)},
                  {1, 2, true}}};
  program.schedule = {{70000, Target::kRcu}};
  Bytes bytes = encode(program);
  for (size_t size = kHeaderSize + 1; size < bytes.size(); size++) {
    Program cut = decode(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)));
    Bytes padded = bytes;
    std::fill(padded.begin() + static_cast<ptrdiff_t>(size), padded.end(), uint8_t{0});
    ASSERT_EQ(cut.ops.size(), 1u);
    EXPECT_EQ(cut.ops[0], decode(padded).ops[0]) << "cut at " << size;
    EXPECT_TRUE(is_valid(cut));
  }
}

TEST(Codec, OverlongNumbersEnd) {
  // Eleven continuation bytes: the number takes ten of them, the eleventh begins the syncobj list.
  Bytes bytes = {0, 0, 0, 3, 0, 0};
  bytes.insert(bytes.end(), 11, 0xff);
  Program program = decode(bytes);
  ASSERT_GE(program.ops.size(), 1u);
  EXPECT_EQ(program.ops[0].args[1], UINT64_MAX);
  EXPECT_EQ(SlotList::size(program.ops[0].args[2]), 0xff % 9u);
  // `after` is cut to 20 bits and takes three bytes at most.
  program = decode({0, 0, 0, 0, 0xff, 0xff, 0xff, 9});
  ASSERT_EQ(program.schedule.size(), 1u);
  EXPECT_EQ(program.schedule[0], (Preemption{kMaxAfter, Target::kRcu}));
}

TEST(Codec, NumberLimitsSurvive) {
  Program program;
  for (uint64_t value :
       {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX >> 1, UINT64_MAX - 1, UINT64_MAX}) {
    program.ops.push_back({OpKind::kSignal, 0, {0, value, 0}, {}});
    program.ops.push_back({OpKind::kWait, 0, {0, 0, value & 0xffff}, {}});
  }
  EXPECT_EQ(decode(encode(program)), program);
}

TEST(Codec, IrqLaneOnlyWhereItMayStand) {
  Program program = decode({0, 0, 0, 3, 8, 0, 1, 0, 0, 0, 10, 8, 0, 0});
  ASSERT_EQ(program.ops.size(), 2u);
  EXPECT_EQ(program.ops[0].lane, 0) << "signal on lane irq";
  EXPECT_EQ(program.ops[1].lane, kIrqLane) << "eop on lane irq";
}

TEST(Codec, ZeroFaultsAreNone) {
  Program program = decode({0, 0, 0, 0x80 | 11, 0, 0, 0, 2, 11, 1});
  ASSERT_EQ(program.ops.size(), 2u);
  EXPECT_EQ(program.ops[0].faults, Faults{});
  EXPECT_EQ(encode(program), (Bytes{0, 0, 0, 11, 0, 11, 1}));
}

TEST(Codec, PreemptionsStandAnywhere) {
  Program program = decode({0, 0, 0, 0, 5, 1, 11, 0, 0, 6, 2});
  EXPECT_EQ(program.ops.size(), 1u);
  EXPECT_EQ(program.schedule, (std::vector<Preemption>{{5, Target{1}}, {6, Target{2}}}));
  EXPECT_EQ(encode(program), (Bytes{0, 0, 0, 11, 0, 0, 5, 1, 0, 6, 2}));
}

TEST(Codec, LimitsHold) {
  Bytes bytes(kHeaderSize, 0);
  for (int i = 0; i < 1000; i++) bytes.insert(bytes.end(), {11, 1, 0, 9, 2});
  Program program = decode(bytes);
  EXPECT_EQ(program.ops.size(), kMaxOps);
  EXPECT_EQ(program.schedule.size(), kMaxPreemptions);
  EXPECT_EQ(decode(encode(program)), program);
}

TEST(Codec, RandomProgramsRoundTrip) {
  Rng rng(1);
  for (int i = 0; i < 20000; i++) {
    Program program = random_program(rng);
    ASSERT_TRUE(is_valid(program)) << to_text(program);
    Bytes bytes = encode(program);
    ASSERT_EQ(decode(bytes), program) << to_text(program);
    size_t size = kHeaderSize;
    for (const Op& op : program.ops) size += encoded_size(op);
    for (const Preemption& preemption : program.schedule) size += encoded_size(preemption);
    ASSERT_EQ(bytes.size(), size);
    ASSERT_EQ(encoded_size(program), size);
  }
}

TEST(Codec, RandomBytesDecodeToValidPrograms) {
  Rng rng(2);
  Bytes bytes;
  for (int i = 0; i < 1000000; i++) {
    bytes.resize(rng.below(40));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng.next());
    Program program = decode(bytes);
    ASSERT_TRUE(is_valid(program)) << to_text(program);
    Bytes canonical = encode(program);
    ASSERT_EQ(decode(canonical), program);
    ASSERT_EQ(encode(decode(canonical)), canonical);
  }
}

}  // namespace
}  // namespace program
