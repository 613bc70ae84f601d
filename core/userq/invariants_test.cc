// Each invariant: a state that breaks it, and the nearest one that does not.
#include "core/userq/invariants.h"

#include <gtest/gtest.h>

#include "core/userq/device_test_fixture.h"
#include "core/userq/reset.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

constexpr uint32_t kA = 1, kB = 2;  // doorbells

class InvariantsTest : public DeviceTest {
 protected:
  std::string check_after(const Body& body) {
    return run({[this, &body] {
      id_ = create(kA);
      check_invariants(device());
      body();
      check_invariants(device());
    }});
  }
  uint32_t id_ = 0;
};

TEST_F(InvariantsTest, SlotsAreUnique) {
  EXPECT_EQ(check_after([this] { create(kB); }), "nothing");
  EXPECT_EQ(check_after([this] { driver(create(kB)).va = driver(id_).va; }), "warn-on seq64");
}

TEST_F(InvariantsTest, FencesThatWereReachedAreSignaled) {
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              EXPECT_EQ(signal(id_, 9, {}), 0);
              complete(kA, 4);
              gpu_write(kA, 9);  // the interrupt is under way
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              gpu_write(kA, 4);
              gpu_irq_delivered(device().gpu, kA);  // and the driver looks away
            }),
            "lost-wakeup userq_fence");
}

TEST_F(InvariantsTest, WatchdogIsArmedWhileAFenceIsPending) {
  EXPECT_EQ(check_after([this] { EXPECT_EQ(signal(id_, 4, {}), 0); }), "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              kernel::cancel_delayed_work(queue(id_).hang_detect_work);
            }),
            "lost-wakeup hang_detect_work");
}

TEST_F(InvariantsTest, WatchdogIsNotArmedWhileNoneIs) {
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              complete(kA, 4);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              gpu_write(kA, 4);
              fence_driver_process(driver(id_));
            }),
            "fence-contract watchdog-of-idle-queue");
}

TEST_F(InvariantsTest, AWaitingQueueHoldsADriverOnce) {
  auto hold = [this](uint32_t other) {
    uint32_t index;
    fence_driver_get(driver(other), queue_holds(queue(id_), kQueueFenceDrvXa));
    EXPECT_EQ(kernel::xa_alloc(queue(id_).fence_drv_xa, &index, &driver(other), 0, 9), 0);
  };
  EXPECT_EQ(check_after([&] {
              hold(id_);
              hold(create(kB));
            }),
            "nothing");
  EXPECT_EQ(check_after([&] {
              hold(id_);
              hold(create(kB));
              hold(id_);
            }),
            "warn-on fence_drv_xa");
}

TEST_F(InvariantsTest, NothingIsMappedWhileTheEvictionFenceIsSignaled) {
  EXPECT_EQ(check_after([this] {
              evf_mgr_shutdown(evf_mgr());
              evf_mgr_flush_suspend(evf_mgr());
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr(), kTest);
              dma::fence_signal(*ev_fence);
              dma::fence_put(ev_fence, kTest);
            }),
            "fence-contract eviction-fence-signaled-with-mapped-queue");
}

TEST_F(InvariantsTest, HardwareHasWhatTheDriverThinks) {
  EXPECT_EQ(check_after([this] { EXPECT_EQ(userq_suspend(device(), true), 0); }), "nothing");
  EXPECT_EQ(check_after([this] { EXPECT_EQ(userq_suspend(device(), false), 0); }), "nothing");
  EXPECT_EQ(check_after([this] { hang(kA); }), "nothing");
  EXPECT_EQ(check_after([this] { EXPECT_EQ(gpu_unmap_queue(device().gpu, kA), 0); }),
            "warn-on queue.state");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(userq_suspend(device(), false), 0);
              gpu_map_queue(device().gpu, kA, kHwIpGfx, driver(id_).cpu_addr);
            }),
            "warn-on queue.state");
}

TEST_F(InvariantsTest, HardwareHasNothingThatTheDriverForgot) {
  EXPECT_EQ(check_after([this] { EXPECT_EQ(free(create(kB)), 0); }), "nothing");
  EXPECT_EQ(
      check_after([this] { gpu_map_queue(device().gpu, kB, kHwIpGfx, driver(id_).cpu_addr); }),
      "warn-on hardware queue without a queue");
}

TEST_F(InvariantsTest, NothingIsReportedWithTheChecksOff) {
  kernel::ChecksOff off;
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              kernel::cancel_delayed_work(queue(id_).hang_detect_work);
              complete(kA, 4);
              gpu_map_queue(device().gpu, kB, kHwIpGfx, driver(id_).cpu_addr);
            }),
            "nothing");
}

}  // namespace
}  // namespace userq
