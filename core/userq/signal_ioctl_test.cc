// The signal ioctl (behaviour 1.8): errors and their order, what a failure leaves, what success
// publishes.
#include "core/userq/signal_ioctl.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <ostream>
#include <string>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

using SignalArgs = drm_amdgpu_userq_signal;

constexpr uint32_t kDoorbell = 2;
constexpr uint32_t kUnknown = 77;
constexpr uint64_t kUnmapped = 0x900000;

class SignalTest : public DeviceTest {
 protected:
  SignalTest() {
    prepare([this] {
      id_ = create(kDoorbell);
      s_ = syncobj();
      t_ = syncobj();
    });
  }

  // Expects that the failing ioctl leaves every reference and every object as they were.
  void expect_refused(const SignalArgs& args, int error) {
    const size_t objects = kernel::slab_live_objects();
    const int queue_refs = kernel::kref_read(queue(id_).refcount);
    const int driver_refs = refs(driver(id_));
    EXPECT_EQ(signal(args), error);
    EXPECT_EQ(kernel::slab_live_objects(), objects);
    EXPECT_EQ(kernel::kref_read(queue(id_).refcount), queue_refs);
    EXPECT_EQ(refs(driver(id_)), driver_refs);
    for (uint32_t handle : {s_, t_}) {
      EXPECT_EQ(fence_of(handle), nullptr);
      drm::Syncobj* object = drm::syncobj_find(file(), handle, kTest);
      EXPECT_EQ(kernel::kref_read(object->refcount), 2);
      drm::syncobj_put(*object, kTest);
    }
  }

  uint32_t id_ = 0, s_ = 0, t_ = 0;
};

// --- errors ---

struct Fault {
  const char* name;
  int error;
  std::function<void(SignalArgs& args)> change;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
std::string fault_name(const testing::TestParamInfo<Fault>& info) { return info.param.name; }

class SignalRefuses : public SignalTest, public testing::WithParamInterface<Fault> {};

TEST_P(SignalRefuses, AndChangesNothing) {
  EXPECT_EQ(run({[this] {
              SignalArgs args = signal_args(id_, {s_, t_});
              GetParam().change(args);
              expect_refused(args, GetParam().error);
            }}),
            "nothing");
}

const Fault kFaults[] = {
    {"TooManyReadHandles", -EINVAL,
     [](SignalArgs& args) { args.num_bo_read_handles = kUserqMaxHandles + 1; }},
    {"TooManyWriteHandles", -EINVAL,
     [](SignalArgs& args) { args.num_bo_write_handles = kUserqMaxHandles + 1; }},
    {"SyncobjHandlesNotMapped", -EFAULT, [](SignalArgs& args) { args.syncobj_handles = 8; }},
    {"SyncobjHandlesEndBeyondTheMapping", -EFAULT,
     [](SignalArgs& args) { args.num_syncobj_handles = 0xffff; }},
    // What follows the two handles in memory is 0, which is never a handle.
    {"UnknownSyncobj", -ENOENT, [](SignalArgs& args) { args.num_syncobj_handles = 3; }},
    {"UnknownReadBuffer", -ENOENT,
     [](SignalArgs& args) {
       args.bo_read_handles = args.syncobj_handles + 2 * sizeof(uint32_t);
       args.num_bo_read_handles = 1;
     }},
    {"UnknownWriteBuffer", -ENOENT,
     [](SignalArgs& args) {
       args.bo_write_handles = args.syncobj_handles + 2 * sizeof(uint32_t);
       args.num_bo_write_handles = 1;
     }},
    {"ReadHandlesNotMapped", -EFAULT, [](SignalArgs& args) { args.num_bo_read_handles = 1; }},
    {"WriteHandlesNotMapped", -EFAULT, [](SignalArgs& args) { args.num_bo_write_handles = 1; }},
    {"UnknownQueue", -ENOENT, [](SignalArgs& args) { args.queue_id = kUnknown; }},
    // Of two mistakes the first in the order of the checks is the one that is told.
    {"LimitBeforeSyncobjs", -EINVAL,
     [](SignalArgs& args) {
       args.num_bo_write_handles = kUserqMaxHandles + 1;
       args.syncobj_handles = 8;
     }},
    {"SyncobjsBeforeBuffers", -ENOENT,
     [](SignalArgs& args) {
       args.num_syncobj_handles = 3;
       args.num_bo_read_handles = 1;
     }},
    {"BuffersBeforeQueue", -EFAULT,
     [](SignalArgs& args) {
       args.num_bo_write_handles = 1;
       args.queue_id = kUnknown;
     }},
};
INSTANTIATE_TEST_SUITE_P(Fault, SignalRefuses, testing::ValuesIn(kFaults), fault_name);

TEST_F(SignalTest, MostHandlesAllowedAreNotTooMany) {
  EXPECT_EQ(run({[this] {
              SignalArgs args = signal_args(id_, {s_});
              args.num_bo_read_handles = kUserqMaxHandles;
              expect_refused(args, -EFAULT);
            }}),
            "nothing");
}

TEST_F(SignalTest, WritePointerThatIsNotMappedAnyMoreIsRefused) {
  EXPECT_EQ(run({[this] {
              const uint64_t wptr_va = std::exchange(queue(id_).wptr_va, kUnmapped);
              expect_refused(signal_args(id_, {s_}), -EINVAL);
              SignalArgs unknown_queue = signal_args(kUnknown, {s_});
              expect_refused(unknown_queue, -ENOENT);
              queue(id_).wptr_va = wptr_va;
            }}),
            "nothing");
}

TEST_F(SignalTest, QueueOfAnotherFileIsUnknown) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell + 1, 1);
              const uint32_t other = create(kDoorbell + 2, 1);
              expect_refused(signal_args(other, {s_}), -ENOENT);
            }}),
            "nothing");
}

TEST_F(SignalTest, FreedQueueIsUnknown) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(free(id_), 0);
              EXPECT_EQ(signal(signal_args(id_, {s_})), -ENOENT);
            }}),
            "nothing");
}

TEST_F(SignalTest, LeavesNothingWhicheverAllocationFails) {
  EXPECT_EQ(run({[this] {
              // The copy of the handles, the array of syncobjs, the locked buffers, the fence.
              for (uint32_t n = 1; n <= 4; ++n) {
                const SignalArgs args = signal_args(id_, {s_});
                kernel::task().fail_alloc = n;
                expect_refused(args, -ENOMEM);
                EXPECT_EQ(kernel::task().fail_alloc, 0u);
              }
              const SignalArgs args = signal_args(id_, {s_});
              kernel::task().fail_alloc = 5;
              EXPECT_EQ(signal(args), 0);
              kernel::task().fail_alloc = 0;
            }}),
            "nothing");
}

TEST_F(SignalTest, FaultDuringACopyLeavesNothing) {
  EXPECT_EQ(run({[this] {
              SignalArgs args = signal_args(id_, {s_});
              kernel::task().fail_copy = 1;
              expect_refused(args, -EFAULT);
              args.bo_read_handles = args.syncobj_handles;
              args.num_bo_read_handles = 1;
              kernel::task().fail_copy = 2;
              expect_refused(args, -EFAULT);
            }}),
            "nothing");
}

// --- success ---

TEST_F(SignalTest, PutsOneFenceIntoEverySyncobj) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal(id_, 42, {s_, t_, s_}), 0);
              dma::Fence *first = fence_of(s_), *second = fence_of(t_);
              EXPECT_EQ(first, second);
              EXPECT_EQ(first, queue(id_).last_fence);
              EXPECT_EQ(first->seqno, 42u);
              EXPECT_EQ(refs(*first), 6);  // list, queue, two syncobjs, twice the test
              dma::fence_put(first, kTest);
              dma::fence_put(second, kTest);
              complete(kDoorbell, 42);
            }}),
            "nothing");
}

TEST_F(SignalTest, NeedsNoSyncobj) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal(id_, 1, {}), 0);
              EXPECT_TRUE(fence_driver_pending(driver(id_)));
              complete(kDoorbell, 1);
              EXPECT_FALSE(fence_driver_pending(driver(id_)));
            }}),
            "nothing");
}

TEST_F(SignalTest, SequenceNumberIsWhateverTheUserWrote) {
  EXPECT_EQ(run({[this] {
              for (uint64_t wptr : {~uint64_t{0}, uint64_t{7}, uint64_t{7}}) {
                EXPECT_EQ(signal(id_, wptr, {s_}), 0);
                EXPECT_EQ(queue(id_).last_fence->seqno, wptr);
              }
              complete(kDoorbell, ~uint64_t{0});
            }}),
            "nothing");
}

TEST_F(SignalTest, ZeroIsReachedFromTheStart) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal(id_, 0, {s_}), 0);
              EXPECT_EQ(flagged_status(s_), 1);
            }}),
            "nothing");
}

TEST_F(SignalTest, WakesWhoWaitsForTheSubmission) {
  int result = 1;
  EXPECT_EQ(run({[&] { result = wait(id_, {s_}, 0); },
                 [this] {
                   rest(kernel::kSecond);
                   EXPECT_EQ(signal(id_, 1, {s_}), 0);
                   complete(kDoorbell, 1);
                 }}),
            "nothing");
  EXPECT_EQ(result, 0);
  EXPECT_EQ(sched::now(), kernel::kSecond);
}

// --- races ---

TEST_F(SignalTest, TwoSignalsOfOneQueueMakeTwoFences) {
  int statuses[2];
  inspect([&] {
    gpu_write(kDoorbell, 5);
    EXPECT_EQ(fence_driver_process(driver(id_)), 0);
    statuses[0] = flagged_status(s_);
    statuses[1] = flagged_status(t_);
  });
  // Not given the time to fire, the watchdog cannot help.
  EXPECT_EQ(sweep({[this] {
                     EXPECT_EQ(signal(id_, 5, {s_}), 0);
                     complete(kDoorbell, 5);
                   },
                   [this] {
                     EXPECT_EQ(signal(id_, 5, {t_}), 0);
                     complete(kDoorbell, 5);
                   }},
                  [&] {
                    ASSERT_EQ(statuses[0], 1);
                    ASSERT_EQ(statuses[1], 1);
                  }),
            "nothing");
}

TEST_F(SignalTest, FreeDuringASignalGivesAFenceOrAnUnknownQueue) {
  int result;
  int signaled = 0, unknown = 0;
  EXPECT_EQ(
      sweep({[&] { result = signal(signal_args(id_, {s_})); }, [this] { EXPECT_EQ(free(id_), 0); }},
            [&] {
              ASSERT_TRUE(result == 0 || result == -ENOENT) << result;
              ++(result == 0 ? signaled : unknown);
            }),
      "nothing");
  EXPECT_GT(signaled, 0);
  EXPECT_GT(unknown, 0);
}

TEST_F(SignalTest, SyncobjDestroyedDuringASignalTakesItsFenceAlong) {
  EXPECT_EQ(sweep({[this] {
                     const int result = signal(signal_args(id_, {s_}));
                     EXPECT_TRUE(result == 0 || result == -ENOENT) << result;
                   },
                   [this] { destroy_syncobj(s_); }}),
            "nothing");
}

}  // namespace
}  // namespace userq
