// The slot allocator: first free slot, exhaustion, and never the same slot twice.
#include "core/userq/seq64.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::TestRun;
using userq::kSeq64VaStart;
using userq::Seq64;

class Seq64Test : public testing::TestWithParam<uint32_t> {
 protected:
  Seq64Test() {
    run_.set_up = [this] { ASSERT_EQ(userq::seq64_init(seq64_, GetParam()), 0); };
    run_.tear_down = {[this] {
      used_at_end_ = userq::seq64_used(seq64_);
      userq::seq64_fini(seq64_);
    }};
  }

  // The slot's number, or an error.
  int64_t alloc() {
    uint64_t va = 0;
    uint64_t* cpu_addr = nullptr;
    const int error = userq::seq64_alloc(seq64_, &va, &cpu_addr);
    if (error != 0) return error;
    EXPECT_EQ(cpu_addr, seq64_.cpu_base + (va - kSeq64VaStart) / 8);
    return static_cast<int64_t>((va - kSeq64VaStart) / 8);
  }
  void free(int64_t slot) {
    userq::seq64_free(seq64_, kSeq64VaStart + static_cast<uint64_t>(slot) * 8);
  }

  Seq64 seq64_{};
  uint32_t used_at_end_ = 0;
  TestRun run_;
};

// Below, at and above the 64 slots of a bitmap word.
INSTANTIATE_TEST_SUITE_P(Sizes, Seq64Test, testing::Values(1, 3, 64, 65, 130));

TEST_P(Seq64Test, GivesTheFirstFreeSlotUntilNoneIsLeft) {
  run_.threads = {[this] {
    for (int64_t i = 0; i < GetParam(); ++i) EXPECT_EQ(alloc(), i);
    EXPECT_EQ(alloc(), -ENOSPC);
    EXPECT_EQ(userq::seq64_used(seq64_), GetParam());
  }};
  EXPECT_EQ(run_(), "nothing");
}

TEST_P(Seq64Test, AFreedSlotIsTheNextOneGiven) {
  run_.threads = {[this] {
    for (int64_t i = 0; i < GetParam(); ++i) alloc();
    const int64_t middle = GetParam() / 2, last = GetParam() - 1;
    free(last);
    if (middle != last) free(middle);
    EXPECT_EQ(alloc(), middle);
    EXPECT_EQ(alloc(), middle != last ? last : -ENOSPC);
    EXPECT_EQ(userq::seq64_used(seq64_), GetParam());
  }};
  EXPECT_EQ(run_(), "nothing");
}

TEST_P(Seq64Test, FreeOfAnAddressOutsideOfThePoolIsReported) {
  run_.threads = {[this] { free(GetParam()); }};
  EXPECT_EQ(run_(), "warn-on seq64_free");
}

class Seq64RaceTest : public Seq64Test {};
INSTANTIATE_TEST_SUITE_P(Sizes, Seq64RaceTest, testing::Values(1, 2, 65));

TEST_P(Seq64RaceTest, TwoAllocatorsNeverShareASlot) {
  int64_t slots[2];
  run_.set_up = [this, init = run_.set_up] {
    init();
    // Two slots are free, if there are that many.
    for (uint32_t i = 2; i < GetParam(); ++i) alloc();
  };
  for (int64_t& slot : slots) run_.threads.push_back([this, &slot] { slot = alloc(); });
  EXPECT_EQ(run_.sweep({kernel::kT1, kernel::kT0},
                       [&] {
                         const bool enough = GetParam() >= 2;
                         ASSERT_NE(slots[0], slots[1]);
                         ASSERT_EQ((slots[0] >= 0) + (slots[1] >= 0), enough ? 2 : 1);
                       }),
            "nothing");
}

TEST_P(Seq64RaceTest, AFreeDuringAnAllocationLosesNoSlot) {
  int64_t slot;
  run_.set_up = [this, init = run_.set_up] {
    init();
    for (uint32_t i = 0; i < GetParam(); ++i) alloc();
  };
  run_.threads = {[&] {
                    slot = alloc();
                    if (slot >= 0) free(slot);
                  },
                  [this] { free(GetParam() - 1); }};
  int got = 0, full = 0;
  EXPECT_EQ(run_.sweep({kernel::kT1, kernel::kT0},
                       [&] {
                         ASSERT_TRUE(slot == GetParam() - 1 || slot == -ENOSPC) << slot;
                         ++(slot >= 0 ? got : full);
                         ASSERT_EQ(used_at_end_, GetParam() - 1);
                       }),
            "nothing");
  EXPECT_GT(got, 0);
  EXPECT_GT(full, 0);
}

TEST(Seq64Init, OutOfMemoryLeavesNothing) {
  EXPECT_EQ(kernel::run_alone([] {
              for (uint32_t n = 1; n <= 2; ++n) {
                Seq64 seq64{};
                kernel::task().fail_alloc = n;
                EXPECT_EQ(userq::seq64_init(seq64, 8), -ENOMEM);
              }
            }),
            "nothing");
}

}  // namespace
