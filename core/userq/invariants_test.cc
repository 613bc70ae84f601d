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
  void evict() {
    dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr(), kTest);
    dma::fence_wait(*ev_fence, false);
    dma::fence_put(ev_fence, kTest);
  }
  void unmap(uint32_t id) {
    kernel::mutex_lock(mgr().userq_mutex);
    EXPECT_EQ(queue_unmap(queue(id)), 0);
    kernel::mutex_unlock(mgr().userq_mutex);
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

TEST_F(InvariantsTest, WatchdogDoesNotCoverUpALostWakeup) {
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              gpu_write(kA, 4);  // its interrupt is late
              rest(2 * kernel::kSecond);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              gpu_write(kA, 4);
              eop(kA);
              gpu_write(kA, 2);  // back
              EXPECT_EQ(signal(id_, 3, {}), 0);
              rest(2 * kernel::kSecond);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              gpu_write(kA, 4);
              gpu_irq_delivered(device().gpu, kA);  // and the driver looks away
              rest(2 * kernel::kSecond);
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

TEST_F(InvariantsTest, WatchdogFiresAfterTheTimeoutOfTheEngine) {
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              rest(3 * kernel::kSecond);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              kernel::mod_delayed_work(device().reset_domain.wq, queue(id_).hang_detect_work,
                                       kernel::kSecond);
              rest(3 * kernel::kSecond);
            }),
            "wrong-result hang_detect_work");
}

TEST_F(InvariantsTest, WatchdogFiresForPendingFencesOnly) {
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              complete(kA, 4);
              rest(3 * kernel::kSecond);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(signal(id_, 4, {}), 0);
              gpu_write(kA, 4);
              fence_driver_process(driver(id_));
              rest(3 * kernel::kSecond);
            }),
            "fence-contract watchdog-of-idle-queue");
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

TEST_F(InvariantsTest, AMappedQueueLivesAtMappedAddresses) {
  const auto unmap_behind_its_back = [this] {
    VmMapping* mapping = container_of(vm().mappings.next, VmMapping, link);
    mapping->last = mapping->start;  // the page of the pointers
  };
  EXPECT_EQ(check_after([&] {
              EXPECT_EQ(userq_suspend(device(), false), 0);
              unmap_behind_its_back();
            }),
            "nothing");
  EXPECT_EQ(check_after(unmap_behind_its_back), "warn-on queue.va");
}

TEST_F(InvariantsTest, QueuesThatMayRunAreMapped) {
  EXPECT_EQ(check_after([this] { EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0); }),
            "nothing");
  EXPECT_EQ(check_after([this] { unmap(id_); }), "lost-wakeup queue");
  EXPECT_EQ(check_after([this] {
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              device().userq_halt_for_enforce_isolation = false;
            }),
            "lost-wakeup queue");
}

TEST_F(InvariantsTest, EvictedQueuesWaitForTheResume) {
  EXPECT_EQ(check_after([this] {
              evict();
              EXPECT_EQ(state(id_), QueueState::kUnmapped);
            }),
            "nothing");
  EXPECT_EQ(check_after([this] {
              evict();
              kernel::cancel_delayed_work_sync(mgr().resume_work);
            }),
            "lost-wakeup resume_work");
}

// Until the process tries again.
TEST_F(InvariantsTest, EvictedQueuesWhoseMemoryIsGoneWaitForNothing) {
  EXPECT_EQ(check_after([this] {
              drm_amdgpu_gem_userptr args{kUserBase, kGpuPageSize, kGemUserptrRegister, 0};
              EXPECT_EQ(gem_userptr_ioctl(file(), args), 0);
              EXPECT_EQ(va(kVaOpMap, args.handle, 0x400000, kGpuPageSize), 0);
              bo_userptr_unmapped(bo(args.handle));
              rest();
              EXPECT_EQ(close_bo(args.handle), 0);
              EXPECT_EQ(state(id_), QueueState::kUnmapped);
            }),
            "nothing");
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
