// What the signal and the wait ioctl promise: what they really do, and what breaks each promise.
#include "core/userq/ioctl_results.h"

#include "core/userq/ioctl_test_fixture.h"

namespace userq {
namespace {

constexpr uint64_t kFar = (uint64_t{1} << 32) + 1;

class IoctlResultsTest : public IoctlTest {
 protected:
  // Signals on A, which has `seqno` then; checks, after `change`.
  std::string after_signal(const Body& change) {
    return run({[this, &change] {
      EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}}), 0);
      change();
      SignalArgs args = signal_lists(a_, {});
      check_signal_result(file(), args);
      complete_all();
    }});
  }
  // Waits for s (A's fence) and t (points 5 and kFar, A's and C's fences), with this much room;
  // checks, after `change`.
  std::string after_wait(uint16_t room, const std::function<void(WaitArgs&)>& change) {
    return run({[this, room, &change] {
      EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}}), 0);
      EXPECT_EQ(signal_on(c_, 6, {}), 0);
      add_point(t_, 5, last_fence(a_));
      add_point(t_, kFar, last_fence(c_));
      WaitArgs args = wait_lists(b_, {.syncobjs = {s_}, .timelines = {{t_, 5}, {t_, kFar}}}, room);
      remember_wait(args);
      EXPECT_EQ(wait(args), 0);
      change(args);
      check_wait_result(file(), args);
      complete_all();
    }});
  }
  void set_info(const WaitArgs& args, uint32_t index, const Info& info) {
    EXPECT_EQ(kernel::copy_to_user(args.out_fences + index * sizeof info, &info, sizeof info), 0);
  }
};

TEST_F(IoctlResultsTest, FenceHasTheNumberAtTheWritePointer) {
  EXPECT_EQ(after_signal([] {}), "nothing");
  EXPECT_EQ(after_signal([this] { EXPECT_EQ(vm_user_store64(vm(), queue(a_).wptr_va, 5), 0); }),
            "wrong-result amdgpu_userq_signal_ioctl sequence number");
}

TEST_F(IoctlResultsTest, FenceOfADeadQueueIsComplete) {
  auto when_dead = [this](const Body& before, const Body& after) {
    return run({[&] {
      EXPECT_EQ(signal_on(a_, 4, {}), 0);
      before();
      queue_set_state(queue(a_), QueueState::kInvalidVa);
      check_signal_result(file(), signal_lists(a_, {}));
      queue_set_state(queue(a_), QueueState::kMapped);  // as the hardware has it
      after();
      complete_all();
    }});
  };
  EXPECT_EQ(when_dead([] {}, [] {}), "lost-wakeup fence of a dead queue");
  EXPECT_EQ(when_dead([this] { complete(kA, 4); }, [] {}), "nothing");
  // Whoever sets that state is about to complete the fences.
  EXPECT_EQ(when_dead([this] { kernel::mutex_lock(mgr().userq_mutex); },
                      [this] { kernel::mutex_unlock(mgr().userq_mutex); }),
            "nothing");
}

TEST_F(IoctlResultsTest, NothingToCompareWithIsNoError) {
  EXPECT_EQ(
      after_signal([this] { EXPECT_EQ(va(kVaOpUnmap, queue_bo(), kGpuBase, 2 * kRingSize), 0); }),
      "nothing");
}

TEST_F(IoctlResultsTest, CountIsNoLessThanWhatIsPending) {
  EXPECT_EQ(after_wait(0, [](WaitArgs& args) { EXPECT_EQ(args.num_fences, 4); }), "nothing");
  EXPECT_EQ(after_wait(0, [](WaitArgs& args) { args.num_fences = 3; }),
            "wrong-result amdgpu_userq_wait_ioctl count");
  // What completes meanwhile need not be counted.
  EXPECT_EQ(after_wait(0,
                       [this](WaitArgs& args) {
                         args.num_fences = 3;
                         complete(kC, 6);
                       }),
            "nothing");
}

TEST_F(IoctlResultsTest, PointsAreSubmitted) {
  EXPECT_EQ(after_wait(8, [](WaitArgs&) {}), "nothing");
  EXPECT_EQ(after_wait(8,
                       [this](WaitArgs&) {
                         remember_wait(wait_lists(b_, {.timelines = {{t_, kFar + 1}}}, 8));
                       }),
            "wrong-result amdgpu_userq_wait_ioctl point");
  // A point is of a chain; any fence will do for point 0.
  EXPECT_EQ(
      after_wait(8,
                 [this](WaitArgs&) { remember_wait(wait_lists(b_, {.timelines = {{s_, 1}}}, 8)); }),
      "wrong-result amdgpu_userq_wait_ioctl point");
  EXPECT_EQ(
      after_wait(8,
                 [this](WaitArgs&) { remember_wait(wait_lists(b_, {.timelines = {{s_, 0}}}, 8)); }),
      "nothing");
}

TEST_F(IoctlResultsTest, EachPendingFenceHasASlot) {
  EXPECT_EQ(after_wait(8, [](WaitArgs& args) { EXPECT_EQ(args.num_fences, 2); }), "nothing");
  EXPECT_EQ(after_wait(8, [](WaitArgs& args) { args.num_fences = 1; }),
            "wrong-result amdgpu_userq_wait_ioctl fences");
  EXPECT_EQ(after_wait(8,
                       [this](WaitArgs& args) {
                         args.num_fences = 1;
                         complete(kC, 6);
                       }),
            "nothing");
  // Too early a value.
  EXPECT_EQ(after_wait(8, [this](WaitArgs& args) { set_info(args, 0, {driver(a_).va, 3}); }),
            "wrong-result amdgpu_userq_wait_ioctl fences");
}

TEST_F(IoctlResultsTest, SlotsAreInUse) {
  EXPECT_EQ(
      after_wait(8,
                 [this](WaitArgs& args) { set_info(args, args.num_fences++, {driver(b_).va, 1}); }),
      "nothing");
  for (const uint64_t va : {uint64_t{0}, kSeq64VaStart + 8 * 60, kSeq64VaStart + 1})
    EXPECT_EQ(
        after_wait(8, [this, va](WaitArgs& args) { set_info(args, args.num_fences++, {va, 1}); }),
        "wrong-result amdgpu_userq_wait_ioctl slot");
}

}  // namespace
}  // namespace userq
