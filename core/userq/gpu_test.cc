// The device on the other side: what a request does to a hardware queue, and when it fails.
#include "core/userq/gpu.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "core/kernel/test_run.h"

namespace userq {
namespace {

constexpr uint32_t kDoorbell = 17, kEngine = 1;

class GpuTest : public testing::Test {
 protected:
  // Runs `body` with a fresh GPU, and the queue mapped.
  std::string run(const std::function<void()>& body) {
    return kernel::run_alone([&] {
      *gpu_ = {};
      slot_ = 0;
      EXPECT_EQ(gpu_map_queue(*gpu_, kDoorbell, kEngine, &slot_), 0);
      body();
    });
  }
  HwState state(uint32_t doorbell = kDoorbell) { return gpu_queue_state(*gpu_, doorbell); }
  uint32_t reset_hung(uint32_t engine) {
    uint32_t doorbells[kMaxDoorbells], count;
    EXPECT_EQ(gpu_reset_hung_queues(*gpu_, engine, doorbells, &count), 0);
    if (count == 1) EXPECT_EQ(doorbells[0], kDoorbell);
    return count;
  }

  std::unique_ptr<Gpu> gpu_ = std::make_unique<Gpu>();
  uint64_t slot_ = 0;
};

TEST_F(GpuTest, ProgressOfARunningQueueReachesItsSlot) {
  EXPECT_EQ(run([this] {
              gpu_write_rptr(*gpu_, kDoorbell, 5);
              EXPECT_EQ(slot_, 5u);
              gpu_write_rptr(*gpu_, kDoorbell + 1, 6);
              EXPECT_EQ(slot_, 5u);
            }),
            "nothing");
}

TEST_F(GpuTest, OnlyARunningQueueMakesProgress) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(gpu_preempt_queue(*gpu_, kDoorbell), 0);
              gpu_write_rptr(*gpu_, kDoorbell, 5);
              EXPECT_EQ(gpu_restore_queue(*gpu_, kDoorbell), 0);
              EXPECT_EQ(slot_, 0u);
              gpu_hang_queue(*gpu_, kDoorbell);
              gpu_write_rptr(*gpu_, kDoorbell, 6);
              gpu_reset(*gpu_);
              gpu_write_rptr(*gpu_, kDoorbell, 7);
              EXPECT_EQ(slot_, 0u);
            }),
            "nothing");
}

TEST_F(GpuTest, InterruptSeesTheProgressSoFar) {
  EXPECT_EQ(run([this] {
              const HwQueue& hw = gpu_->queues[kDoorbell];
              gpu_write_rptr(*gpu_, kDoorbell, 5);
              EXPECT_EQ(hw.irq_value, 0u);
              gpu_irq_delivered(*gpu_, kDoorbell);
              EXPECT_EQ(hw.irq_value, 5u);
              gpu_write_rptr(*gpu_, kDoorbell, 6);
              EXPECT_EQ(hw.irq_value, 5u);
              gpu_write_rptr(*gpu_, kDoorbell, 4);  // back: what was delivered says nothing now
              EXPECT_EQ(hw.irq_value, 0u);
              gpu_irq_delivered(*gpu_, kDoorbell);
              gpu_irq_delivered(*gpu_, kDoorbell + 1);
              gpu_irq_delivered(*gpu_, kMaxDoorbells);
              EXPECT_EQ(gpu_unmap_queue(*gpu_, kDoorbell), 0);
              EXPECT_EQ(gpu_map_queue(*gpu_, kDoorbell, kEngine, &slot_), 0);
              EXPECT_EQ(hw.irq_value, 0u);
            }),
            "nothing");
}

TEST_F(GpuTest, RequestsThatMakeNoSenseFail) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(gpu_map_queue(*gpu_, kDoorbell, kEngine, &slot_), -ETIMEDOUT);
              EXPECT_EQ(gpu_restore_queue(*gpu_, kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(state(), HwState::kRunning);
              EXPECT_EQ(gpu_preempt_queue(*gpu_, kDoorbell + 1), -ETIMEDOUT);
              EXPECT_EQ(gpu_unmap_queue(*gpu_, kDoorbell + 1), 0);
              EXPECT_EQ(state(kDoorbell + 1), HwState::kUnmapped);
            }),
            "nothing");
}

TEST_F(GpuTest, HungQueueObeysNothingUntilItIsReset) {
  EXPECT_EQ(run([this] {
              gpu_hang_queue(*gpu_, kDoorbell);
              EXPECT_EQ(gpu_unmap_queue(*gpu_, kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(gpu_preempt_queue(*gpu_, kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(reset_hung(kEngine + 1), 0u);
              EXPECT_EQ(state(), HwState::kHung);
              EXPECT_EQ(reset_hung(kEngine), 1u);
              EXPECT_EQ(state(), HwState::kUnmapped);
              EXPECT_EQ(reset_hung(kEngine), 0u);
              gpu_hang_queue(*gpu_, kDoorbell);
              EXPECT_EQ(state(), HwState::kUnmapped);
            }),
            "nothing");
}

TEST_F(GpuTest, InjectedFailureHitsTheNthRequestOnly) {
  EXPECT_EQ(run([this] {
              gpu_fail_request(*gpu_, 2);
              EXPECT_EQ(gpu_preempt_queue(*gpu_, kDoorbell), 0);
              EXPECT_EQ(gpu_restore_queue(*gpu_, kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(state(), HwState::kHung);
              EXPECT_EQ(reset_hung(kEngine), 1u);
              gpu_fail_request(*gpu_, 1);
              EXPECT_EQ(gpu_map_queue(*gpu_, kDoorbell, kEngine, &slot_), -ETIMEDOUT);
              EXPECT_EQ(state(), HwState::kUnmapped);
              gpu_fail_request(*gpu_, 1);
              EXPECT_EQ(gpu_unmap_queue(*gpu_, kDoorbell), -ETIMEDOUT);
              EXPECT_EQ(state(), HwState::kUnmapped);
              gpu_fail_request(*gpu_, 1);
              uint32_t doorbells[kMaxDoorbells], count;
              EXPECT_EQ(gpu_reset_hung_queues(*gpu_, kEngine, doorbells, &count), -ETIMEDOUT);
              EXPECT_EQ(count, 0u);
            }),
            "nothing");
}

TEST_F(GpuTest, IsAskedForItsOwnDoorbellsOnly) {
  EXPECT_EQ(run([this] { EXPECT_EQ(gpu_unmap_queue(*gpu_, kMaxDoorbells - 1), 0); }), "nothing");
  EXPECT_EQ(run([this] { gpu_unmap_queue(*gpu_, kMaxDoorbells); }), "warn-on begin_step");
}

}  // namespace
}  // namespace userq
