#include "fuzz/program/print.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "fuzz/program/generate.h"
#include "fuzz/program/rng.h"

namespace program {
namespace {

std::string print(const Op& op) {
  char text[kMaxOpText];
  size_t size = format_op(op, text, sizeof(text));
  EXPECT_EQ(size, std::strlen(text));
  return text;
}

TEST(Print, Operations) {
  uint64_t s = SlotList::push(0, 0);
  uint64_t st = SlotList::push(s, 1);
  EXPECT_EQ(print({OpKind::kQueueCreate, 0, {0, 0, 3}, {}}), "t0: A = queue_create gfx doorbell=3");
  EXPECT_EQ(print({OpKind::kQueueCreate, 7, {7, 3, 0}, {}}), "t7: H = queue_create none");
  EXPECT_EQ(print({OpKind::kSyncobjCreate, 0, {0, 1}, {}}), "t0: S = syncobj_create signaled");
  EXPECT_EQ(print({OpKind::kSyncobjCreate, 0, {7, 0}, {}}), "t0: Z = syncobj_create");
  EXPECT_EQ(print({OpKind::kSignal, 1, {0, 4, s}, {}}), "t1: signal A wptr=4 syncobjs=[S]");
  EXPECT_EQ(print({OpKind::kWait, 1, {1, st, 1}, {2, 1, true}}),
            "t1: wait B syncobjs=[S,T] num_fences=1 fail_alloc=2 fail_copy=1 signal_pending");
  EXPECT_EQ(print({OpKind::kGpuWrite, 0, {1, 9}, {}}), "t0: gpu_write B rptr=9");
  EXPECT_EQ(print({OpKind::kEop, kIrqLane, {0, 1}, {}}), "irq: eop A cpu=1");
  EXPECT_EQ(print({OpKind::kFileClose, 2, {}, {}}), "t2: file_close");
}

TEST(Print, LargeNumbersAreHex) {
  EXPECT_EQ(print({OpKind::kGpuWrite, 0, {0, 0xffffffff}, {}}), "t0: gpu_write A rptr=4294967295");
  EXPECT_EQ(print({OpKind::kGpuWrite, 0, {0, 0x100000000}, {}}),
            "t0: gpu_write A rptr=0x100000000");
  EXPECT_EQ(print({OpKind::kGpuWrite, 0, {0, UINT64_MAX}, {}}),
            "t0: gpu_write A rptr=0xffffffffffffffff");
}

TEST(Print, LongestOperationFits) {
  uint64_t list = 0;
  for (unsigned i = 0; i < SlotList::kMax; i++) list = SlotList::push(list, i);
  Op op{OpKind::kSignal, kIrqLane, {7, UINT64_MAX, list}, {255, 255, true}};
  EXPECT_LT(print(op).size(), kMaxOpText);
}

TEST(Print, SmallBuffers) {
  Op op{OpKind::kGpuWrite, 0, {1, 9}, {}};
  const std::string whole = "t0: gpu_write B rptr=9";
  EXPECT_EQ(format_op(op, nullptr, 0), whole.size());
  for (size_t cap = 1; cap < whole.size() + 3; cap++) {
    std::string buffer(cap + 1, '#');
    EXPECT_EQ(format_op(op, buffer.data(), cap), whole.size());
    EXPECT_EQ(std::string(buffer.c_str()), whole.substr(0, cap - 1));
    EXPECT_EQ(buffer[cap], '#') << "wrote beyond the buffer";
  }
}

TEST(Print, RubbishIsSurvived) {
  Op op{static_cast<OpKind>(200), 99, {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}, {}};
  EXPECT_EQ(print(op), "?: ?");
  for (unsigned kind = 0; kind < kOpKinds; kind++) {
    op.kind = static_cast<OpKind>(kind);
    EXPECT_LT(print(op).size(), kMaxOpText);
  }
  EXPECT_STREQ(target_name(static_cast<Target>(77)), "?");
  EXPECT_STREQ(ip_name(77), "?");
}

TEST(Print, Preemption) {
  char text[32];
  EXPECT_EQ(format_preemption({31, Target{1}}, text, sizeof(text)), 5u);
  EXPECT_STREQ(text, "31>t1");
  format_preemption({kMaxAfter, Target::kWorker}, text, sizeof(text));
  EXPECT_STREQ(text, "1048575>worker");
}

TEST(Print, LinesEndAndStayInTheirColumns) {
  Rng rng(3);
  auto check = [](void*, const char* line, size_t size) {
    ASSERT_GT(size, 1u);
    EXPECT_EQ(std::count(line, line + size, '\n'), 1);
    EXPECT_EQ(line[size - 1], '\n');
    if (size > 9 && !std::strncmp(line, "schedule:", 9)) {
      EXPECT_LE(size - 1, kTextColumns);
    }
  };
  for (int i = 0; i < 200; i++) {
    Program program = random_program(rng);
    while (insert_random_preemption(program, rng)) continue;
    print_program(program, check, nullptr);
  }
}

}  // namespace
}  // namespace program
