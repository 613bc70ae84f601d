// The rules of userq_fence.h, and who holds what (behaviour 1.2): each row by counting references.
#include "core/userq/userq_fence.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"
#include "core/userq/reset.h"

namespace userq {
namespace {

// Queue A works, queue B waits for it. The numbers are their doorbells.
constexpr uint32_t kA = 0, kB = 1, kC = 2;

class UserqFenceTest : public DeviceTest {
 protected:
  // Queues A and B, and B holds A's driver because it waits for A's fence (in s_).
  void b_waits_for_a() {
    a_ = create(kA);
    b_ = create(kB);
    s_ = syncobj();
    t_ = syncobj();
    EXPECT_EQ(signal(a_, 4, {s_}), 0);
    EXPECT_EQ(wait(b_, {s_}), 0);
  }
  UserqFence& last_fence(uint32_t id) { return *to_userq_fence(*queue(id).last_fence); }
  bool holds_drivers(uint32_t id) { return !kernel::xa_empty(queue(id).fence_drv_xa); }

  uint32_t a_ = 0, b_ = 0, s_ = 0, t_ = 0;
};

// --- the driver's references ---

TEST_F(UserqFenceTest, QueueHoldsItsDriverFromCreateToFree) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA);
              EXPECT_EQ(refs(driver(id)), 1);
              EXPECT_EQ(slots_used(), 1u);
              EXPECT_EQ(free(id), 0);
              EXPECT_EQ(slots_used(), 0u);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, FenceHoldsItsDriverUntilAGracePeriodAfterItsEnd) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              EXPECT_EQ(refs(driver(id)), 2);
              complete(kA, 4);
              EXPECT_EQ(refs(driver(id)), 2);
              EXPECT_EQ(signal(id, 5, {}),
                        0);  // a new last fence: only the syncobj has the old one
              EXPECT_EQ(refs(driver(id)), 3);
              destroy_syncobj(s);
              EXPECT_EQ(refs(driver(id)), 3);
              rest();
              EXPECT_EQ(refs(driver(id)), 2);
              complete(kA, 5);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, WaitingQueueHoldsTheDriverUntilItsNextFenceTakesItOver) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              EXPECT_EQ(refs(driver(a_)), 3);  // queue, fence, B's fence_drv_xa
              EXPECT_TRUE(holds_drivers(b_));

              EXPECT_EQ(signal(b_, 1, {}), 0);
              EXPECT_EQ(refs(driver(a_)), 3);  // moved, not counted again
              EXPECT_FALSE(holds_drivers(b_));
              EXPECT_EQ(last_fence(b_).fence_drv_array_count, 1u);
              EXPECT_EQ(last_fence(b_).fence_drv_array[0], &driver(a_));

              complete(kB, 1);
              EXPECT_EQ(refs(driver(a_)), 2);
              EXPECT_EQ(last_fence(b_).fence_drv_array_count, 0u);
              complete(kA, 4);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, FenceBornSignaledDropsTheInheritedDriversAtOnce) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              gpu_write(kB, 7);
              EXPECT_EQ(signal(b_, 7, {t_}), 0);
              EXPECT_EQ(flagged_status(t_), 1);
              EXPECT_EQ(refs(driver(a_)), 2);
              EXPECT_EQ(last_fence(b_).fence_drv_array_count, 0u);
              complete(kA, 4);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, InheritedDriversThatAreKeptUntilTheFenceIsFreedAreReported) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              gpu_write(kB, 7);
              EXPECT_EQ(signal(b_, 7, {}), 0);
              // As if they had not been put yet, and the memory of the fence were about to go.
              UserqFence& fence = last_fence(b_);
              fence.fence_drv_array_count = 1;
              fence.base.refcount.count = 0;
              userq_fence_put_fence_drv_array(fence);
            }}),
            "fence-contract inherited-drivers-kept-until-free");
}

TEST_F(UserqFenceTest, FreeingTheWaitingQueueDropsTheDriversItHolds) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              EXPECT_EQ(free(b_), 0);
              EXPECT_EQ(refs(driver(a_)), 2);
              complete(kA, 4);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, ForceCompletionDropsTheInheritedDrivers) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              EXPECT_EQ(signal(b_, 1, {}), 0);
              queue_force_completion(queue(b_));
              EXPECT_EQ(refs(driver(a_)), 2);
              complete(kA, 4);
            }}),
            "nothing");
}

// The last reference to a driver can be an inherited one: the driver then ends in the interrupt.
TEST_F(UserqFenceTest, SlotOfAFreedQueueLivesUntilTheInterruptOfTheQueueThatWaits) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              EXPECT_EQ(signal(b_, 1, {}), 0);
              complete(kA, 4);
              EXPECT_EQ(free(a_), 0);
              destroy_syncobj(s_);
              rest();
              EXPECT_EQ(slots_used(), 2u);
              complete(kB, 1);
              EXPECT_EQ(slots_used(), 1u);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, InheritsAllThatTheQueueHolds) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              const uint32_t c = create(kC);
              EXPECT_EQ(signal(c, 4, {t_}), 0);
              EXPECT_EQ(signal(b_, 4, {s_}), 0);  // takes A's driver along
              EXPECT_EQ(wait(b_, {s_, t_}), 0);   // B's own driver, and C's
              EXPECT_EQ(signal(b_, 5, {}), 0);
              EXPECT_EQ(last_fence(b_).fence_drv_array_count, 2u);
              EXPECT_EQ(refs(driver(c)), 3);
              EXPECT_EQ(refs(driver(b_)), 4);  // queue, two fences, itself inherited
              complete(kB, 5);
              EXPECT_EQ(refs(driver(a_)), 2);  // queue and fence
              EXPECT_EQ(refs(driver(b_)), 3);
              EXPECT_EQ(refs(driver(c)), 2);
              for (uint32_t doorbell : {kA, kC}) complete(doorbell, 4);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, FailingAllocationLeavesTheDriversWithTheQueue) {
  EXPECT_EQ(run({[this] {
              b_waits_for_a();
              // The fence, then its array.
              for (uint32_t n = 1; n <= 2; ++n) {
                UserqFence* fence = nullptr;
                kernel::task().fail_alloc = n;
                EXPECT_EQ(userq_fence_alloc(queue(b_), &fence), -ENOMEM);
                EXPECT_EQ(fence, nullptr);
                EXPECT_TRUE(holds_drivers(b_));
                EXPECT_EQ(refs(driver(a_)), 3);
              }
              EXPECT_EQ(signal(b_, 1, {}), 0);
              EXPECT_EQ(last_fence(b_).fence_drv_array_count, 1u);
              complete(kB, 1);
              complete(kA, 4);
            }}),
            "nothing");
}

// --- the fence's references ---

TEST_F(UserqFenceTest, PendingFenceIsHeldByListQueueAndSyncobjs) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA), s = syncobj(), t = syncobj();
              EXPECT_EQ(signal(id, 4, {s, t}), 0);
              dma::Fence& fence = *queue(id).last_fence;
              EXPECT_EQ(refs(fence), 4);
              destroy_syncobj(t);
              EXPECT_EQ(refs(fence), 3);
              complete(kA, 4);
              EXPECT_EQ(refs(fence), 2);
              destroy_syncobj(s);
              EXPECT_EQ(refs(fence), 1);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, FenceBornSignaledIsHeldByTheQueueAlone) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA);
              gpu_write(kA, 9);
              EXPECT_EQ(signal(id, 9, {}), 0);
              EXPECT_EQ(refs(*queue(id).last_fence), 1);
              EXPECT_FALSE(fence_driver_pending(driver(id)));
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, NextFenceTakesThePlaceOfTheLastOne) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              dma::Fence* old = fence_of(s);
              EXPECT_EQ(refs(*old), 4);
              EXPECT_EQ(signal(id, 5, {}), 0);
              EXPECT_NE(queue(id).last_fence, old);
              EXPECT_EQ(refs(*old), 3);
              dma::fence_put(old, kTest);
              complete(kA, 5);
            }}),
            "nothing");
}

// --- the fence itself ---

TEST_F(UserqFenceTest, IsCompleteOnceTheSlotHasReachedItsSequenceNumber) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              dma::Fence* fence = fence_of(s);
              EXPECT_EQ(fence->seqno, 4u);
              EXPECT_EQ(fence->context, driver(id).context);
              gpu_write(kA, 3);
              EXPECT_FALSE(dma::fence_is_signaled(*fence));
              gpu_write(kA, 4);
              EXPECT_FALSE(dma::fence_test_signaled_flag(*fence));
              EXPECT_TRUE(dma::fence_is_signaled(*fence));
              dma::fence_put(fence, kTest);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, NamesItsDriverAndTheTaskThatMadeTheQueue) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA);
              EXPECT_EQ(signal(id, 1, {}), 0);
              dma::Fence& fence = *queue(id).last_fence;
              EXPECT_STREQ(fence.ops->get_driver_name(fence), "amdgpu_userq_fence");
              EXPECT_STREQ(fence.ops->get_timeline_name(fence), "t0");
              complete(kA, 1);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, FencesOfOthersAreNotOurs) {
  EXPECT_EQ(run({[] {
              dma::Fence* stub = dma::fence_get_stub(kTest);
              EXPECT_EQ(to_userq_fence(*stub), nullptr);
              dma::fence_put(stub, kTest);
            }}),
            "nothing");
}

TEST_F(UserqFenceTest, InitWithoutTheMutexIsReported) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kA);
              UserqFence* fence;
              EXPECT_EQ(userq_fence_alloc(queue(id), &fence), 0);
              userq_fence_init(queue(id), *fence, 1, kTest);
            }}),
            "warn-on userq_mutex");
}

// --- against the interrupt ---

// The GPU gets there while the fence is made: the fence is born signaled, or the interrupt sees it.
// The watchdog may be armed after the interrupt, and must then do nothing.
TEST_F(UserqFenceTest, InterruptDuringTheBirthOfAFenceIsNotLost) {
  prepare([this] {
    a_ = create(kA);
    s_ = syncobj();
  });
  run_.irqs = {[this] {
    gpu_write(kA, 4);
    process_fence_irq(device(), kA);
  }};
  int status;
  QueueState final_state;
  inspect([&] {
    status = flagged_status(s_);
    final_state = state(a_);
  });
  EXPECT_EQ(sweep({[] {}, [this] { EXPECT_EQ(signal(a_, 4, {s_}), 0); }},
                  [&] {
                    ASSERT_EQ(status, 1);
                    ASSERT_EQ(final_state, QueueState::kMapped);
                  },
                  {sched::Target::kIrq, kernel::kT1}),
            "nothing");
}

}  // namespace
}  // namespace userq
