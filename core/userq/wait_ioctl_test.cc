// The wait ioctl (behaviour 1.9): counting, filling, what is waited for here instead of by the GPU,
// and which references it leaves with the queue.
#include "core/userq/wait_ioctl.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/kernel/errno.h"
#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

using kernel::kSecond;
using WaitArgs = drm_amdgpu_userq_wait;

constexpr uint32_t kA = 0, kB = 1, kC = 2;  // doorbells
constexpr uint32_t kUnknown = 77;

// Queues A and C with a pending fence each, in s_ and t_; queue B is the one that waits.
class WaitTest : public DeviceTest {
 protected:
  WaitTest() {
    prepare([this] {
      a_ = create(kA);
      b_ = create(kB);
      c_ = create(kC);
      s_ = syncobj();
      t_ = syncobj();
      empty_ = syncobj();
      EXPECT_EQ(signal(a_, 4, {s_}), 0);
      EXPECT_EQ(signal(c_, 6, {t_}), 0);
    });
  }

  void complete_all() {
    complete(kA, 9);
    complete(kC, 9);
  }
  int count(const Handles& syncobjs, uint16_t* number) {
    WaitArgs args = wait_args(b_, syncobjs, 0);
    const int error = wait(args);
    *number = args.num_fences;
    return error;
  }
  // Entries in the queue's fence_drv_xa.
  unsigned held_drivers(uint32_t id) {
    unsigned number = 0;
    uint64_t index;
    FenceDriver* entry;
    xa_for_each(queue(id).fence_drv_xa, index, entry) ++number;
    return number;
  }
  // Expects that the failing ioctl leaves every reference and every object as they were.
  void expect_refused(WaitArgs args, int error) {
    const size_t objects = kernel::slab_live_objects();
    EXPECT_EQ(wait(args), error);
    EXPECT_EQ(kernel::slab_live_objects(), objects);
    EXPECT_EQ(refs(driver(a_)), 2);
    EXPECT_EQ(refs(*queue(a_).last_fence), 3);
    EXPECT_EQ(kernel::kref_read(queue(b_).refcount), 1);
    EXPECT_EQ(held_drivers(b_), 0u);
  }

  uint32_t a_ = 0, b_ = 0, c_ = 0, s_ = 0, t_ = 0, empty_ = 0;
};

// --- errors ---

struct Fault {
  const char* name;
  int error;
  std::function<void(WaitArgs& args)> change;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
std::string fault_name(const testing::TestParamInfo<Fault>& info) { return info.param.name; }

class WaitRefuses : public WaitTest, public testing::WithParamInterface<Fault> {};

TEST_P(WaitRefuses, WhenCountingAndChangesNothing) {
  EXPECT_EQ(run({[this] {
              WaitArgs args = wait_args(b_, {s_}, 0);
              GetParam().change(args);
              expect_refused(args, GetParam().error);
              complete_all();
            }}),
            "nothing");
}

TEST_P(WaitRefuses, WhenFillingAndChangesNothing) {
  EXPECT_EQ(run({[this] {
              WaitArgs args = wait_args(b_, {s_}, 4);
              GetParam().change(args);
              expect_refused(args, GetParam().error);
              complete_all();
            }}),
            "nothing");
}

const Fault kFaults[] = {
    {"TooManyReadHandles", -EINVAL,
     [](WaitArgs& args) { args.num_bo_read_handles = kUserqMaxHandles + 1; }},
    {"TooManyWriteHandles", -EINVAL,
     [](WaitArgs& args) { args.num_bo_write_handles = kUserqMaxHandles + 1; }},
    {"SyncobjHandlesNotMapped", -EFAULT, [](WaitArgs& args) { args.syncobj_handles = 8; }},
    {"UnknownReadBuffer", -ENOENT,
     [](WaitArgs& args) {
       args.bo_read_handles = args.syncobj_handles + sizeof(uint32_t);
       args.num_bo_read_handles = 1;
     }},
    {"UnknownWriteBuffer", -ENOENT,
     [](WaitArgs& args) {
       args.bo_write_handles = args.syncobj_handles + sizeof(uint32_t);
       args.num_bo_write_handles = 1;
     }},
    {"ReadHandlesNotMapped", -EFAULT, [](WaitArgs& args) { args.num_bo_read_handles = 1; }},
    // The second handle in memory is 0, which is never one.
    {"UnknownSyncobj", -ENOENT, [](WaitArgs& args) { args.num_syncobj_handles = 2; }},
    {"LimitBeforeSyncobjs", -EINVAL,
     [](WaitArgs& args) {
       args.num_bo_read_handles = kUserqMaxHandles + 1;
       args.syncobj_handles = 8;
     }},
    {"BuffersBeforeSyncobjLookup", -EFAULT,
     [](WaitArgs& args) {
       args.num_syncobj_handles = 2;
       args.num_bo_write_handles = 1;
     }},
};
INSTANTIATE_TEST_SUITE_P(Fault, WaitRefuses, testing::ValuesIn(kFaults), fault_name);

TEST_F(WaitTest, NothingSubmittedWithinFiveSecondsIsATimeout) {
  for (uint16_t room : {0, 4}) {
    EXPECT_EQ(run({[&] {
                EXPECT_EQ(wait(b_, {s_, empty_}, room), -ETIME);
                EXPECT_EQ(sched::now(), 5 * kSecond);
              }}),
              "nothing");
  }
}

TEST_F(WaitTest, PendingSignalInterruptsTheWaitForASubmission) {
  for (uint16_t room : {0, 4}) {
    EXPECT_EQ(run({[&] {
                const WaitArgs args = wait_args(b_, {s_, empty_}, room);
                kernel::task().signal_pending = true;
                expect_refused(args, -kernel::kErestartsys);
                complete_all();
              }}),
              "nothing");
  }
}

TEST_F(WaitTest, FillingForAnUnknownQueueIsRefused) {
  EXPECT_EQ(run({[this] {
              expect_refused(wait_args(kUnknown, {s_}, 4), -EINVAL);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, FillingForAQueueOfAnotherFileIsRefused) {
  EXPECT_EQ(run({[this] {
              uint32_t other = 0;
              for (uint32_t doorbell = kC + 1; other <= c_; ++doorbell) other = create(doorbell, 1);
              expect_refused(wait_args(other, {s_}, 4), -EINVAL);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, LeavesNothingWhicheverAllocationFails) {
  EXPECT_EQ(run({[this] {
              // The copy of the handles, the infos, the fences.
              for (uint32_t n = 1; n <= 3; ++n) {
                const WaitArgs args = wait_args(b_, {s_}, 4);
                kernel::task().fail_alloc = n;
                expect_refused(args, -ENOMEM);
                EXPECT_EQ(kernel::task().fail_alloc, 0u);
              }
              complete_all();
            }}),
            "nothing");
}

// The first driver needs no node in the xarray, the second does.
TEST_F(WaitTest, WhenNoRoomIsFoundForASecondDriverTheFirstStaysWithTheQueue) {
  EXPECT_EQ(run({[this] {
              const WaitArgs args = wait_args(b_, {s_, t_}, 4);
              kernel::task().fail_alloc = 4;
              WaitArgs copy = args;
              EXPECT_EQ(wait(copy), -ENOMEM);
              EXPECT_EQ(held_drivers(b_), 1u);
              EXPECT_EQ(refs(driver(a_)) + refs(driver(c_)), 5);
              copy = args;
              EXPECT_EQ(wait(copy), 0);
              EXPECT_EQ(refs(driver(a_)) + refs(driver(c_)), 6);
              complete_all();
            }}),
            "nothing");
}

// --- counting ---

TEST_F(WaitTest, CountsEverySyncobjSignaledOrNot) {
  EXPECT_EQ(run({[this] {
              uint16_t number;
              EXPECT_EQ(count({}, &number), 0);
              EXPECT_EQ(number, 0);
              EXPECT_EQ(count({s_}, &number), 0);
              EXPECT_EQ(number, 1);
              complete_all();
              signal_syncobj(empty_);
              EXPECT_EQ(count({s_, t_, empty_, s_}, &number), 0);
              EXPECT_EQ(number, 4);
            }}),
            "nothing");
}

TEST_F(WaitTest, CountingTakesNothingAndNeedsNoQueue) {
  EXPECT_EQ(run({[this] {
              WaitArgs args = wait_args(kUnknown, {s_}, 0);
              EXPECT_EQ(wait(args), 0);
              EXPECT_EQ(args.num_fences, 1);
              EXPECT_EQ(refs(driver(a_)), 2);
              EXPECT_EQ(refs(*queue(a_).last_fence), 3);
              complete_all();
            }}),
            "nothing");
}

// --- filling ---

TEST_F(WaitTest, FillsInSlotAndSequenceNumberOfEachQueue) {
  EXPECT_EQ(run({[this] {
              std::vector<Info> infos;
              EXPECT_EQ(wait(b_, {t_, s_}, 4, &infos), 0);
              ASSERT_EQ(infos.size(), 2u);
              EXPECT_EQ(infos[0].va, driver(a_).va);  // by context: A is older than C
              EXPECT_EQ(infos[0].value, 4u);
              EXPECT_EQ(infos[1].va, driver(c_).va);
              EXPECT_EQ(infos[1].value, 6u);
              EXPECT_NE(infos[0].va, infos[1].va);
              EXPECT_EQ(held_drivers(b_), 2u);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, OfAQueueOnlyTheLatestFenceIsFilledIn) {
  EXPECT_EQ(run({[this] {
              const uint32_t later = syncobj();
              EXPECT_EQ(signal(a_, 9, {later}), 0);
              for (const Handles& handles : {Handles{s_, later}, Handles{later, s_, s_}}) {
                std::vector<Info> infos;
                EXPECT_EQ(wait(b_, handles, 4, &infos), 0);
                ASSERT_EQ(infos.size(), 1u);
                EXPECT_EQ(infos[0].value, 9u);
              }
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, FencesOfEqualSequenceNumberAreOne) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal(a_, 4, {empty_}), 0);
              std::vector<Info> infos;
              EXPECT_EQ(wait(b_, {empty_, s_}, 4, &infos), 0);
              ASSERT_EQ(infos.size(), 1u);
              EXPECT_EQ(infos[0].value, 4u);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, SignaledFencesAreFilledInToo) {
  EXPECT_EQ(run({[this] {
              complete_all();
              std::vector<Info> infos;
              EXPECT_EQ(wait(b_, {s_}, 4, &infos), 0);
              EXPECT_EQ(infos.size(), 1u);
              EXPECT_EQ(refs(driver(a_)), 3);
            }}),
            "nothing");
}

TEST_F(WaitTest, FencesThatAreNoQueuesGetNoInfo) {
  EXPECT_EQ(run({[this] {
              signal_syncobj(empty_);
              std::vector<Info> infos;
              EXPECT_EQ(wait(b_, {empty_, empty_}, 4, &infos), 0);
              EXPECT_EQ(infos.size(), 0u);
              EXPECT_EQ(wait(b_, {empty_, s_}, 4, &infos), 0);
              EXPECT_EQ(infos.size(), 1u);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, FenceForWhichThereIsNoRoomIsWaitedFor) {
  EXPECT_EQ(run({[this] {
                   std::vector<Info> infos;
                   EXPECT_EQ(wait(b_, {t_, s_}, 1, &infos), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                   ASSERT_EQ(infos.size(), 1u);
                   EXPECT_EQ(infos[0].va, driver(c_).va);
                   EXPECT_EQ(refs(driver(a_)), 2);  // nothing to hold: it is over
                   complete_all();
                 },
                 [this] {
                   rest(kSecond);
                   complete(kA, 4);
                 }}),
            "nothing");
}

TEST_F(WaitTest, PendingSignalInterruptsTheWaitForAFenceWithoutRoom) {
  EXPECT_EQ(run({[this] {
              const WaitArgs args = wait_args(b_, {t_, s_}, 1);
              kernel::task().signal_pending = true;
              expect_refused(args, -kernel::kErestartsys);
              EXPECT_EQ(refs(*queue(c_).last_fence), 3);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, WaitsForASubmissionThenFillsItIn) {
  std::vector<Info> infos;
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(wait(b_, {empty_}, 4, &infos), 0);
                   complete_all();
                 },
                 [this] {
                   rest(kSecond);
                   EXPECT_EQ(signal(c_, 8, {empty_}), 0);
                 }}),
            "nothing");
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].value, 8u);
}

// --- the references that stay with the queue ---

TEST_F(WaitTest, WaitingAgainTakesNoSecondReference) {
  EXPECT_EQ(run({[this] {
              for (int i = 0; i < 3; ++i) EXPECT_EQ(wait(b_, {s_}), 0);
              EXPECT_EQ(refs(driver(a_)), 3);
              EXPECT_EQ(held_drivers(b_), 1u);
              EXPECT_EQ(signal(b_, 1, {}), 0);
              EXPECT_EQ(held_drivers(b_), 0u);
              EXPECT_EQ(wait(b_, {s_}), 0);  // the fence has the first, the queue takes another
              EXPECT_EQ(refs(driver(a_)), 4);
              complete(kB, 1);
              EXPECT_EQ(refs(driver(a_)), 3);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, AfterAFaultOnTheWayOutTheReferencesStayUntilTheNextSignal) {
  EXPECT_EQ(run({[this] {
              WaitArgs args = wait_args(b_, {s_}, 4);
              args.out_fences = kNowhere;
              EXPECT_EQ(wait(args), -EFAULT);
              EXPECT_EQ(args.num_fences, 4);
              EXPECT_EQ(refs(driver(a_)), 3);
              EXPECT_EQ(held_drivers(b_), 1u);
              EXPECT_EQ(refs(*queue(a_).last_fence), 3);

              args = wait_args(b_, {s_}, 4);
              kernel::task().fail_copy = 2;
              EXPECT_EQ(wait(args), -EFAULT);
              EXPECT_EQ(refs(driver(a_)), 3);

              gpu_write(kB, 1);
              EXPECT_EQ(signal(b_, 1, {}), 0);
              EXPECT_EQ(refs(driver(a_)), 2);
              EXPECT_EQ(held_drivers(b_), 0u);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitTest, QueueMayWaitForItself) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(wait(a_, {s_}), 0);
              EXPECT_EQ(refs(driver(a_)), 3);
              EXPECT_EQ(signal(a_, 5, {}), 0);
              complete_all();
              EXPECT_EQ(refs(driver(a_)), 3);  // queue and two fences
            }}),
            "nothing");
}

// --- races ---

// A's queue is gone: its driver lives by the fence that B waits for alone. B's next fence is born
// signaled and drops at once what it inherits (O1 of the list of open upstream defects).
TEST_F(WaitTest, SignalDuringAWaitFindsOnlyDriversThatAreHeld) {
  uint64_t va = 0;
  std::vector<Info> infos;
  prepare([&] {
    a_ = create(kA);
    b_ = create(kB);
    s_ = syncobj();
    EXPECT_EQ(signal(a_, 4, {s_}), 0);
    complete(kA, 4);
    va = driver(a_).va;
    EXPECT_EQ(free(a_), 0);
    gpu_write(kB, 9);
  });
  EXPECT_EQ(sweep({[&] { EXPECT_EQ(wait(b_, {s_}, 1, &infos), 0); },
                   [this] { EXPECT_EQ(signal(b_, 9, {}), 0); }},
                  [&] {
                    ASSERT_EQ(infos.size(), 1u);
                    ASSERT_EQ(infos[0].va, va);
                    ASSERT_EQ(infos[0].value, 4u);
                  }),
            "nothing");
}

TEST_F(WaitTest, TwoWaitsOfOneQueueTakeOneReference) {
  const auto body = [this] { EXPECT_EQ(wait(b_, {s_}), 0); };
  int driver_refs;
  inspect([&] { driver_refs = refs(driver(a_)); });
  EXPECT_EQ(sweep({body, body}, [&] { ASSERT_EQ(driver_refs, 3); }), "nothing");
}

TEST_F(WaitTest, FreeDuringAWaitFillsInOrRefuses) {
  int result;
  int filled = 0, refused = 0;
  EXPECT_EQ(sweep({[&] { result = wait(b_, {s_}); }, [this] { EXPECT_EQ(free(b_), 0); }},
                  [&] {
                    ASSERT_TRUE(result == 0 || result == -EINVAL) << result;
                    ++(result == 0 ? filled : refused);
                  }),
            "nothing");
  EXPECT_GT(filled, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace userq
