// The states of a queue: every request from every state, every failure, and what forbids a queue to
// run.
#include "core/userq/queue_state.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"
#include "core/userq/mes.h"
#include "core/userq/reset.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

using kernel::kSecond;

constexpr uint32_t kDoorbell = 3;

class QueueStateTest : public DeviceTest {
 protected:
  // A run of one thread with one queue in state MAPPED.
  std::string run_one(const Body& body) {
    return run({[this, &body] {
      id_ = create(kDoorbell);
      body();
    }});
  }
  template <typename Request>
  auto request(Request function, uint32_t id) {
    kernel::mutex_lock(mgr().userq_mutex);
    const auto result = function(queue(id));
    kernel::mutex_unlock(mgr().userq_mutex);
    return result;
  }
  int request(int (*function)(Queue& queue)) { return request(function, id_); }
  void invalidate() {
    kernel::mutex_lock(mgr().userq_mutex);
    queue_invalidate(queue(id_));
    kernel::mutex_unlock(mgr().userq_mutex);
  }
  // As the end of a queue does it.
  int detach() {
    kernel::mutex_lock(mgr().userq_mutex);
    const int error = queue_detach(queue(id_));
    if (error == 0) {
      kernel::list_del_init(queue(id_).mgr_link);
      kernel::atomic_add_return(-1, mgr().userq_count[kHwIpGfx]);
    }
    kernel::mutex_unlock(mgr().userq_mutex);
    return error;
  }
  bool dead() { return request(queue_is_dead, id_); }

  // Brings the MAPPED queue into a state.
  void bring_to(QueueState wanted) {
    switch (wanted) {
      case QueueState::kMapped:
        break;
      case QueueState::kUnmapped:
        EXPECT_EQ(request(queue_unmap), 0);
        break;
      case QueueState::kPreempted:
        EXPECT_EQ(request(queue_preempt), 0);
        break;
      case QueueState::kHung:
        hang(kDoorbell);
        EXPECT_EQ(request(queue_unmap), -ETIMEDOUT);
        rest();
        break;
      case QueueState::kInvalidVa:
        EXPECT_EQ(request(queue_unmap), 0);
        invalidate();
        break;
    }
    EXPECT_EQ(state(id_), wanted);
  }
  // The state and the hardware's.
  void expect(QueueState wanted, HwState on_hardware) {
    EXPECT_EQ(state(id_), wanted);
    EXPECT_EQ(hardware(kDoorbell), on_hardware);
  }

  uint32_t id_ = 0;
};

// --- from every state ---

constexpr QueueState kStates[] = {QueueState::kUnmapped, QueueState::kMapped,
                                  QueueState::kPreempted, QueueState::kHung,
                                  QueueState::kInvalidVa};

struct Request {
  const char* name;
  int (*function)(Queue& queue);
  QueueState next[5];  // from kStates[i]
};
constexpr QueueState U = QueueState::kUnmapped, M = QueueState::kMapped, P = QueueState::kPreempted,
                     H = QueueState::kHung, I = QueueState::kInvalidVa;
constexpr Request kRequests[] = {
    {"map", queue_map, {M, M, P, H, I}},         {"unmap", queue_unmap, {U, U, U, H, I}},
    {"preempt", queue_preempt, {U, P, P, H, I}}, {"restore", queue_restore, {U, M, M, H, I}},
    {"resume", queue_resume, {M, M, M, H, I}},
};

TEST_F(QueueStateTest, RequestsActFromTheRightStatesAndElseDoNothing) {
  for (const Request& each : kRequests) {
    for (unsigned i = 0; i < 5; ++i) {
      SCOPED_TRACE(std::string(each.name) + " from " + std::to_string(i));
      EXPECT_EQ(run_one([&] {
                  bring_to(kStates[i]);
                  EXPECT_EQ(request(each.function), 0);
                  const QueueState next = each.next[i];
                  expect(next, next == M   ? HwState::kRunning
                               : next == P ? HwState::kPreempted
                                           : HwState::kUnmapped);
                  EXPECT_EQ(dead(), next == H || next == I);
                  device().suspended = true;  // it may stay where it is
                }),
                "nothing");
    }
  }
}

TEST_F(QueueStateTest, RequestsWantTheManagersMutex) {
  for (const Request& each : kRequests) {
    if (each.function == queue_resume) continue;
    EXPECT_EQ(run_one([&] { each.function(queue(id_)); }), "warn-on userq_mutex") << each.name;
  }
  EXPECT_EQ(run_one([&] { queue_state(queue(id_)); }), "warn-on userq_mutex");
}

TEST_F(QueueStateTest, SettingAQueueHungWantsTheResetSemaphore) {
  EXPECT_EQ(run_one([&] { queue_set_hung(queue(id_)); }), "warn-on reset_domain.sem");
}

// --- failures of the firmware ---

TEST_F(QueueStateTest, FailedMapLeavesItHungOffTheHardwareAndCompletesItsFences) {
  EXPECT_EQ(run_one([this] {
              const uint32_t s = syncobj();
              EXPECT_EQ(signal(id_, 4, {s}), 0);
              EXPECT_EQ(userq_suspend(device(), false), 0);
              fail_request(1);
              EXPECT_EQ(userq_resume(device()), -ETIMEDOUT);
              expect(QueueState::kHung, HwState::kUnmapped);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
            }),
            "nothing");
}

TEST_F(QueueStateTest, FailedUnmapHangsTheQueueUntilTheResetHasTakenItOff) {
  EXPECT_EQ(run_one([this] {
              const uint32_t s = syncobj();
              EXPECT_EQ(signal(id_, 4, {s}), 0);
              fail_request(1);
              EXPECT_EQ(request(queue_unmap), -ETIMEDOUT);
              expect(QueueState::kHung, HwState::kHung);
              EXPECT_EQ(request(queue_unmap), -ETIMEDOUT);  // still not
              kernel::flush_work(mgr().reset_work);
              expect(QueueState::kHung, HwState::kUnmapped);
              EXPECT_EQ(request(queue_unmap), 0);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
            }),
            "nothing");
}

TEST_F(QueueStateTest, FailedPreemptAndRestoreAreFollowedByAReset) {
  for (const auto& [first, failing] :
       {std::pair{&queue_map, &queue_preempt}, std::pair{&queue_preempt, &queue_restore}}) {
    EXPECT_EQ(run_one([&, first = first, failing = failing] {
                EXPECT_EQ(request(first), 0);
                fail_request(1);
                EXPECT_EQ(request(failing), -ETIMEDOUT);
                expect(QueueState::kHung, HwState::kHung);
                kernel::flush_work(mgr().reset_work);
                expect(QueueState::kHung, HwState::kUnmapped);
              }),
              "nothing");
  }
}

TEST_F(QueueStateTest, FailedRestoreIsNotFollowedByAMap) {
  EXPECT_EQ(run_one([this] {
              bring_to(QueueState::kPreempted);
              fail_request(1);
              EXPECT_EQ(request(queue_resume), -ETIMEDOUT);
              rest();
              expect(QueueState::kHung, HwState::kUnmapped);
            }),
            "nothing");
}

// --- what forbids it to run ---

TEST_F(QueueStateTest, StaysOffWhileTheDeviceIsSuspended) {
  EXPECT_EQ(run_one([this] {
              EXPECT_EQ(userq_suspend(device(), false), 0);
              EXPECT_EQ(request(queue_map), 0);
              expect(QueueState::kUnmapped, HwState::kUnmapped);
              EXPECT_EQ(userq_resume(device()), 0);
              expect(QueueState::kMapped, HwState::kRunning);
            }),
            "nothing");
}

TEST_F(QueueStateTest, StaysOffWhileItsEngineIsHalted) {
  EXPECT_EQ(run_one([this] {
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              EXPECT_EQ(request(queue_restore), 0);
              expect(QueueState::kPreempted, HwState::kPreempted);
              EXPECT_EQ(request(queue_unmap), 0);
              EXPECT_EQ(request(queue_map), 0);
              expect(QueueState::kUnmapped, HwState::kUnmapped);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              expect(QueueState::kMapped, HwState::kRunning);
            }),
            "nothing");
}

TEST_F(QueueStateTest, StaysOffWhileTheEvictionFenceIsSignaled) {
  EXPECT_EQ(run_one([this] {
              evf_mgr_shutdown(evf_mgr());  // nothing brings it back
              evf_mgr_flush_suspend(evf_mgr());
              expect(QueueState::kUnmapped, HwState::kUnmapped);
              EXPECT_EQ(request(queue_map), 0);
              expect(QueueState::kUnmapped, HwState::kUnmapped);
            }),
            "nothing");
}

TEST_F(QueueStateTest, CannotBeMappedWhenItsDescriptorWentWithTheVram) {
  EXPECT_EQ(run_one([this] {
              bring_to(QueueState::kUnmapped);
              gpu_recover(device(), true);
              expect(QueueState::kHung, HwState::kUnmapped);
              const uint32_t other = create(kDoorbell + 1);  // made after the loss
              EXPECT_EQ(state(other), QueueState::kMapped);
            }),
            "nothing");
}

// --- the ends ---

TEST_F(QueueStateTest, InvalidQueueCompletesItsFencesAndNeverRunsAgain) {
  EXPECT_EQ(run_one([this] {
              const uint32_t s = syncobj();
              EXPECT_EQ(signal(id_, 4, {s}), 0);
              bring_to(QueueState::kInvalidVa);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              gpu_recover(device(), false);
              expect(QueueState::kInvalidVa, HwState::kUnmapped);
              EXPECT_EQ(signal(id_, 5, {s}), 0);
              EXPECT_EQ(flagged_status(s), -ECANCELED);
            }),
            "nothing");
}

TEST_F(QueueStateTest, MappedQueueMustNotBecomeInvalid) {
  EXPECT_EQ(run_one([this] { invalidate(); }), "warn-on queue_invalidate");
}

TEST_F(QueueStateTest, SetHungLeavesAnInvalidQueueInvalid) {
  EXPECT_EQ(run_one([this] {
              bring_to(QueueState::kInvalidVa);
              kernel::down_write(device().reset_domain.sem);
              queue_set_hung(queue(id_));
              kernel::up_write(device().reset_domain.sem);
              expect(QueueState::kInvalidVa, HwState::kUnmapped);
            }),
            "nothing");
}

TEST_F(QueueStateTest, DetachTakesItOffTheHardwareAndTheDoorbell) {
  for (QueueState from : kStates) {
    EXPECT_EQ(run_one([&] {
                bring_to(from);
                EXPECT_EQ(detach(), 0);
                EXPECT_EQ(queue_at(device(), kDoorbell), nullptr);
                EXPECT_EQ(hardware(kDoorbell), HwState::kUnmapped);
              }),
              "nothing");
  }
}

TEST_F(QueueStateTest, DetachThatFailsLeavesItWhereAResetFindsIt) {
  EXPECT_EQ(run_one([this] {
              hang(kDoorbell);
              EXPECT_EQ(detach(), -ETIMEDOUT);
              EXPECT_EQ(queue_at(device(), kDoorbell), &queue(id_));
              expect(QueueState::kHung, HwState::kHung);
              kernel::flush_work(mgr().reset_work);
              EXPECT_EQ(detach(), 0);
              EXPECT_EQ(queue_at(device(), kDoorbell), nullptr);
            }),
            "nothing");
}

TEST_F(QueueStateTest, QueueThatMayBeMappedIsOnItsDoorbell) {
  EXPECT_EQ(run_one([this] {
              kernel::XArray& xa = device().userq_doorbell_xa;
              unsigned long flags;
              kernel::xa_lock_irqsave(xa, flags);
              kernel::xa_erase_locked(xa, kDoorbell);
              kernel::xa_unlock_irqrestore(xa, flags);
              EXPECT_EQ(free(id_), 0);
            }),
            "warn-on erase_doorbell");
  EXPECT_EQ(run_one([this] { EXPECT_EQ(free(id_), 0); }), "nothing");
}

TEST_F(QueueStateTest, DetachWithRecoveryOffGoesOnWithoutTheHardware) {
  config_.gpu_recovery = false;
  EXPECT_EQ(run_one([this] {
              hang(kDoorbell);
              EXPECT_EQ(free(id_), 0);
              EXPECT_EQ(queue_at(device(), kDoorbell), nullptr);
              EXPECT_EQ(hardware(kDoorbell), HwState::kHung);
              EXPECT_EQ(userq(create_args(kDoorbell)), -ETIMEDOUT);
              gpu_recover(device(), false);
              create(kDoorbell);
            }),
            "nothing");
}

}  // namespace
}  // namespace userq
