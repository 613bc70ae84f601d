// Recovery: single queues, the whole GPU, and what becomes of queues and fences in every state.
#include "core/userq/reset.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

using kernel::kSecond;

constexpr uint32_t kA = 1, kB = 2, kC = 3;  // doorbells
constexpr uint64_t kTimeout = 2 * kSecond;

class ResetTest : public DeviceTest {
 protected:
  uint32_t create_on(uint32_t ip_type, uint32_t doorbell, unsigned on_file = 0) {
    drm_amdgpu_userq_in in = create_args(doorbell);
    in.ip_type = ip_type;
    uint32_t id = 0;
    EXPECT_EQ(userq(in, &id, on_file), 0);
    return id;
  }
  QueueState state_of(uint32_t id, unsigned on_file = 0) {
    kernel::mutex_lock(mgr(on_file).userq_mutex);
    const QueueState now = queue_state(queue(id, on_file));
    kernel::mutex_unlock(mgr(on_file).userq_mutex);
    return now;
  }
  bool armed(uint32_t id) { return kernel::delayed_work_pending(queue(id).hang_detect_work); }
  // Makes the queue's fence pending: it shall be `status` in the end.
  uint32_t submit(uint32_t id, uint64_t seqno) {
    const uint32_t s = syncobj();
    EXPECT_EQ(signal(id, seqno, {s}), 0);
    return s;
  }
};

// --- single queues ---

TEST_F(ResetTest, FirmwareResetsAllHungQueuesOfTheEngineWhoeverOwnsThem) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA), b = create(kB), c = create(kC, 1);
              const uint32_t s = submit(a, 4);
              hang(kB);
              hang(kC);
              detect_and_reset_queues(mgr(), nullptr);
              EXPECT_EQ(state_of(a), QueueState::kMapped);
              EXPECT_EQ(flagged_status(s), 0);
              EXPECT_EQ(state_of(b), QueueState::kHung);
              EXPECT_EQ(state_of(c, 1), QueueState::kHung);
              EXPECT_EQ(hardware(kB), HwState::kUnmapped);
              EXPECT_EQ(hardware(kC), HwState::kUnmapped);
              complete(kA, 4);
            }}),
            "nothing");
}

TEST_F(ResetTest, EnginesThatTheFileHasNoQueuesOnAreLeft) {
  EXPECT_EQ(run({[this] {
              create(kA);
              const uint32_t c = create_on(kHwIpCompute, kC, 1);
              hang(kC);
              detect_and_reset_queues(mgr(), nullptr);
              EXPECT_EQ(state_of(c, 1), QueueState::kMapped);
              EXPECT_EQ(hardware(kC), HwState::kHung);
              detect_and_reset_queues(mgr(1), nullptr);
              EXPECT_EQ(state_of(c, 1), QueueState::kHung);
            }}),
            "nothing");
}

TEST_F(ResetTest, GuiltyQueueIsResetThoughTheFirmwareSeesNothingWrong) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA), b = create(kB);
              const uint32_t s = submit(a, 4), t = submit(b, 4);
              detect_and_reset_queues(mgr(), &queue(a));
              EXPECT_EQ(state_of(a), QueueState::kHung);
              EXPECT_EQ(hardware(kA), HwState::kUnmapped);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_FALSE(armed(a));
              EXPECT_EQ(flagged_status(t), 0);
              complete(kB, 4);
            }}),
            "nothing");
}

TEST_F(ResetTest, QueueThatGotThereInTimeIsNotGuilty) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              const uint32_t s = submit(a, 4);
              gpu_write(kA, 4);  // its interrupt is late
              detect_and_reset_queues(mgr(), &queue(a));
              EXPECT_EQ(state_of(a), QueueState::kMapped);
              EXPECT_EQ(flagged_status(s), 1);
            }}),
            "nothing");
}

TEST_F(ResetTest, WatchdogEndsTheFencesOfAQueueThatIsStopped) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              const uint32_t s = submit(a, 4);
              EXPECT_EQ(userq_suspend(device(), false), 0);
              rest(kTimeout + 1);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(state_of(a), QueueState::kHung);
              EXPECT_EQ(userq_resume(device()), 0);
              EXPECT_EQ(hardware(kA), HwState::kUnmapped);
            }}),
            "nothing");
}

TEST_F(ResetTest, GpuIsResetWhenTheFirmwareDoesNotAnswer) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA), c = create(kC, 1);
              const uint32_t s = submit(a, 4);
              hang(kA);
              hang(kC);
              fail_request(1);
              detect_and_reset_queues(mgr(), &queue(a));
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(state_of(a), QueueState::kMapped);
              EXPECT_EQ(state_of(c, 1), QueueState::kMapped);
              EXPECT_TRUE(is_mapped(kA));
              EXPECT_TRUE(is_mapped(kC));
            }}),
            "nothing");
}

TEST_F(ResetTest, GpuIsResetWhenTheGuiltyQueueCannotBeUnmapped) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              const uint32_t s = submit(a, 4);
              fail_request(2);
              rest(kTimeout + 1);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(state_of(a), QueueState::kMapped);
            }}),
            "nothing");
}

// --- recovery off ---

TEST_F(ResetTest, WithRecoveryOffAHungQueueStays) {
  config_.gpu_recovery = false;
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              const uint32_t s = submit(a, 4);
              hang(kA);
              schedule_reset(mgr());
              rest(2 * kTimeout);
              EXPECT_EQ(flagged_status(s), 0);
              EXPECT_EQ(state_of(a), QueueState::kMapped);
              EXPECT_EQ(hardware(kA), HwState::kHung);
              gpu_recover(device(), false);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
            }}),
            "nothing");
}

TEST_F(ResetTest, WithRecoveryOffFreeingAHungQueueDoesNotReturn) {
  config_.gpu_recovery = false;
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              submit(a, 4);
              free(a);
            }}).substr(0, 8),
            "deadlock");
}

// --- the whole GPU ---

TEST_F(ResetTest, CompletesAllFencesAndBringsTheQueuesBack) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA), b = create_on(kHwIpDma, kB);
              const uint32_t reached = submit(a, 4), s = submit(a, 9), t = submit(b, 4);
              gpu_write(kA, 4);
              gpu_recover(device(), false);
              EXPECT_EQ(flagged_status(reached), 1);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(flagged_status(t), -ECANCELED);
              for (uint32_t id : {a, b}) {
                EXPECT_EQ(state_of(id), QueueState::kMapped);
                EXPECT_FALSE(armed(id));
              }
              const uint32_t next = submit(a, 10);
              complete(kA, 10);
              EXPECT_EQ(flagged_status(next), 1);
              EXPECT_EQ(sched::now(), 0u);
            }}),
            "nothing");
}

TEST_F(ResetTest, LostVramTakesTheQueuesAlong) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              const uint32_t s = submit(a, 4);
              gpu_recover(device(), true);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(state_of(a), QueueState::kHung);
              EXPECT_EQ(hardware(kA), HwState::kUnmapped);
              gpu_recover(device(), false);  // cannot bring it back either
              EXPECT_EQ(state_of(a), QueueState::kHung);
              EXPECT_EQ(free(a), 0);
              create(kA);
              EXPECT_TRUE(is_mapped(kA));
            }}),
            "nothing");
}

// Upstream leaves out all that is not mapped: nobody completes those fences then.
TEST_F(ResetTest, CompletesTheFencesOfQueuesThatAreNotMapped) {
  for (bool s0ix : {false, true}) {
    EXPECT_EQ(run({[&] {
                const uint32_t a = create(kA);
                const uint32_t s = submit(a, 4);
                EXPECT_EQ(userq_suspend(device(), s0ix), 0);
                gpu_recover(device(), false);
                EXPECT_EQ(flagged_status(s), -ECANCELED);
                EXPECT_FALSE(armed(a));
                EXPECT_EQ(state_of(a), QueueState::kUnmapped);
                EXPECT_EQ(hardware(kA), HwState::kUnmapped);
                EXPECT_EQ(userq_resume(device()), 0);
                EXPECT_TRUE(is_mapped(kA));
              }}),
              "nothing");
  }
}

TEST_F(ResetTest, RevivesAQueueThatHung) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              hang(kA);
              detect_and_reset_queues(mgr(), nullptr);
              EXPECT_EQ(state_of(a), QueueState::kHung);
              gpu_recover(device(), false);
              EXPECT_EQ(state_of(a), QueueState::kMapped);
            }}),
            "nothing");
}

TEST_F(ResetTest, DoesNotMapWhatIsEvicted) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA);
              hang(kA);
              detect_and_reset_queues(mgr(), nullptr);
              evf_mgr_shutdown(evf_mgr());
              evf_mgr_flush_suspend(evf_mgr());
              gpu_recover(device(), false);
              EXPECT_EQ(state_of(a), QueueState::kUnmapped);
              EXPECT_EQ(hardware(kA), HwState::kUnmapped);
            }}),
            "nothing");
}

// A queue that is being created belongs to its creator: nobody else maps it.
TEST_F(ResetTest, MeetsACreationAtEveryPreemption) {
  EXPECT_EQ(sweep({[this] {
                     const uint32_t id = create(kA);
                     rest();
                     EXPECT_EQ(state_of(id), QueueState::kMapped);
                   },
                   [this] { gpu_recover(device(), false); }},
                  [] {}, {kernel::kT1}),
            "nothing");
}

// If the descriptor was made before the loss and was to be mapped after it, there is no queue.
TEST_F(ResetTest, ThatLosesTheVramMeetsACreationAtEveryPreemption) {
  unsigned mapped = 0, hung = 0, refused = 0;
  EXPECT_EQ(sweep({[&] {
                     uint32_t id = 0;
                     const int error = userq(create_args(kA), &id);
                     EXPECT_TRUE(error == 0 || error == -ECANCELED) << error;
                     rest();
                     ++(error != 0 ? refused : state_of(id) == QueueState::kMapped ? mapped : hung);
                     EXPECT_EQ(is_mapped(kA), error == 0 && state_of(id) == QueueState::kMapped);
                   },
                   [this] { gpu_recover(device(), true); }},
                  [] {}, {kernel::kT1}),
            "nothing");
  EXPECT_GT(mapped, 0u);
  EXPECT_GT(hung, 0u);
  EXPECT_GT(refused, 0u);
}

// What waits for fences is what the reset must end.
TEST_F(ResetTest, WaitsForNoFence) {
  EXPECT_EQ(run({[this] {
                   const uint32_t a = create(kA);
                   submit(a, 4);
                   EXPECT_EQ(free(a), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                 },
                 [this] {
                   rest(kSecond);
                   gpu_recover(device(), false);
                   EXPECT_EQ(sched::now(), kSecond);
                 }}),
            "nothing");
}

TEST_F(ResetTest, EndsTheWaitOfAnEviction) {
  EXPECT_EQ(run({[this] {
                   const uint32_t a = create(kA);
                   submit(a, 4);
                   evf_mgr_shutdown(evf_mgr());
                   evf_mgr_flush_suspend(evf_mgr());
                   EXPECT_EQ(sched::now(), kSecond);
                   EXPECT_EQ(state_of(a), QueueState::kUnmapped);
                 },
                 [this] {
                   rest(kSecond);
                   gpu_recover(device(), false);
                 }}),
            "nothing");
}

TEST_F(ResetTest, EvictionOfAHungQueueResetsIt) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(kA), b = create(kB);
              hang(kA);
              evf_mgr_shutdown(evf_mgr());
              evf_mgr_flush_suspend(evf_mgr());
              EXPECT_EQ(state_of(a), QueueState::kHung);
              EXPECT_EQ(hardware(kA), HwState::kUnmapped);
              EXPECT_EQ(state_of(b), QueueState::kUnmapped);
            }}),
            "nothing");
}

// --- whichever request fails ---

TEST_F(ResetTest, LifeOfAQueueEndsWellWhicheverFirmwareRequestFails) {
  for (uint32_t n = 1; n <= 24; ++n) {
    EXPECT_EQ(run({[&] {
                fail_request(n);
                uint32_t id = 0;
                if (userq(create_args(kA), &id) != 0) return;
                uint32_t b = 0;
                userq(create_args(kB), &b);
                submit(id, 4);
                complete(kA, 4);
                userq_suspend(device(), false);
                userq_resume(device());
                stop_sched_for_enforce_isolation(device());
                userq_suspend(device(), true);
                userq_resume(device());
                start_sched_for_enforce_isolation(device());
                submit(id, 9);
                hang(kA);
                rest(kTimeout + 1);
                gpu_recover(device(), false);
                submit(id, 12);
                check_invariants(device());
                EXPECT_EQ(free(id), 0);
              }}),
              "nothing")
        << n;
  }
}

}  // namespace
}  // namespace userq
