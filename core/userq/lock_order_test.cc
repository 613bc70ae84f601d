// What the driver says of its locks: each wrong order is found by being taken once.
#include "core/userq/lock_order.h"

#include <gtest/gtest.h>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

constexpr kernel::Holder kAsker{"asker"};

class LockOrderTest : public DeviceTest {
 protected:
  std::string run_one(Body body) { return run({std::move(body)}); }
};

TEST_F(LockOrderTest, TheRightOrderFindsNothing) {
  EXPECT_EQ(run_one([this] {
              bo_reserve(*vm().root, false);
              kernel::mutex_lock(mgr().userq_mutex);
              kernel::down_read(device().reset_domain.sem);
              unsigned long flags;
              kernel::xa_lock_irqsave(device().userq_doorbell_xa, flags);
              kernel::xa_unlock_irqrestore(device().userq_doorbell_xa, flags);
              kernel::up_read(device().reset_domain.sem);
              kernel::mutex_unlock(mgr().userq_mutex);
              bo_unreserve(*vm().root);
            }),
            "nothing");
}

TEST_F(LockOrderTest, AReservationUnderUserqMutex) {
  EXPECT_EQ(run_one([this] {
              kernel::mutex_lock(mgr().userq_mutex);
              bo_reserve(*vm().root, false);
            }),
            "lock-order-inversion userq_mutex -> reservation_ww_class_mutex");
}

TEST_F(LockOrderTest, AWaitForAFenceUnderUserqMutex) {
  EXPECT_EQ(run_one([this] {
              dma::Fence* stub = dma::fence_get_stub(kAsker);
              kernel::mutex_lock(mgr().userq_mutex);
              dma::fence_wait(*stub, false);
            }),
            "lock-order-inversion userq_mutex -> dma_fence_map");
}

TEST_F(LockOrderTest, UserqMutexWithinAReset) {
  EXPECT_EQ(run_one([this] {
              kernel::down_write(device().reset_domain.sem);
              kernel::mutex_lock(mgr().userq_mutex);
            }),
            "lock-order-inversion reset_domain.sem -> userq_mutex");
}

TEST_F(LockOrderTest, WaitingForTheResumeWithAReservation) {
  EXPECT_EQ(run_one([this] {
              bo_reserve(*vm().root, false);
              kernel::flush_delayed_work(mgr().resume_work);
            }),
            "lock-order-inversion reservation_ww_class_mutex -> resume_work");
}

TEST_F(LockOrderTest, EnsuringTheEvictionFenceWithAReservation) {
  EXPECT_EQ(run_one([this] {
              bo_reserve(*vm().root, false);
              ensure_ev_fence(to_fpriv(file()));
            }),
            "lock-order-inversion reservation_ww_class_mutex -> suspend_work");
}

TEST_F(LockOrderTest, CancellingTheResumeUnderUserqMutex) {
  EXPECT_EQ(run_one([this] {
              kernel::mutex_lock(mgr().userq_mutex);
              kernel::cancel_delayed_work_sync(mgr().resume_work);
            }),
            "lock-order-inversion userq_mutex -> resume_work");
}

TEST_F(LockOrderTest, WaitingForAResetUnderUserqMutex) {
  EXPECT_EQ(run_one([this] {
              kernel::mutex_lock(mgr().userq_mutex);
              kernel::flush_work(mgr().reset_work);
            }),
            "lock-order-inversion userq_mutex -> reset_work");
}

TEST_F(LockOrderTest, TheDoorbellLockWithInterruptsOn) {
  EXPECT_EQ(run_one([this] { kernel::xa_lock(device().userq_doorbell_xa); }),
            "irq-unsafe-lock xa_lock(userq_doorbell_xa)");
}

}  // namespace
}  // namespace userq
