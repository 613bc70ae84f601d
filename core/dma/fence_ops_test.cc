// What a fence has of its maker: ops, which it lets go of when it is signaled, names, the lock, the
// deadline; and fences that have nobody behind them.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <set>
#include <string>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

const char* driver_name(Fence&) { return "the driver"; }
const char* timeline_name(Fence&) { return "the timeline"; }
constexpr FenceOps kNamedOps = {driver_name, timeline_name, nullptr, nullptr, nullptr};

void release(Fence& fence) { fence_free(fence); }
int64_t wait(Fence&, bool, uint64_t) { return 1; }

// --- letting go of the ops ---

TEST(FenceDetach, OpsGoAtTheSignalUnlessTheMakerWantsToHearOfTheEnd) {
  static constexpr FenceOps kReleasingOps = {driver_name, timeline_name, nullptr, nullptr, release};
  static constexpr FenceOps kWaitingOps = {driver_name, timeline_name, nullptr,
                                           nullptr,     nullptr,       wait};
  for (const FenceOps* ops : {&kNamedOps, &kReleasingOps, &kWaitingOps})
    EXPECT_EQ(with_fence(
                  [&](Fence& f) {
                    EXPECT_EQ(f.ops, ops);
                    fence_signal(f);
                    EXPECT_EQ(f.ops, ops == &kNamedOps ? nullptr : ops);
                  },
                  *ops),
              "nothing");
}

TEST(FenceDetach, ADetachedFenceNeedsNobody) {
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_signal(f);
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), -ENOENT);
              EXPECT_FALSE(fence_remove_callback(f, cb.cb));
              EXPECT_TRUE(fence_is_signaled(f));
              EXPECT_EQ(fence_get_status(f), 1);
              EXPECT_EQ(fence_wait(f, true), 0);
              fence_enable_sw_signaling(f);
              fence_set_deadline(f, 1);
              EXPECT_FALSE(fence_is_container(f));
            }),
            "nothing");
}

// --- names ---

TEST(FenceNames, AreTheMakersUntilTheSignal) {
  EXPECT_EQ(with_fence(
                [](Fence& f) {
                  kernel::rcu_read_lock();
                  EXPECT_STREQ(fence_driver_name(f), "the driver");
                  EXPECT_STREQ(fence_timeline_name(f), "the timeline");
                  fence_signal(f);
                  EXPECT_STREQ(fence_driver_name(f), "detached-driver");
                  EXPECT_STREQ(fence_timeline_name(f), "signaled-timeline");
                  kernel::rcu_read_unlock();
                },
                kNamedOps),
            "nothing");
}

// Ops that stay are not asked any more either.
TEST(FenceNames, OfASignaledFenceAreFixedEvenIfItKeepsItsOps) {
  static constexpr FenceOps kReleasingOps = {driver_name, timeline_name, nullptr, nullptr, release};
  EXPECT_EQ(with_fence(
                [](Fence& f) {
                  fence_signal(f);
                  kernel::rcu_read_lock();
                  EXPECT_STREQ(fence_driver_name(f), "detached-driver");
                  EXPECT_STREQ(fence_timeline_name(f), "signaled-timeline");
                  kernel::rcu_read_unlock();
                },
                kReleasingOps),
            "nothing");
}

TEST(FenceNames, WhileAnotherSignalsAreTheMakersOrFixed) {
  static Fence* f;
  std::string name;
  std::set<std::string> seen;
  TestRun run;
  run.set_up = [] { f = &mock_fence(kNamedOps); };
  run.tear_down = {[] { put_mock(*f); }};
  for (const auto getter : {fence_driver_name, fence_timeline_name}) {
    run.threads = {[&] {
                     kernel::rcu_read_lock();
                     name = getter(*f);
                     kernel::rcu_read_unlock();
                   },
                   [] { fence_signal(*f); }};
    EXPECT_EQ(run.sweep({kT1, kT0}, [&] { seen.insert(name); }), "nothing");
  }
  EXPECT_EQ(seen, (std::set<std::string>{"detached-driver", "signaled-timeline", "the driver",
                                         "the timeline"}));
}

TEST(FenceNames, OutsideOfAReaderAreReported) {
  EXPECT_EQ(with_fence([](Fence& f) { fence_driver_name(f); }), "rcu-misuse dma_fence_driver_name");
  EXPECT_EQ(with_fence([](Fence& f) { fence_timeline_name(f); }),
            "rcu-misuse dma_fence_timeline_name");
}

// --- asking whether the hardware is done while it becomes so ---

// The hardware was done before either of them asked: whoever comes second must not be told that it
// is not, only because the first has let go of the ops already.
TEST(FenceDetach, TwoPollsOfACompleteFenceBothSeeIt) {
  static constexpr FenceOps kDoneOps = {driver_name, timeline_name, [](Fence&) { return true; },
                                        nullptr, nullptr};
  static Fence* fence;
  static bool seen[2];
  TestRun run;
  run.set_up = [] { fence = &mock_fence(kDoneOps); };
  run.threads = {[] { seen[0] = fence_is_signaled(*fence); },
                 [] { seen[1] = fence_is_signaled(*fence); }};
  run.tear_down = {[] { put_mock(*fence); }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [] { ASSERT_TRUE(seen[0] && seen[1]); }), "nothing");
}

TEST(FenceDetach, PollingWhileAnotherSignals) {
  static Fence* f;
  static constexpr FenceOps kPolledOps = {driver_name, timeline_name, [](Fence&) { return false; },
                                          nullptr, nullptr};
  bool done;
  int done_seen = 0, pending_seen = 0;
  TestRun run;
  run.set_up = [] { f = &mock_fence(kPolledOps); };
  run.threads = {[&] {
                   done = fence_is_signaled(*f);
                   fence_set_deadline(*f, 1);
                   fence_enable_sw_signaling(*f);
                 },
                 [] { fence_signal(*f); }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ++(done ? done_seen : pending_seen); }), "nothing");
  EXPECT_GT(done_seen, 0);
  EXPECT_GT(pending_seen, 0);
}

// --- deadlines ---

uint64_t deadline_seen;
bool hardware_done;
constexpr FenceOps kDeadlineOps = {driver_name,
                                   timeline_name,
                                   [](Fence&) { return hardware_done; },
                                   nullptr,
                                   nullptr,
                                   nullptr,
                                   [](Fence&, uint64_t deadline) { deadline_seen = deadline; }};

std::string with_deadline_fence(const std::function<void(Fence& f)>& body) {
  deadline_seen = 0;
  hardware_done = false;
  return with_fence(body, kDeadlineOps);
}

TEST(FenceDeadline, IsHandedToTheMakerOfAPendingFence) {
  EXPECT_EQ(with_deadline_fence([](Fence& f) {
              fence_set_deadline(f, 123);
              EXPECT_EQ(deadline_seen, 123u);
            }),
            "nothing");
  EXPECT_EQ(with_fence([](Fence& f) { fence_set_deadline(f, 123); }), "nothing");
}

TEST(FenceDeadline, ComesTooLateForACompleteFence) {
  EXPECT_EQ(with_deadline_fence([](Fence& f) {
              hardware_done = true;
              fence_set_deadline(f, 123);
              EXPECT_TRUE(fence_test_signaled_flag(f));
              EXPECT_EQ(deadline_seen, 0u);
            }),
            "nothing");
}

// --- a lock of its own ---

TEST(FenceInlineLock, ServesAsOneThatWasLent) {
  EXPECT_EQ(run_alone([] {
              Fence* f = kernel::kzalloc_obj<Fence>("fence");
              fence_init(*f, kMockOps, nullptr, 1, 1, "its type", kMockCreator);
              EXPECT_EQ(f->lock, &f->inline_lock);
              EXPECT_STREQ(f->lock->name, "its type");
              CountingCb cb;
              EXPECT_EQ(add_counting(*f, cb), 0);
              fence_signal(*f);
              EXPECT_EQ(cb.seen, 1);
              put_mock(*f);
            }),
            "nothing");
}

TEST(FenceInlineLock, DiesWithTheFence) {
  EXPECT_EQ(run_alone([] {
              Fence* f = kernel::kzalloc_obj<Fence>("fence");
              fence_init64(*f, kMockOps, nullptr, 1, 1, "its type", kMockCreator);
              kernel::spin_lock(*f->lock);
              put_mock(*f);
              // The grace period ends in spite of the lock: on another CPU, and after this thread.
            }),
            "lock-destroyed-while-held its type");
}

// --- timestamps ---

TEST(FenceTimestamp, IsThatOfTheSignalOrTheOneGiven) {
  EXPECT_EQ(run_alone([] {
              Fence& now = mock_fence();
              Fence& past = mock_fence();
              Fence& locked = mock_fence();
              rest();
              fence_signal(now);
              EXPECT_EQ(fence_timestamp(now), sched::now());
              fence_signal_timestamp(past, 17);
              EXPECT_EQ(fence_timestamp(past), 17u);
              fence_signal_timestamp(past, 18);  // the first one counts
              EXPECT_EQ(fence_timestamp(past), 17u);
              unsigned long flags;
              kernel::spin_lock_irqsave(*locked.lock, flags);
              fence_signal_timestamp_locked(locked, 19);
              kernel::spin_unlock_irqrestore(*locked.lock, flags);
              EXPECT_EQ(fence_timestamp(locked), 19u);
              for (Fence* f : {&now, &past, &locked}) put_mock(*f);
            }),
            "nothing");
}

// The signaled flag comes first: whoever sees it may have to wait for the time.
TEST(FenceTimestamp, IsThereForWhoeverSeesTheFlag) {
  static Fence* f;
  constexpr uint64_t kPending = 1;
  uint64_t time;
  int seen = 0;
  TestRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[] { fence_signal_timestamp(*f, 17); },
                 [&] { time = fence_is_signaled(*f) ? fence_timestamp(*f) : kPending; }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_TRUE(time == kPending || time == 17) << time;
                        seen += time == 17;
                      }),
            "nothing");
  EXPECT_GT(seen, 0);
}

TEST(FenceTimestamp, OfAPendingFenceIsReported) {
  const auto body = [](Fence& f) { EXPECT_EQ(fence_timestamp(f), sched::now()); };
  EXPECT_EQ(with_fence(body), "warn-on fence_timestamp");
  kernel::ChecksOff off;
  EXPECT_EQ(with_fence(body), "nothing");
}

// --- stubs ---

TEST(FenceStub, APrivateOneIsCompleteSinceItsTime) {
  EXPECT_EQ(run_alone([] {
              Fence* stub = fence_allocate_private_stub(42, kMockCreator);
              EXPECT_TRUE(fence_test_signaled_flag(*stub));
              EXPECT_EQ(fence_timestamp(*stub), 42u);
              EXPECT_EQ(fence_get_status(*stub), 1);
              // Nobody has to be asked to signal it.
              EXPECT_TRUE(kernel::test_bit(kFenceEnableSignalBit, stub->flags));
              CountingCb cb;
              EXPECT_EQ(add_counting(*stub, cb), -ENOENT);
              EXPECT_EQ(cb.seen, 0);
              put_mock(*stub);
            }),
            "nothing");
}

TEST(FenceStub, EachPrivateOneIsAnother) {
  EXPECT_EQ(run_alone([] {
              Fence* a = fence_allocate_private_stub(1, kMockCreator);
              Fence* b = fence_allocate_private_stub(2, kMockCreator);
              EXPECT_NE(a, b);
              EXPECT_EQ(fence_timestamp(*a), 1u);
              put_mock(*a);
              put_mock(*b);
            }),
            "nothing");
}

TEST(FenceStub, WithoutMemoryThereIsNone) {
  EXPECT_EQ(run_alone([] {
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(fence_allocate_private_stub(42, kMockCreator), nullptr);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(stub_init(), -ENOMEM);
              stub_fini();
            }),
            "nothing");
}

}  // namespace
}  // namespace dma
