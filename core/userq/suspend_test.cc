// Stops of the device: system suspend and resume, isolation of an engine.
#include "core/userq/suspend.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"
#include "core/userq/evict.h"
#include "core/userq/reset.h"

namespace userq {
namespace {

using kernel::kSecond;

constexpr uint32_t kA = 1, kB = 2, kC = 3;  // doorbells

class SuspendTest : public DeviceTest {
 protected:
  uint32_t create_on(uint32_t ip_type, uint32_t doorbell, unsigned on_file = 0) {
    drm_amdgpu_userq_in in = create_args(doorbell);
    in.ip_type = ip_type;
    uint32_t id = 0;
    EXPECT_EQ(userq(in, &id, on_file), 0);
    return id;
  }
  void expect(HwState a, HwState b, HwState c) {
    EXPECT_EQ(hardware(kA), a);
    EXPECT_EQ(hardware(kB), b);
    EXPECT_EQ(hardware(kC), c);
  }
  void evict_and_stay_evicted() {
    evf_mgr_shutdown(evf_mgr());
    evf_mgr_flush_suspend(evf_mgr());
  }
  void create_three() {
    a_ = create_on(kHwIpGfx, kA);
    b_ = create_on(kHwIpDma, kB);
    c_ = create_on(kHwIpCompute, kC, 1);
  }

  static constexpr HwState kOff = HwState::kUnmapped, kOn = HwState::kRunning,
                           kStopped = HwState::kPreempted;
  uint32_t a_ = 0, b_ = 0, c_ = 0;
};

// --- suspend ---

TEST_F(SuspendTest, UnmapsTheQueuesOfAllFilesAndBringsThemBack) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(userq_suspend(device(), false), 0);
              expect(kOff, kOff, kOff);
              EXPECT_EQ(userq_resume(device()), 0);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, SuspendThatLeavesSomethingMappedIsReported) {
  EXPECT_EQ(run({[this] {
              create_three();
              // Behind the driver's back.
              gpu_map_queue(device().gpu, kC + 1, kHwIpGfx, driver(a_).cpu_addr);
              EXPECT_EQ(userq_suspend(device(), false), 0);
            }}),
            "wrong-result amdgpu_userq_suspend");
}

TEST_F(SuspendTest, PreemptsForS0ix) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(userq_suspend(device(), true), 0);
              expect(kStopped, kStopped, kStopped);
              EXPECT_EQ(userq_resume(device()), 0);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, PendingFencesGoOnAfterTheResume) {
  EXPECT_EQ(run({[this] {
              create_three();
              const uint32_t s = syncobj();
              EXPECT_EQ(signal(a_, 4, {s}), 0);
              EXPECT_EQ(userq_suspend(device(), false), 0);
              complete(kA, 4);  // comes to nothing
              EXPECT_EQ(flagged_status(s), 0);
              EXPECT_EQ(userq_resume(device()), 0);
              complete(kA, 4);
              EXPECT_EQ(flagged_status(s), 1);
            }}),
            "nothing");
}

TEST_F(SuspendTest, QueueCreatedMeanwhileComesWithTheOthers) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(userq_suspend(device(), false), 0);
              create_three();
              expect(kOff, kOff, kOff);
              EXPECT_EQ(userq_resume(device()), 0);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, QueueFreedMeanwhileIsGone) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(userq_suspend(device(), true), 0);
              EXPECT_EQ(free(a_), 0);
              expect(kOff, kStopped, kStopped);
              EXPECT_EQ(userq_resume(device()), 0);
              expect(kOff, kOn, kOn);
            }}),
            "nothing");
}

// Upstream returns at once, with some queues off and nobody to bring them back.
TEST_F(SuspendTest, TriesAllReturnsTheErrorAndIsNotSuspended) {
  for (uint32_t failing = 1; failing <= 3; ++failing) {
    EXPECT_EQ(run({[&] {
                create_three();
                fail_request(failing);
                EXPECT_EQ(userq_suspend(device(), false), -ETIMEDOUT);
                rest();
                expect(failing == 1 ? kOff : kOn, failing == 2 ? kOff : kOn,
                       failing == 3 ? kOff : kOn);
                EXPECT_EQ(userq_suspend(device(), false), 0);
                expect(kOff, kOff, kOff);
              }}),
              "nothing");
  }
}

TEST_F(SuspendTest, ResumeTriesAllAndReturnsTheFirstError) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(userq_suspend(device(), false), 0);
              fail_request(1);
              EXPECT_EQ(userq_resume(device()), -ETIMEDOUT);
              expect(kOff, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, ResumeLeavesOffWhatIsEvicted) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(userq_suspend(device(), false), 0);
              evict_and_stay_evicted();
              EXPECT_EQ(userq_resume(device()), 0);
              expect(kOff, kOff, kOn);
            }}),
            "nothing");
}

// Upstream cancels the resume work of the file and forgets it.
TEST_F(SuspendTest, ResumeOfAnEvictedFileComesAfterIt) {
  EXPECT_EQ(run({[this] {
              create_three();
              dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr(), kTest);
              dma::fence_wait(*ev_fence, false);
              dma::fence_put(ev_fence, kTest);
              EXPECT_EQ(userq_suspend(device(), false), 0);
              EXPECT_EQ(userq_resume(device()), 0);
              rest(kSecond);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

// --- isolation ---

TEST_F(SuspendTest, IsolationStopsGfxAndComputeOnly) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              expect(kStopped, kOn, kStopped);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, IsolationIsNotCounted) {
  EXPECT_EQ(run({[this] {
              create_three();
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              fail_request(1);
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);  // asks for nothing
              EXPECT_EQ(hardware(kA), kStopped);
              fail_request(0);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              expect(kOn, kOn, kOn);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
            }}),
            "nothing");
}

TEST_F(SuspendTest, QueueCreatedOnAHaltedEngineIsLeftUnmapped) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              create_three();
              expect(kOff, kOn, kOff);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              expect(kOn, kOn, kOn);
            }}),
            "nothing");
}

TEST_F(SuspendTest, IsolationTriesAllAndReturnsTheFirstError) {
  EXPECT_EQ(run({[this] {
              create_three();
              fail_request(1);
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), -ETIMEDOUT);
              rest();
              expect(kOff, kOn, kStopped);
              fail_request(1);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), -ETIMEDOUT);
              rest();
              expect(kOff, kOn, kOff);
            }}),
            "nothing");
}

TEST_F(SuspendTest, StopsOfBothKindsAddUp) {
  for (bool s0ix : {false, true}) {
    EXPECT_EQ(run({[&] {
                create_three();
                EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
                EXPECT_EQ(userq_suspend(device(), s0ix), 0);
                const HwState off = s0ix ? kStopped : kOff;
                expect(off, off, off);
                EXPECT_EQ(userq_resume(device()), 0);
                expect(off, kOn, off);
                EXPECT_EQ(userq_suspend(device(), s0ix), 0);
                EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
                expect(off, off, off);
                EXPECT_EQ(userq_resume(device()), 0);
                expect(kOn, kOn, kOn);
              }}),
              "nothing");
  }
}

// --- walks meet the ends of queues and files ---

TEST_F(SuspendTest, WalkMeetsAFreeAtEveryPreemption) {
  prepare([this] { create_three(); });
  EXPECT_EQ(sweep({[this] {
                     userq_suspend(device(), false);
                     userq_resume(device());
                   },
                   [this] { EXPECT_EQ(free(a_), 0); }},
                  [] {}),
            "nothing");
}

TEST_F(SuspendTest, WalkMeetsACreateAtEveryPreemption) {
  prepare([this] { b_ = create_on(kHwIpDma, kB); });
  inspect([this] {
    EXPECT_TRUE(is_mapped(kA));
    EXPECT_TRUE(is_mapped(kB));
  });
  EXPECT_EQ(sweep({[this] { create(kA); },
                   [this] {
                     userq_suspend(device(), false);
                     userq_resume(device());
                   }},
                  [] {}),
            "nothing");
}

TEST_F(SuspendTest, NothingRunsOnceTheSuspendIsOverWhateverIsCreatedMeanwhile) {
  prepare([] {});
  EXPECT_EQ(sweep({[this] { create(kA); },
                   [this] {
                     EXPECT_EQ(userq_suspend(device(), false), 0);
                     EXPECT_EQ(hardware(kA), HwState::kUnmapped);
                     rest();
                     EXPECT_EQ(hardware(kA), HwState::kUnmapped);
                   }},
                  [] {}),
            "nothing");
}

TEST_F(SuspendTest, StopMeetsAStartAtEveryPreemption) {
  prepare([this] { create_three(); });
  inspect([this] {
    const bool halted = kernel::read_once(device().userq_halt_for_enforce_isolation);
    expect(halted ? kStopped : kOn, kOn, halted ? kStopped : kOn);
  });
  EXPECT_EQ(sweep({[this] { EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0); },
                   [this] { EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0); }},
                  [] {}),
            "nothing");
}

}  // namespace
}  // namespace userq
