// The watchdog: armed while a fence is pending, and what happens when it fires.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

using kernel::kSecond;

constexpr uint32_t kDoorbell = 5;
constexpr uint64_t kTimeout = 2 * kSecond;

class HangDetectTest : public DeviceTest {
 protected:
  HangDetectTest() {
    prepare([this] {
      id_ = create(kDoorbell);
      for (uint32_t& handle : syncobjs_) handle = syncobj();
    });
  }

  bool armed() { return kernel::delayed_work_pending(queue(id_).hang_detect_work); }
  int status(unsigned i) { return flagged_status(syncobjs_[i]); }
  int submit(uint64_t seqno, unsigned i) { return signal(id_, seqno, {syncobjs_[i]}); }

  uint32_t id_ = 0;
  uint32_t syncobjs_[2] = {};
};

TEST_F(HangDetectTest, IsArmedByAPendingFenceOnly) {
  EXPECT_EQ(run({[this] {
              EXPECT_FALSE(armed());
              gpu_write(kDoorbell, 3);
              EXPECT_EQ(submit(3, 0), 0);
              EXPECT_FALSE(armed());
              EXPECT_EQ(submit(4, 0), 0);
              EXPECT_TRUE(armed());
            }}),
            "nothing");
}

TEST_F(HangDetectTest, CancelsWhatIsPendingAndTakesTheQueueFromTheGpu) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              EXPECT_EQ(submit(9, 1), 0);
              gpu_write(kDoorbell, 4);  // without an interrupt
              rest(kTimeout - 1);
              EXPECT_EQ(status(1), 0);
              rest();
              EXPECT_EQ(status(0), 1);
              EXPECT_EQ(status(1), -ECANCELED);
              EXPECT_EQ(state(id_), QueueState::kHung);
              EXPECT_FALSE(is_mapped(kDoorbell));
              gpu_write(kDoorbell, 100);  // reaches nothing
              EXPECT_EQ(fence_driver_read(driver(id_)), 9u);
            }}),
            "nothing");
}

TEST_F(HangDetectTest, DoesNotFireWhenTheInterruptCompletedAll) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              complete(kDoorbell, 4);
              EXPECT_FALSE(armed());
              rest(2 * kTimeout);
              EXPECT_EQ(status(0), 1);
              EXPECT_EQ(state(id_), QueueState::kMapped);
            }}),
            "nothing");
}

TEST_F(HangDetectTest, StartsAnewWhenTheInterruptLeavesSomePending) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              EXPECT_EQ(submit(9, 1), 0);
              rest(kSecond);
              complete(kDoorbell, 4);
              EXPECT_TRUE(armed());
              rest(kTimeout - 1);
              EXPECT_EQ(status(1), 0);
              rest(2);
              EXPECT_EQ(status(1), -ECANCELED);
            }}),
            "nothing");
}

TEST_F(HangDetectTest, InterruptThatReachesNothingBuysNoTime) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              rest(kSecond);
              eop(kDoorbell);
              rest(kSecond + 1);
              EXPECT_EQ(status(0), -ECANCELED);
            }}),
            "nothing");
}

TEST_F(HangDetectTest, NextFenceBuysNoTimeForTheOneBefore) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              rest(kSecond);
              EXPECT_EQ(submit(9, 1), 0);
              rest(kSecond + 1);
              EXPECT_EQ(status(0), -ECANCELED);
              EXPECT_EQ(status(1), -ECANCELED);
            }}),
            "nothing");
}

// The queue is not on the GPU any more: nothing would bring such a fence about.
TEST_F(HangDetectTest, FencesOfAHungQueueAreCancelledAtOnce) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(submit(4, 0), 0);
              rest(kTimeout + 1);
              EXPECT_EQ(state(id_), QueueState::kHung);
              EXPECT_EQ(submit(9, 1), 0);
              EXPECT_EQ(status(1), -ECANCELED);
              EXPECT_FALSE(armed());
              EXPECT_EQ(free(id_), 0);
              EXPECT_LT(sched::now(), kTimeout + kSecond);
            }}),
            "nothing");
}

TEST_F(HangDetectTest, FiresForTheQueueThatHangsAndLeavesTheOthers) {
  EXPECT_EQ(run({[this] {
              const uint32_t other = create(kDoorbell + 1);
              EXPECT_EQ(submit(4, 0), 0);
              rest(kSecond);
              EXPECT_EQ(signal(other, 4, {syncobjs_[1]}), 0);
              rest(kSecond + 1);
              EXPECT_EQ(status(0), -ECANCELED);
              EXPECT_EQ(status(1), 0);
              complete(kDoorbell + 1, 4);
              EXPECT_EQ(state(other), QueueState::kMapped);
            }}),
            "nothing");
}

// The interrupt finds the list empty, a new fence arms the watchdog, the interrupt disarms it: the
// new fence would be pending for ever.
TEST_F(HangDetectTest, InterruptDoesNotDisarmItUnderANewFence) {
  prepare([this] {
    id_ = create(kDoorbell);
    for (uint32_t& handle : syncobjs_) handle = syncobj();
    // Pending, and reached.
    EXPECT_EQ(submit(4, 0), 0);
    gpu_write(kDoorbell, 4);
  });
  run_.irqs = {[this] { process_fence_irq(device(), kDoorbell); }};
  int statuses[2];
  inspect([&] {
    for (unsigned i = 0; i < 2; ++i) statuses[i] = status(i);
  });
  EXPECT_EQ(sweep({[] {}, [this] { EXPECT_EQ(submit(9, 1), 0); }},
                  [&] {
                    ASSERT_EQ(statuses[0], 1);
                    ASSERT_EQ(statuses[1], -ECANCELED);
                  },
                  {sched::Target::kIrq, kernel::kT1}),
            "nothing");
}

// The watchdog has fired and waits for the semaphore: from here on it runs beside the thread.
class HangDetectRaceTest : public HangDetectTest {
 protected:
  void submit_and_let_it_fire() {
    EXPECT_EQ(submit(4, 0), 0);
    EXPECT_EQ(submit(9, 1), 0);
    kernel::down_read(device().reset_domain.sem);
    rest(kTimeout + 1);
    kernel::up_read(device().reset_domain.sem);
  }
};

TEST_F(HangDetectRaceTest, FiringMeetsTheInterruptAtEveryPreemption) {
  int statuses[2];
  int completed = 0, cancelled = 0;
  inspect([&] {
    for (unsigned i = 0; i < 2; ++i) statuses[i] = status(i);
  });
  EXPECT_EQ(sweep({[this] {
                    submit_and_let_it_fire();
                    complete(kDoorbell, 9);
                  }},
                  [&] {
                    for (int each : statuses) {
                      ASSERT_TRUE(each == 1 || each == -ECANCELED) << each;
                      ++(each == 1 ? completed : cancelled);
                    }
                  },
                  {sched::Target::kWorker, kernel::kT0}),
            "nothing");
  EXPECT_GT(completed, 0);
  EXPECT_GT(cancelled, 0);
}

TEST_F(HangDetectRaceTest, FiringMeetsFreeAtEveryPreemption) {
  EXPECT_EQ(sweep({[this] {
                    submit_and_let_it_fire();
                    EXPECT_EQ(free(id_), 0);
                  }},
                  [] {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

// With all fences complete the free waits for nothing but the watchdog itself.
TEST_F(HangDetectRaceTest, FreeOfAnIdleQueueWaitsForTheFiringWatchdog) {
  EXPECT_EQ(sweep({[this] {
                    submit_and_let_it_fire();
                    complete(kDoorbell, 9);
                    EXPECT_EQ(free(id_), 0);
                  }},
                  [] {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

// The last fence is complete, an older one with a larger sequence number is not: an interrupt
// during the free must not arm the watchdog of a queue that goes away.
TEST_F(HangDetectTest, InterruptDuringAFreeArmsNothing) {
  prepare([this] {
    id_ = create(kDoorbell);
    for (uint32_t& handle : syncobjs_) handle = syncobj();
    EXPECT_EQ(submit(2, 0), 0);
    EXPECT_EQ(submit(9, 0), 0);
    EXPECT_EQ(submit(4, 1), 0);
    gpu_write(kDoorbell, 5);
    dma::Fence* last = fence_of(syncobjs_[1]);
    EXPECT_TRUE(dma::fence_is_signaled(*last));
    dma::fence_put(last, kTest);
  });
  run_.irqs = {[this] { process_fence_irq(device(), kDoorbell); }};
  int statuses[2];
  inspect([&] {
    for (unsigned i = 0; i < 2; ++i) statuses[i] = status(i);
  });
  EXPECT_EQ(sweep({[] {}, [this] { EXPECT_EQ(free(id_), 0); }},
                  [&] {
                    ASSERT_EQ(statuses[0], -ECANCELED);
                    ASSERT_EQ(statuses[1], 1);
                    ASSERT_EQ(sched::now(), 0u);
                  },
                  {sched::Target::kIrq, kernel::kT1}),
            "nothing");
}

// --- interrupts without a queue ---

TEST_F(HangDetectTest, InterruptOfADoorbellWithoutAQueueIsIgnored) {
  EXPECT_EQ(run({[this] {
              eop(kDoorbell + 1);
              EXPECT_EQ(submit(4, 0), 0);
              complete(kDoorbell, 4);
              EXPECT_EQ(free(id_), 0);
              eop(kDoorbell);
              gpu_write(kDoorbell, 7);  // the slot is nobody's now
              EXPECT_EQ(create(kDoorbell), id_);
              EXPECT_EQ(fence_driver_read(driver(id_)), 0u);
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
