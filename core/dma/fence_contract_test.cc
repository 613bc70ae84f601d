// What the makers and users of fences must not do, and how it is found; each beside the nearest
// code that is right.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::run_alone;

using Func = void (*)(Fence& fence, FenceCb& cb);

kernel::SpinLock* other_lock;

// Signals a fence that has one callback.
std::string with_callback(Func func) {
  kernel::OnHeap<kernel::SpinLock> lock;
  other_lock = lock.lock.get();
  return run_alone([func] {
    kernel::spin_lock_init(*other_lock, "other lock");
    FenceCb cb;
    Fence& f = mock_fence();
    EXPECT_EQ(fence_add_callback(f, cb, func), 0);
    fence_signal(f);
    put_mock(f);
  });
}

TEST(FenceContract, ACallbackLeavesTheContextAsItWas) {
  const char* const kFinding = "fence-contract callback-changed-context";
  const Func unlocks = [](Fence& fence, FenceCb&) { kernel::spin_unlock(*fence.lock); };
  const Func keeps_a_lock = [](Fence&, FenceCb&) { kernel::spin_lock(*other_lock); };
  const Func keeps_a_reader = [](Fence&, FenceCb&) { kernel::rcu_read_lock(); };
  const Func enables_interrupts = [](Fence&, FenceCb&) {
    kernel::spin_lock(*other_lock);
    kernel::spin_unlock_irq(*other_lock);
  };
  for (const Func func : {unlocks, keeps_a_lock, keeps_a_reader, enables_interrupts})
    EXPECT_EQ(with_callback(func), kFinding);
  EXPECT_EQ(with_callback([](Fence&, FenceCb&) {
              kernel::rcu_read_lock();
              unsigned long flags;
              kernel::spin_lock_irqsave(*other_lock, flags);
              kernel::spin_unlock_irqrestore(*other_lock, flags);
              kernel::rcu_read_unlock();
            }),
            "nothing");
}

TEST(FenceContract, ACallbackDoesNotSleep) {
  EXPECT_EQ(with_callback([](Fence&, FenceCb&) { rest(); }), "sleep-in-atomic rest");
}

// Its lock is held.
TEST(FenceContract, ACallbackDoesNotTouchItsFencesCallbacks) {
  EXPECT_EQ(with_callback([](Fence& fence, FenceCb& cb) { fence_remove_callback(fence, cb); }),
            "lock-order-inversion mock_fence.lock -> mock_fence.lock");
  kernel::ChecksOff off;
  EXPECT_EQ(with_callback([](Fence& fence, FenceCb& cb) { fence_remove_callback(fence, cb); }),
            "deadlock mock_fence.lock");
}

TEST(FenceContract, ACallbackMayRemoveOneFromAnotherFence) {
  struct Remover {
    FenceCb cb;
    Fence* other;
    CountingCb* counting;
  };
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              Fence* other = kernel::kzalloc_obj<Fence>("fence");
              fence_init(*other, kMockOps, nullptr, 2, 1, "other fence", kMockCreator);
              CountingCb counting;
              EXPECT_EQ(add_counting(*other, counting), 0);
              Remover remover{{}, other, &counting};
              fence_add_callback(f, remover.cb, [](Fence&, FenceCb& cb) {
                const Remover& self = *container_of(&cb, Remover, cb);
                EXPECT_TRUE(fence_remove_callback(*self.other, self.counting->cb));
              });
              fence_signal(f);
              fence_signal(*other);
              EXPECT_EQ(counting.seen, 0);
              put_mock(f);
              put_mock(*other);
            }),
            "nothing");
}

TEST(FenceContract, ACallbackMayFreeItself) {
  struct Heap {
    FenceCb cb;
  };
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              for (int i = 0; i < 2; ++i)
                fence_add_callback(
                    f, kernel::kzalloc_obj<Heap>("callback")->cb,
                    [](Fence&, FenceCb& cb) { kernel::kfree(container_of(&cb, Heap, cb)); });
              fence_signal(f);
              put_mock(f);
            }),
            "nothing");
}

// Whichever fence is signaled first, and wherever in its list the callback is.
TEST(FenceContract, ACallbackIsOnOneFenceAtATime) {
  const auto body = [](bool still_on_first, int others_before, int others_behind, bool swap) {
    return run_alone([&] {
      CountingCb cb, others[2];
      Fence& first = mock_fence();
      Fence& second = mock_fence();
      for (int i = 0; i < others_before; ++i) add_counting(first, others[0]);
      EXPECT_EQ(add_counting(first, cb), 0);
      for (int i = 0; i < others_behind; ++i) add_counting(first, others[1]);
      if (!still_on_first) EXPECT_TRUE(fence_remove_callback(first, cb.cb));
      EXPECT_EQ(add_counting(second, cb), 0);
      fence_signal(swap ? second : first);
      fence_signal(swap ? first : second);
      EXPECT_EQ(cb.seen, 1);
      put_mock(first);
      put_mock(second);
    });
  };
  for (int place = 0; place < 8; ++place) {
    const int before = place & 1, behind = place >> 1 & 1;
    const bool swap = place >> 2 & 1;
    EXPECT_EQ(body(true, before, behind, swap), "fence-contract callback-added-twice") << place;
    EXPECT_EQ(body(false, before, behind, swap), "nothing") << place;
    kernel::ChecksOff off;
    EXPECT_EQ(body(true, before, behind, swap), "nothing") << place;
  }
}

TEST(FenceContract, ACallbackIsOnItsFenceOnce) {
  EXPECT_EQ(with_fence([](Fence& f) {
              CountingCb cb;
              add_counting(f, cb);
              add_counting(f, cb);
            }),
            "list-corruption list_add");
}

TEST(FenceContract, WhoSignalsHoldsAReference) {
  const auto body = [](bool keep_one) {
    return run_alone([&] {
      Fence& f = mock_fence();
      if (keep_one) fence_get(&f, kReader);
      kernel::rcu_read_lock();  // the memory stays
      put_mock(f);
      fence_signal(f);
      kernel::rcu_read_unlock();
      if (keep_one) fence_put(&f, kReader);
    });
  };
  EXPECT_EQ(body(false), "fence-contract signaled-after-release");
  EXPECT_EQ(body(true), "nothing");
}

TEST(FenceContract, APutAfterTheLastIsReported) {
  EXPECT_EQ(run_alone([] {
              Fence& f = mock_fence();
              kernel::rcu_read_lock();
              put_mock(f);
              put_mock(f);
            }),
            "refcount-underflow fence dropped by creator");
}

// The old life's reference is never dropped.
TEST(FenceContract, ALiveFenceIsNotInitialisedAgain) {
  EXPECT_EQ(
      with_fence([](Fence& f) { fence_init(f, kMockOps, f.lock, 1, 1, "fence", kMockCreator); }),
      "reference-leak fence held by creator");
}

TEST(FenceContract, SignalingTwiceIsAllowed) {
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_signal(f);
              fence_signal(f);
              EXPECT_TRUE(fence_check_and_signal(f));
            }),
            "nothing");
}

}  // namespace
}  // namespace dma
