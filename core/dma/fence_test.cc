// The rules of fence.h. The cases of DmaBufFence carry the names of the kernel's own dma-buf-fence
// tests and assert the same.
#include "core/dma/fence.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "core/kernel/errno.h"
#include "core/kernel/phased_run.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue.h"

namespace {

using dma::Fence;
using dma::FenceCb;
using kernel::kSecond;
using kernel::kT0;
using kernel::kT1;
using kernel::PhasedRun;
using kernel::run_alone;

constexpr kernel::Holder kCreator{"creator"};
constexpr kernel::Holder kReader{"reader"};
constexpr kernel::Holder kSlot{"slot"};

struct MockFence {
  Fence base;
  kernel::SpinLock lock;
};

const char* mock_name(Fence&) { return "mock"; }
const dma::FenceOps kMockOps = {mock_name, mock_name, nullptr, nullptr, nullptr};

Fence& mock_fence(const dma::FenceOps& ops = kMockOps, uint64_t seqno = 0) {
  MockFence* fence = kernel::kzalloc_obj<MockFence>("mock fence");
  kernel::spin_lock_init(fence->lock, "mock_fence.lock");
  dma::fence_init(fence->base, ops, fence->lock, 1, seqno, "fence", kCreator);
  return fence->base;
}
void put(Fence& fence) { dma::fence_put(&fence, kCreator); }

struct SimpleCb {
  FenceCb cb;
  int seen = 0;
};
void simple_callback(Fence&, FenceCb& cb) { ++container_of(&cb, SimpleCb, cb)->seen; }
int add(Fence& fence, SimpleCb& simple) {
  return dma::fence_add_callback(fence, simple.cb, simple_callback);
}

// Signals a fence from a worker, after a while.
struct SignalLater {
  kernel::DelayedWork work;
  kernel::Workqueue wq{"later", false};
  Fence* fence;

  SignalLater(Fence& to_signal, uint64_t delay) : fence(&to_signal) {
    kernel::init_delayed_work(work, [](kernel::Work& w) {
      dma::fence_signal(*container_of(&kernel::to_delayed_work(w), SignalLater, work)->fence);
    });
    kernel::queue_delayed_work(wq, work, delay);
  }
};

TEST(DmaBufFence, sanitycheck) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              dma::fence_enable_sw_signaling(f);
              dma::fence_signal(f);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_signaling) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              dma::fence_enable_sw_signaling(f);
              EXPECT_FALSE(dma::fence_is_signaled(f));
              EXPECT_FALSE(dma::fence_test_signaled_flag(f));
              EXPECT_FALSE(dma::fence_check_and_signal(f));
              EXPECT_TRUE(dma::fence_is_signaled(f));
              EXPECT_TRUE(dma::fence_test_signaled_flag(f));
              EXPECT_TRUE(dma::fence_check_and_signal(f));
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_add_callback) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              SimpleCb cb;
              EXPECT_EQ(add(f, cb), 0);
              EXPECT_EQ(cb.seen, 0);
              dma::fence_signal(f);
              EXPECT_EQ(cb.seen, 1);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_late_add_callback) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              SimpleCb cb;
              dma::fence_signal(f);
              EXPECT_EQ(add(f, cb), -ENOENT);
              dma::fence_signal(f);
              EXPECT_EQ(cb.seen, 0);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_rm_callback) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              SimpleCb cb;
              EXPECT_EQ(add(f, cb), 0);
              EXPECT_TRUE(dma::fence_remove_callback(f, cb.cb));
              dma::fence_signal(f);
              EXPECT_EQ(cb.seen, 0);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_late_rm_callback) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              SimpleCb cb;
              EXPECT_EQ(add(f, cb), 0);
              dma::fence_signal(f);
              EXPECT_FALSE(dma::fence_remove_callback(f, cb.cb));
              EXPECT_EQ(cb.seen, 1);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_status) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_EQ(dma::fence_get_status(f), 0);
              dma::fence_signal(f);
              EXPECT_EQ(dma::fence_get_status(f), 1);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_error) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              dma::fence_set_error(f, -EIO);
              EXPECT_EQ(dma::fence_get_status(f), 0);
              dma::fence_signal(f);
              EXPECT_EQ(dma::fence_get_status(f), -EIO);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_wait) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_EQ(dma::fence_wait_timeout(f, false, 0), 0);
              dma::fence_signal(f);
              EXPECT_EQ(dma::fence_wait_timeout(f, false, 0), 1);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_wait_timeout) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_EQ(dma::fence_wait_timeout(f, false, kSecond), 0);
              EXPECT_EQ(sched::now(), kSecond);
              SignalLater later(f, kSecond);
              EXPECT_EQ(dma::fence_wait_timeout(f, false, 4 * kSecond),
                        static_cast<int64_t>(3 * kSecond));
              EXPECT_EQ(sched::now(), 2 * kSecond);
              put(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_stub) {
  PhasedRun run;
  run.set_up = [] { EXPECT_EQ(dma::stub_init(), 0); };
  run.threads = {[] {
    Fence* stubs[64];
    for (Fence*& stub : stubs) stub = dma::fence_get_stub(kReader);
    for (Fence* stub : stubs) {
      EXPECT_TRUE(dma::fence_is_signaled(*stub));
      EXPECT_EQ(dma::fence_get_status(*stub), 1);
      dma::fence_put(stub, kReader);
    }
  }};
  run.tear_down = {dma::stub_fini};
  EXPECT_EQ(run(), "nothing");
}

// Each thread signals its own fence and adds a callback to the other's: the callback runs, or the
// fence was signaled before.
void race_signal_callback(bool signal_before) {
  static Fence* fences[2];
  int seen[2], refused[2];
  PhasedRun run;
  run.set_up = [] {
    for (Fence*& f : fences) f = &mock_fence();
  };
  for (int self = 0; self < 2; ++self)
    run.threads.push_back([&, self] {
      SimpleCb cb;
      kernel::rcu_read_lock();
      Fence* other = dma::fence_get_rcu_safe(fences[1 - self], kReader);
      kernel::rcu_read_unlock();
      if (signal_before) dma::fence_signal(*fences[self]);
      refused[self] = add(*other, cb) == -ENOENT;
      if (!signal_before) dma::fence_signal(*fences[self]);
      dma::fence_wait(*other, false);
      // The flag is set before the callbacks run: the waiter may come in between.
      if (dma::fence_remove_callback(*other, cb.cb)) ++cb.seen;
      seen[self] = cb.seen;
      dma::fence_put(other, kReader);
    });
  run.tear_down = {[] {
    for (Fence* f : fences) put(*f);
  }};
  int callbacks = 0, refusals = 0;
  EXPECT_EQ(run.sweep(kT1, kT0,
                      [&] {
                        for (int self = 0; self < 2; ++self) {
                          ASSERT_EQ(seen[self] + refused[self], 1);
                          callbacks += seen[self];
                          refusals += refused[self];
                        }
                      }),
            "nothing");
  EXPECT_GT(callbacks, 0);
  EXPECT_GT(refusals, 0);
}

TEST(DmaBufFence, race_signal_callback_before) { race_signal_callback(true); }
TEST(DmaBufFence, race_signal_callback_after) { race_signal_callback(false); }

// --- what the kernel's own tests leave out ---

TEST(FenceCallback, RunsOnceWhoeverOfTwoSignals) {
  static Fence* f;
  static SimpleCb cb;
  int was_signaled;
  PhasedRun run;
  run.set_up = [&] {
    f = &mock_fence();
    cb.seen = was_signaled = 0;
    EXPECT_EQ(add(*f, cb), 0);
  };
  int before[2];
  for (int i = 0; i < 2; ++i)
    run.threads.push_back([&before, i] { before[i] = dma::fence_check_and_signal(*f); });
  run.tear_down = {[] { put(*f); }};
  EXPECT_EQ(run.sweep(kT1, kT0,
                      [&] {
                        ASSERT_EQ(cb.seen, 1);
                        ASSERT_EQ(before[0] + before[1], 1);
                      }),
            "nothing");
}

// Against the signal: either the removal says that it was in time, or the callback has run.
TEST(FenceCallback, RemovedOrRunNeverBoth) {
  static Fence* f;
  static SimpleCb cb;
  bool removed;
  int removals = 0;
  PhasedRun run;
  run.set_up = [] {
    f = &mock_fence();
    cb.seen = 0;
    EXPECT_EQ(add(*f, cb), 0);
  };
  run.threads = {[&] { removed = dma::fence_remove_callback(*f, cb.cb); },
                 [] { dma::fence_signal(*f); }};
  run.tear_down = {[] { put(*f); }};
  EXPECT_EQ(run.sweep(kT1, kT0,
                      [&] {
                        ASSERT_EQ(cb.seen + removed, 1);
                        removals += removed;
                      }),
            "nothing");
  EXPECT_GT(removals, 0);
}

TEST(FenceCallback, RunInTheOrderInWhichTheyWereAdded) {
  EXPECT_EQ(run_alone([] {
              struct Logged {
                FenceCb cb;
                std::string* log;
                char name;
              };
              std::string log;
              Logged cbs[3];
              Fence& f = mock_fence();
              for (int i = 0; i < 3; ++i) {
                cbs[i].log = &log;
                cbs[i].name = static_cast<char>('a' + i);
                dma::fence_add_callback(f, cbs[i].cb, [](Fence& fence, FenceCb& cb) {
                  EXPECT_TRUE(kernel::spin_is_held(*fence.lock));
                  EXPECT_GT(sched::current()->irq_off, 0u);
                  Logged* logged = container_of(&cb, Logged, cb);
                  *logged->log += logged->name;
                });
              }
              dma::fence_signal(f);
              EXPECT_EQ(log, "abc");
              put(f);
            }),
            "nothing");
}

TEST(FenceCallback, WithoutAFunctionIsRefusedWithAWarning) {
  const auto body = [] {
    FenceCb cb;
    Fence& f = mock_fence();
    EXPECT_EQ(dma::fence_add_callback(f, cb, nullptr), -EINVAL);
    put(f);
  };
  EXPECT_EQ(run_alone(body), "warn-on fence_add_callback");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone(body), "nothing");
}

TEST(FenceSignal, StampsTheVirtualTime) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_FALSE(kernel::test_bit(dma::kFenceTimestampBit, f.flags));
              dma::fence_wait_timeout(f, false, 7);
              dma::fence_signal(f);
              EXPECT_TRUE(kernel::test_bit(dma::kFenceTimestampBit, f.flags));
              EXPECT_EQ(f.timestamp, 7u);
              put(f);
            }),
            "nothing");
}

TEST(FenceSignal, LockedVariantWithoutTheLockIsReported) {
  EXPECT_EQ(run_alone([] { dma::fence_signal_locked(mock_fence()); }), "warn-on mock_fence.lock");
}

// --- ops ---

bool hardware_done;
int enable_calls;
bool enable_result;
const dma::FenceOps kPolledOps = {mock_name, mock_name, [](Fence&) { return hardware_done; },
                                  [](Fence& fence) {
                                    EXPECT_TRUE(kernel::spin_is_held(*fence.lock));
                                    ++enable_calls;
                                    return enable_result;
                                  },
                                  nullptr};

TEST(FenceOps, FindingTheHardwareDoneSignalsAndRunsCallbacks) {
  hardware_done = false;
  enable_result = true;
  EXPECT_EQ(run_alone([] {
              SimpleCb cb;
              Fence& f = mock_fence(kPolledOps);
              EXPECT_EQ(add(f, cb), 0);
              EXPECT_FALSE(dma::fence_is_signaled(f));
              hardware_done = true;
              EXPECT_FALSE(dma::fence_test_signaled_flag(f));
              EXPECT_EQ(cb.seen, 0);
              EXPECT_TRUE(dma::fence_is_signaled(f));
              EXPECT_EQ(cb.seen, 1);
              EXPECT_TRUE(dma::fence_test_signaled_flag(f));
              put(f);
            }),
            "nothing");
}

TEST(FenceOps, StatusPollsTheHardwareToo) {
  hardware_done = true;
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence(kPolledOps);
              EXPECT_EQ(dma::fence_get_status(f), 1);
              EXPECT_TRUE(dma::fence_test_signaled_flag(f));
              EXPECT_EQ(dma::fence_get_status(f), 1);
              put(f);
            }),
            "nothing");
}

TEST(FenceOps, EnableSignalingIsCalledAtMostOnce) {
  enable_calls = 0;
  enable_result = true;
  EXPECT_EQ(run_alone([] {
              SimpleCb a, b;
              Fence& f = mock_fence(kPolledOps);
              EXPECT_EQ(add(f, a), 0);
              EXPECT_EQ(add(f, b), 0);
              dma::fence_enable_sw_signaling(f);
              dma::fence_wait_timeout(f, false, 1);
              EXPECT_EQ(enable_calls, 1);
              dma::fence_signal(f);
              put(f);
            }),
            "nothing");
}

TEST(FenceOps, EnableSignalingThatSaysDoneSignalsTheFence) {
  enable_result = false;
  EXPECT_EQ(run_alone([] {
              SimpleCb cb;
              Fence& f = mock_fence(kPolledOps);
              EXPECT_EQ(add(f, cb), -ENOENT);
              EXPECT_TRUE(dma::fence_test_signaled_flag(f));
              EXPECT_EQ(cb.seen, 0);
              put(f);
            }),
            "nothing");
}

// --- waiting ---

TEST(FenceWait, PendingSignalInterruptsOnlyWhereAllowed) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              kernel::task().signal_pending = true;
              EXPECT_EQ(dma::fence_wait(f, true), -kernel::kErestartsys);
              EXPECT_EQ(dma::fence_wait_timeout(f, true, 0), -kernel::kErestartsys);
              EXPECT_EQ(dma::fence_wait_timeout(f, false, 5), 0);
              EXPECT_EQ(sched::now(), 5u);
              // Complete is complete, signal or not.
              dma::fence_signal(f);
              EXPECT_EQ(dma::fence_wait(f, true), 0);
              put(f);
            }),
            "nothing");
}

TEST(FenceWait, SignalDuringTheSleepInterrupts) {
  static Fence* f;
  int result = 1;
  PhasedRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] { result = dma::fence_wait(*f, true); },
                 [] {
                   kernel::task(0).signal_pending = true;
                   sched::wake(sched::context(0));
                 }};
  run.tear_down = {[] {
    dma::fence_signal(*f);  // the waiter has left: nobody is called
    put(*f);
  }};
  EXPECT_EQ(run(), "nothing");
  EXPECT_EQ(result, -kernel::kErestartsys);
}

TEST(FenceWait, NoWakeUpIsLost) {
  static Fence* f;
  int result;
  PhasedRun run;
  run.set_up = [] { f = &mock_fence(); };
  run.threads = {[&] { result = dma::fence_wait(*f, false); }, [] { dma::fence_signal(*f); }};
  run.tear_down = {[] { put(*f); }};
  EXPECT_EQ(run.sweep(kT1, kT0, [&] { ASSERT_EQ(result, 0); }), "nothing");
}

TEST(FenceWait, OfANeverSignaledFenceIsADeadlock) {
  EXPECT_EQ(run_alone([] { dma::fence_wait(mock_fence(), false); }), "deadlock fence");
}

TEST(FenceWait, WithASpinlockHeldIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              kernel::spin_lock(*f.lock);
              dma::fence_wait(f, false);
            }),
            "sleep-in-atomic dma_fence_wait_timeout");
}

// --- sequence numbers, contexts, errors ---

TEST(FenceSeqno, ComparesAsWrapping32BitsWithoutTheFlag) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              EXPECT_TRUE(dma::seqno_is_later(f, 2, 1));
              EXPECT_FALSE(dma::seqno_is_later(f, 1, 2));
              EXPECT_FALSE(dma::seqno_is_later(f, 1, 1));
              EXPECT_TRUE(dma::seqno_is_later(f, 1, 0xffff'ffff));
              EXPECT_FALSE(dma::seqno_is_later(f, 0xffff'ffff, 1));
              // Upper halves do not count.
              EXPECT_FALSE(dma::seqno_is_later(f, uint64_t{1} << 32, 0));
              put(f);
            }),
            "nothing");
}

TEST(FenceSeqno, ComparesAsPlain64BitsWithTheFlag) {
  EXPECT_EQ(run_alone([] {
              MockFence* f = kernel::kzalloc_obj<MockFence>("mock fence");
              kernel::spin_lock_init(f->lock, "mock_fence.lock");
              dma::fence_init64(f->base, kMockOps, f->lock, 1, 0, "fence", kCreator);
              EXPECT_TRUE(dma::seqno_is_later(f->base, uint64_t{1} << 32, 0));
              EXPECT_TRUE(dma::seqno_is_later(f->base, ~uint64_t{0}, 1));
              EXPECT_FALSE(dma::seqno_is_later(f->base, 1, ~uint64_t{0}));
              EXPECT_FALSE(dma::seqno_is_later(f->base, 1, 1));
              put(f->base);
            }),
            "nothing");
}

TEST(FenceSeqno, LaterOrSame) {
  EXPECT_EQ(run_alone([] {
              Fence& first = mock_fence(kMockOps, 1);
              Fence& twin = mock_fence(kMockOps, 1);
              Fence& second = mock_fence(kMockOps, 2);
              EXPECT_TRUE(dma::fence_is_later_or_same(second, first));
              EXPECT_FALSE(dma::fence_is_later_or_same(first, second));
              EXPECT_TRUE(dma::fence_is_later_or_same(first, first));
              EXPECT_TRUE(dma::fence_is_later_or_same(first, twin));
              for (Fence* f : {&first, &twin, &second}) put(*f);
            }),
            "nothing");
}

TEST(FenceContext, EachIsHandedOutOnceAndCountsFromOneInEachRun) {
  for (int round = 0; round < 2; ++round) {
    dma::fence_reset();
    EXPECT_EQ(run_alone([] {
                EXPECT_EQ(dma::fence_context_alloc(3), 1u);
                EXPECT_EQ(dma::fence_context_alloc(1), 4u);
              }),
              "nothing");
  }
}

TEST(FenceError, AfterTheSignalIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              dma::fence_signal(f);
              dma::fence_set_error(f, -EIO);
            }),
            "warn-on fence_set_error");
}

TEST(FenceError, OutOfRangeIsReported) {
  for (int error : {0, 1, -4096})
    EXPECT_EQ(run_alone([error] { dma::fence_set_error(mock_fence(), error); }),
              "warn-on fence_set_error");
}

// --- references ---

TEST(FenceReference, GetRcuFailsOnADyingFenceWhoseMemoryIsStillThere) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence(kMockOps, 42);
              kernel::rcu_read_lock();
              EXPECT_EQ(dma::fence_get_rcu(&f, kReader), &f);
              dma::fence_put(&f, kReader);
              put(f);
              EXPECT_EQ(dma::fence_get_rcu(&f, kReader), nullptr);
              EXPECT_EQ(f.seqno, 42u);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

TEST(FenceReference, GetRcuOutsideOfAReaderIsReported) {
  EXPECT_EQ(run_alone([] { dma::fence_get_rcu(&mock_fence(), kReader); }),
            "rcu-misuse dma_fence_get_rcu");
}

TEST(FenceReference, GetRcuSafeGivesTheOldFenceOrTheNewWhileTheSlotChanges) {
  static Fence* slot;
  static Fence* replacement;
  uint64_t seqno;
  int old_seen = 0, new_seen = 0;
  PhasedRun run;
  run.set_up = [] {
    slot = &mock_fence(kMockOps, 1);
    replacement = &mock_fence(kMockOps, 2);
    for (Fence* f : {slot, replacement}) kernel::kref_move(f->refcount, kCreator, kSlot);
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   Fence* f = dma::fence_get_rcu_safe(slot, kReader);
                   kernel::rcu_read_unlock();
                   seqno = f->seqno;
                   dma::fence_put(f, kReader);
                 },
                 [] {
                   Fence* old = slot;
                   kernel::rcu_assign_pointer(slot, replacement);
                   dma::fence_put(old, kSlot);
                   // Long enough for the old fence's memory to go, if no reader holds it back.
                   kernel::set_current_state();
                   kernel::schedule_timeout("rest", 1);
                 }};
  run.tear_down = {[] { dma::fence_put(slot, kSlot); }};
  EXPECT_EQ(run.sweep(kT1, kT0,
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
              EXPECT_EQ(dma::fence_get_rcu_safe(slot, kReader), nullptr);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

TEST(FenceReference, NullIsNoFence) {
  EXPECT_EQ(run_alone([] {
              EXPECT_EQ(dma::fence_get(nullptr, kReader), nullptr);
              dma::fence_put(nullptr, kReader);
            }),
            "nothing");
}

TEST(FenceReference, LastPutWhileWaitedForIsReported) {
  EXPECT_EQ(run_alone([] {
              SimpleCb cb;
              Fence& f = mock_fence();
              add(f, cb);
              put(f);
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
              dma::fence_add_callback(f, cb.cb, [](Fence& fence, FenceCb& base) {
                container_of(&base, ErrorCb, cb)->error = fence.error;
              });
              put(f);
              EXPECT_EQ(cb.error, -EDEADLK);
            }),
            "nothing");
}

TEST(FenceReference, LastPutOfAPendingFenceThatNobodyWaitsForIsFine) {
  EXPECT_EQ(run_alone([] { put(mock_fence()); }), "nothing");
}

TEST(FenceReference, NeverPutIsALeak) {
  EXPECT_EQ(run_alone([] { mock_fence(); }), "reference-leak fence held by creator");
}

}  // namespace
