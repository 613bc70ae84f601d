// The rules of fence.h that the kernel's own tests leave out.
#include "core/dma/fence.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/errno.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

constexpr kernel::Holder kSlot{"slot"};

TEST(FenceCallback, RunsOnceWhoeverOfTwoSignals) {
  static Fence* f;
  static CountingCb cb;
  TestRun run;
  run.set_up = [&] {
    f = &mock_fence();
    cb.seen = 0;
    EXPECT_EQ(add_counting(*f, cb), 0);
  };
  int before[2];
  for (int i = 0; i < 2; ++i)
    run.threads.push_back([&before, i] { before[i] = fence_check_and_signal(*f); });
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_EQ(cb.seen, 1);
                        ASSERT_EQ(before[0] + before[1], 1);
                      }),
            "nothing");
}

// Against the signal: either the removal says that it was in time, or the callback has run.
TEST(FenceCallback, RemovedOrRunNeverBoth) {
  static Fence* f;
  static CountingCb cb;
  bool removed;
  int removals = 0;
  TestRun run;
  run.set_up = [] {
    f = &mock_fence();
    cb.seen = 0;
    EXPECT_EQ(add_counting(*f, cb), 0);
  };
  run.threads = {[&] { removed = fence_remove_callback(*f, cb.cb); }, [] { fence_signal(*f); }};
  run.tear_down = {[] { put_mock(*f); }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_EQ(cb.seen + removed, 1);
                        removals += removed;
                      }),
            "nothing");
  EXPECT_GT(removals, 0);
}

TEST(FenceCallback, RunInTheOrderInWhichTheyWereAdded) {
  EXPECT_EQ(with_fence([](Fence& f) {
              struct Logged {
                FenceCb cb;
                std::string* log;
                char name;
              };
              std::string log;
              Logged cbs[3];
              for (int i = 0; i < 3; ++i) {
                cbs[i].log = &log;
                cbs[i].name = static_cast<char>('a' + i);
                fence_add_callback(f, cbs[i].cb, [](Fence& fence, FenceCb& cb) {
                  EXPECT_TRUE(kernel::spin_is_held(*fence.lock));
                  EXPECT_GT(sched::current()->irq_off, 0u);
                  Logged* logged = container_of(&cb, Logged, cb);
                  *logged->log += logged->name;
                });
              }
              fence_signal(f);
              EXPECT_EQ(log, "abc");
            }),
            "nothing");
}

TEST(FenceCallback, WithoutAFunctionIsRefusedWithAWarning) {
  const auto body = [](Fence& f) {
    FenceCb cb;
    EXPECT_EQ(fence_add_callback(f, cb, nullptr), -EINVAL);
  };
  EXPECT_EQ(with_fence(body), "warn-on fence_add_callback");
  kernel::ChecksOff off;
  EXPECT_EQ(with_fence(body), "nothing");
}

TEST(FenceSignal, StampsTheVirtualTime) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_FALSE(kernel::test_bit(kFenceTimestampBit, f.flags));
              Fence* other = &mock_fence();
              fence_wait_timeout(*other, false, 7);
              fence_signal(f);
              EXPECT_TRUE(kernel::test_bit(kFenceTimestampBit, f.flags));
              fence_wait_timeout(*other, false, 7);
              fence_signal(f);  // the first one counts
              EXPECT_EQ(f.timestamp, 7u);
              put_mock(f);
              put_mock(*other);
            }),
            "nothing");
}

TEST(FenceSignal, LockedVariantWithoutTheLockIsReported) {
  EXPECT_EQ(run_alone([] { fence_signal_locked(mock_fence()); }), "warn-on mock_fence.lock");
}

TEST(FenceStatus, LockedVariantsWithoutTheLockAreReported) {
  EXPECT_EQ(run_alone([] { fence_is_signaled_locked(mock_fence()); }), "warn-on mock_fence.lock");
  EXPECT_EQ(run_alone([] { fence_get_status_locked(mock_fence()); }), "warn-on mock_fence.lock");
}

// --- ops ---

bool hardware_done;
int enable_calls;
bool enable_result;
const FenceOps kPolledOps = {mock_name, mock_name, [](Fence&) { return hardware_done; },
                             [](Fence& fence) {
                               EXPECT_TRUE(kernel::spin_is_held(*fence.lock));
                               ++enable_calls;
                               return enable_result;
                             },
                             nullptr};

std::string with_polled_fence(const std::function<void(Fence& f)>& body) {
  return with_fence(body, kPolledOps);
}

TEST(FenceOps, FindingTheHardwareDoneSignalsAndRunsCallbacks) {
  hardware_done = false;
  enable_result = true;
  EXPECT_EQ(with_polled_fence([](Fence& f) {
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), 0);
              EXPECT_FALSE(fence_is_signaled(f));
              hardware_done = true;
              EXPECT_FALSE(fence_test_signaled_flag(f));
              EXPECT_EQ(cb.seen, 0);
              EXPECT_TRUE(fence_is_signaled(f));
              EXPECT_EQ(cb.seen, 1);
              EXPECT_TRUE(fence_test_signaled_flag(f));
            }),
            "nothing");
}

TEST(FenceOps, StatusPollsTheHardwareToo) {
  hardware_done = true;
  EXPECT_EQ(with_polled_fence([](Fence& f) {
              EXPECT_EQ(fence_get_status(f), 1);
              EXPECT_TRUE(fence_test_signaled_flag(f));
              EXPECT_EQ(fence_get_status(f), 1);
            }),
            "nothing");
}

TEST(FenceOps, EnableSignalingIsCalledAtMostOnce) {
  enable_calls = 0;
  enable_result = true;
  EXPECT_EQ(with_polled_fence([](Fence& f) {
              CountingCb a, b;
              EXPECT_EQ(add_counting(f, a), 0);
              EXPECT_EQ(add_counting(f, b), 0);
              fence_enable_sw_signaling(f);
              fence_wait_timeout(f, false, 1);
              EXPECT_EQ(enable_calls, 1);
              fence_signal(f);
            }),
            "nothing");
}

TEST(FenceOps, EnableSignalingThatSaysDoneSignalsTheFence) {
  enable_result = false;
  EXPECT_EQ(with_polled_fence([](Fence& f) {
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), -ENOENT);
              EXPECT_TRUE(fence_test_signaled_flag(f));
              EXPECT_EQ(cb.seen, 0);
            }),
            "nothing");
}

// --- sequence numbers, contexts, errors ---

TEST(FenceSeqno, ComparesAsWrapping32BitsWithoutTheFlag) {
  EXPECT_EQ(with_fence([](Fence& f) {
              EXPECT_TRUE(seqno_is_later(f, 2, 1));
              EXPECT_FALSE(seqno_is_later(f, 1, 2));
              EXPECT_FALSE(seqno_is_later(f, 1, 1));
              EXPECT_TRUE(seqno_is_later(f, 1, 0xffff'ffff));
              EXPECT_FALSE(seqno_is_later(f, 0xffff'ffff, 1));
              // Upper halves do not count.
              EXPECT_FALSE(seqno_is_later(f, uint64_t{1} << 32, 0));
            }),
            "nothing");
}

TEST(FenceSeqno, ComparesAsPlain64BitsWithTheFlag) {
  EXPECT_EQ(run_alone([] {
              MockFence* f = kernel::kzalloc_obj<MockFence>("mock fence");
              kernel::spin_lock_init(f->lock, "mock_fence.lock");
              fence_init64(f->base, kMockOps, &f->lock, 1, 0, "fence", kMockCreator);
              EXPECT_TRUE(seqno_is_later(f->base, uint64_t{1} << 32, 0));
              EXPECT_TRUE(seqno_is_later(f->base, ~uint64_t{0}, 1));
              EXPECT_FALSE(seqno_is_later(f->base, 1, ~uint64_t{0}));
              EXPECT_FALSE(seqno_is_later(f->base, 1, 1));
              put_mock(f->base);
            }),
            "nothing");
}

TEST(FenceSeqno, LaterOrSame) {
  EXPECT_EQ(run_alone([] {
              Fence& first = mock_fence(kMockOps, 1);
              Fence& twin = mock_fence(kMockOps, 1);
              Fence& second = mock_fence(kMockOps, 2);
              EXPECT_TRUE(fence_is_later(second, first));
              EXPECT_FALSE(fence_is_later(first, second));
              EXPECT_FALSE(fence_is_later(first, first));
              EXPECT_TRUE(fence_is_later_or_same(second, first));
              EXPECT_FALSE(fence_is_later_or_same(first, second));
              EXPECT_TRUE(fence_is_later_or_same(first, first));
              // The same point, but not the same fence.
              EXPECT_FALSE(fence_is_later_or_same(first, twin));
              for (Fence* f : {&first, &twin, &second}) put_mock(*f);
            }),
            "nothing");
}

TEST(FenceSeqno, TheLaterOfTwoCountsOnlyWhilePending) {
  EXPECT_EQ(run_alone([] {
              Fence& first = mock_fence(kMockOps, 0xffff'ffff);
              Fence& second = mock_fence(kMockOps, 1);
              EXPECT_EQ(fence_later(first, second), &second);
              EXPECT_EQ(fence_later(second, first), &second);
              fence_signal(first);
              EXPECT_EQ(fence_later(first, second), &second);
              fence_signal(second);
              EXPECT_EQ(fence_later(first, second), nullptr);
              for (Fence* f : {&first, &second}) put_mock(*f);
            }),
            "nothing");
}

TEST(FenceSeqno, OfTwoContextsDoNotCompare) {
  const auto with_two = [](const std::function<void(Fence & a, Fence & b)>& compare) {
    return run_alone([&] {
      Fence& a = mock_fence(kMockOps, 2, 1);
      Fence& b = mock_fence(kMockOps, 1, 2);
      compare(a, b);
      for (Fence* f : {&a, &b}) put_mock(*f);
    });
  };
  const auto is_later = [](Fence& a, Fence& b) { EXPECT_FALSE(fence_is_later(a, b)); };
  const auto later = [](Fence& a, Fence& b) { EXPECT_EQ(fence_later(a, b), nullptr); };
  EXPECT_EQ(with_two(is_later), "warn-on fence_is_later");
  EXPECT_EQ(with_two(later), "warn-on fence_later");
  kernel::ChecksOff off;
  EXPECT_EQ(with_two(is_later), "nothing");
  EXPECT_EQ(with_two(later), "nothing");
}

TEST(FenceContext, EachIsHandedOutOnceAndCountsFromOneInEachRun) {
  for (int round = 0; round < 2; ++round) {
    fence_reset();
    EXPECT_EQ(run_alone([] {
                EXPECT_EQ(fence_context_alloc(3), 1u);
                EXPECT_EQ(fence_context_alloc(1), 4u);
              }),
              "nothing");
  }
}

TEST(FenceError, AfterTheSignalIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              fence_signal(f);
              fence_set_error(f, -EIO);
            }),
            "warn-on fence_set_error");
}

TEST(FenceError, OutOfRangeIsReported) {
  for (int error : {0, 1, -4096})
    EXPECT_EQ(run_alone([error] { fence_set_error(mock_fence(), error); }),
              "warn-on fence_set_error");
}

// --- references ---

TEST(FenceReference, GetRcuFailsOnADyingFenceWhoseMemoryIsStillThere) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence(kMockOps, 42);
              kernel::rcu_read_lock();
              EXPECT_EQ(fence_get_rcu(&f, kReader), &f);
              fence_put(&f, kReader);
              put_mock(f);
              EXPECT_EQ(fence_get_rcu(&f, kReader), nullptr);
              EXPECT_EQ(f.seqno, 42u);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

TEST(FenceReference, GetRcuOutsideOfAReaderIsReported) {
  EXPECT_EQ(run_alone([] { fence_get_rcu(&mock_fence(), kReader); }),
            "rcu-misuse dma_fence_get_rcu");
}

TEST(FenceReference, GetRcuSafeGivesTheOldFenceOrTheNewWhileTheSlotChanges) {
  static Fence* slot;
  static Fence* replacement;
  uint64_t seqno;
  int old_seen = 0, new_seen = 0;
  TestRun run;
  run.set_up = [] {
    slot = &mock_fence(kMockOps, 1);
    replacement = &mock_fence(kMockOps, 2);
    for (Fence* f : {slot, replacement}) kernel::kref_move(f->refcount, kMockCreator, kSlot);
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   Fence* f = fence_get_rcu_safe(slot, kReader);
                   kernel::rcu_read_unlock();
                   seqno = f->seqno;
                   fence_put(f, kReader);
                 },
                 [] {
                   Fence* old = slot;
                   kernel::rcu_assign_pointer(slot, replacement);
                   fence_put(old, kSlot);
                   // Long enough for the old fence's memory to go, if no reader holds it back.
                   kernel::set_current_state();
                   kernel::schedule_timeout("rest", 1);
                 }};
  run.tear_down = {[] { fence_put(slot, kSlot); }};
  EXPECT_EQ(run.sweep({kT1, kT0},
                      [&] {
                        ASSERT_TRUE(seqno == 1 || seqno == 2);
                        old_seen += seqno == 1;
                        new_seen += seqno == 2;
                      }),
            "nothing");
  EXPECT_GT(old_seen, 0);
  EXPECT_GT(new_seen, 0);
}

TEST(FenceReference, GetRcuSafeOfAnEmptySlotGivesNothing) {
  EXPECT_EQ(run_alone([] {
              Fence* slot = nullptr;
              kernel::rcu_read_lock();
              EXPECT_EQ(fence_get_rcu_safe(slot, kReader), nullptr);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

TEST(FenceReference, NullIsNoFence) {
  EXPECT_EQ(run_alone([] {
              EXPECT_EQ(fence_get(nullptr, kReader), nullptr);
              fence_put(nullptr, kReader);
            }),
            "nothing");
}

TEST(FenceReference, LastPutWhileWaitedForIsReported) {
  EXPECT_EQ(run_alone([] {
              CountingCb cb;
              Fence& f = mock_fence();
              add_counting(f, cb);
              put_mock(f);
            }),
            "fence-contract released-while-waited-for");
}

// With the checkers off the run goes on, and the waiter must learn of the end.
TEST(FenceReference, LastPutWhileWaitedForEndsTheWaitWithAnError) {
  struct ErrorCb {
    FenceCb cb;
    int error = 0;
  };
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              ErrorCb cb;
              Fence& f = mock_fence();
              fence_add_callback(f, cb.cb, [](Fence& fence, FenceCb& base) {
                container_of(&base, ErrorCb, cb)->error = fence.error;
              });
              put_mock(f);
              EXPECT_EQ(cb.error, -EDEADLK);
            }),
            "nothing");
}

TEST(FenceReference, LastPutOfAPendingFenceThatNobodyWaitsForIsFine) {
  EXPECT_EQ(run_alone([] { put_mock(mock_fence()); }), "nothing");
}

TEST(FenceReference, NeverPutIsALeak) {
  EXPECT_EQ(run_alone([] { mock_fence(); }), "reference-leak fence held by creator");
}

}  // namespace
}  // namespace dma
