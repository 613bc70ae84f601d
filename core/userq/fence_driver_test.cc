// The rules of fence_driver.h: which fences a slot value completes, and what happens to the others.
#include "core/userq/fence_driver.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "core/userq/device_test_fixture.h"
#include "core/userq/reset.h"

namespace userq {
namespace {

constexpr uint32_t kDoorbell = 3;

class FenceDriverTest : public DeviceTest {
 protected:
  // A queue with one fence for each sequence number, in this order.
  void fences(const std::vector<uint64_t>& seqnos) {
    id_ = create(kDoorbell);
    for (uint64_t seqno : seqnos) {
      syncobjs_.push_back(syncobj());
      EXPECT_EQ(signal(id_, seqno, {syncobjs_.back()}), 0);
    }
  }
  std::vector<int> statuses() {
    std::vector<int> result;
    for (uint32_t handle : syncobjs_) result.push_back(flagged_status(handle));
    return result;
  }
  // As their callers do, with the watchdog.
  int process() {
    const int result = fence_driver_process(driver(id_));
    queue_update_hang_detect_work(queue(id_), true);
    return result;
  }
  void force_completion() { queue_force_completion(queue(id_)); }
  bool pending() { return fence_driver_pending(driver(id_)); }
  uint64_t slot() { return fence_driver_read(driver(id_)); }

  uint32_t id_ = 0;
  Handles syncobjs_;
};

using Statuses = std::vector<int>;

TEST_F(FenceDriverTest, ProcessCompletesExactlyThePrefixThatTheSlotHasReached) {
  EXPECT_EQ(run({[this] {
              fences({2, 4, 6});
              gpu_write(kDoorbell, 3);
              EXPECT_EQ(process(), 1);
              EXPECT_EQ(statuses(), Statuses({1, 0, 0}));
              gpu_write(kDoorbell, 6);
              EXPECT_EQ(process(), 0);
              EXPECT_EQ(statuses(), Statuses({1, 1, 1}));
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ProcessSaysThatNothingIsPending) {
  EXPECT_EQ(run({[this] {
              fences({});
              EXPECT_FALSE(pending());
              EXPECT_EQ(process(), 0);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ProcessSaysThatNothingWasReached) {
  EXPECT_EQ(run({[this] {
              fences({2});
              gpu_write(kDoorbell, 1);
              EXPECT_EQ(process(), -ENOENT);
              EXPECT_TRUE(pending());
              complete(kDoorbell, 2);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, SequenceNumbersAreUnsignedAndDoNotWrap) {
  EXPECT_EQ(run({[this] {
              fences({uint64_t{1} << 32, uint64_t{1} << 63, ~uint64_t{0}});
              gpu_write(kDoorbell, ~uint32_t{0});
              EXPECT_EQ(process(), -ENOENT);
              gpu_write(kDoorbell, uint64_t{1} << 63);
              EXPECT_EQ(process(), 1);
              EXPECT_EQ(statuses(), Statuses({1, 1, 0}));
              gpu_write(kDoorbell, ~uint64_t{0});
              EXPECT_EQ(process(), 0);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, EqualSequenceNumbersCompleteTogether) {
  EXPECT_EQ(run({[this] {
              fences({4, 4, 5});
              gpu_write(kDoorbell, 4);
              EXPECT_EQ(process(), 1);
              EXPECT_EQ(statuses(), Statuses({1, 1, 0}));
              complete(kDoorbell, 5);
            }}),
            "nothing");
}

// As upstream: the list is in the order of creation, and the first that is not reached ends it.
TEST_F(FenceDriverTest, ASequenceNumberThatWentBackWaitsForTheOneBeforeIt) {
  EXPECT_EQ(run({[this] {
              fences({9, 4});
              gpu_write(kDoorbell, 5);
              EXPECT_EQ(process(), -ENOENT);
              EXPECT_EQ(statuses(), Statuses({0, 0}));
              gpu_write(kDoorbell, 9);
              EXPECT_EQ(process(), 0);
              EXPECT_EQ(statuses(), Statuses({1, 1}));
            }}),
            "nothing");
}

// --- force completion ---

TEST_F(FenceDriverTest, ForceCompletionCancelsAllThatTheGpuHasNotReached) {
  EXPECT_EQ(run({[this] {
              fences({2, 4, 6});
              gpu_write(kDoorbell, 3);
              force_completion();
              EXPECT_EQ(statuses(), Statuses({1, -ECANCELED, -ECANCELED}));
              EXPECT_FALSE(pending());
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ForceCompletionMovesTheSlotToTheLastFence) {
  EXPECT_EQ(run({[this] {
              fences({2, 6});
              force_completion();
              EXPECT_EQ(slot(), 6u);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ForceCompletionNeverMovesTheSlotBackwards) {
  EXPECT_EQ(run({[this] {
              fences({9, 4});
              force_completion();
              EXPECT_EQ(slot(), 9u);
              gpu_write(kDoorbell, 20);
              force_completion();
              EXPECT_EQ(slot(), 20u);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ForceCompletionStrandsNobodyWhateverTheOrder) {
  const std::vector<uint64_t> orders[] = {{9, 4}, {4, 9, 4}, {7, 7, 7}, {9, 8, 7, 6}, {0, 5, 0, 5}};
  for (const std::vector<uint64_t>& seqnos : orders) {
    syncobjs_.clear();
    EXPECT_EQ(run({[&] {
                fences(seqnos);
                force_completion();
                EXPECT_FALSE(pending());
                for (int status : statuses()) EXPECT_NE(status, 0);
              }}),
              "nothing");
  }
}

TEST_F(FenceDriverTest, ForceCompletionGrantsSuccessToAFenceThatWasReachedBehindAnotherOne) {
  EXPECT_EQ(run({[this] {
              fences({9, 4});
              gpu_write(kDoorbell, 5);
              force_completion();
              EXPECT_EQ(statuses(), Statuses({-ECANCELED, 1}));
            }}),
            "nothing");
}

// The polled fence is complete before anybody processes the list.
TEST_F(FenceDriverTest, ForceCompletionKeepsTheStatusOfAFenceThatWasPolled) {
  EXPECT_EQ(run({[this] {
              fences({4});
              dma::Fence* fence = fence_of(syncobjs_[0]);
              gpu_write(kDoorbell, 4);
              EXPECT_TRUE(dma::fence_is_signaled(*fence));
              dma::fence_put(fence, kTest);
              EXPECT_TRUE(pending());
              force_completion();
              EXPECT_EQ(statuses(), Statuses({1}));
              EXPECT_FALSE(pending());
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, ProcessOnTwoCpusCompletesEachFenceOnce) {
  static int calls[2];
  static dma::FenceCb callbacks[2];
  static dma::Fence* pending_fences[2];
  prepare([this] {
    syncobjs_.clear();
    fences({2, 4});
    for (unsigned i = 0; i < 2; ++i) {
      calls[i] = 0;
      pending_fences[i] = fence_of(syncobjs_[i]);
      EXPECT_EQ(
          dma::fence_add_callback(*pending_fences[i], callbacks[i],
                                  [](dma::Fence&, dma::FenceCb& cb) { ++calls[&cb - callbacks]; }),
          0);
    }
    gpu_write(kDoorbell, 4);
  });
  inspect([this] {
    EXPECT_FALSE(pending());
    for (dma::Fence* fence : pending_fences) dma::fence_put(fence, kTest);
  });
  const auto body = [this] { process(); };
  EXPECT_EQ(sweep({body, body},
                  [] {
                    ASSERT_EQ(calls[0], 1);
                    ASSERT_EQ(calls[1], 1);
                  }),
            "nothing");
}

// --- alloc ---

TEST_F(FenceDriverTest, ANewDriverHasAZeroedSlotAndAContextOfItsOwn) {
  EXPECT_EQ(run({[this] {
              const uint32_t first = create(0);
              const uint64_t va = driver(first).va, context = driver(first).context;
              gpu_write(0, 77);
              EXPECT_EQ(free(first), 0);
              const uint32_t again = create(1);
              EXPECT_EQ(driver(again).va, va);
              EXPECT_EQ(fence_driver_read(driver(again)), 0u);
              EXPECT_NE(driver(again).context, context);
              EXPECT_STREQ(driver(again).timeline_name, "t0");
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, AllocWithoutAFreeSlotFails) {
  seq64_slots_ = 1;
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(0);
              FenceDriver* fence_drv = &driver(id);
              EXPECT_EQ(fence_driver_alloc(device(), &fence_drv, kTest), -ENOSPC);
              EXPECT_EQ(fence_drv, nullptr);
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(fence_driver_alloc(device(), &fence_drv, kTest), 0);
              fence_driver_put(*fence_drv, kTest);
            }}),
            "nothing");
}

TEST_F(FenceDriverTest, AllocWithoutMemoryTakesNoSlot) {
  EXPECT_EQ(run({[this] {
              FenceDriver* fence_drv;
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(fence_driver_alloc(device(), &fence_drv, kTest), -ENOMEM);
              EXPECT_EQ(fence_drv, nullptr);
              EXPECT_EQ(slots_used(), 0u);
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
