// The cases of the kernel's own dma-buf-fence tests, under their names: they assert the same.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/test_run.h"
#include "core/kernel/workqueue.h"

namespace dma {
namespace {

using kernel::kSecond;
using kernel::kT0;
using kernel::kT1;
using kernel::TestRun;

// Signals a fence from a worker, after a while.
struct SignalLater {
  kernel::DelayedWork work;
  kernel::Workqueue wq{"later", false};
  Fence* fence;

  SignalLater(Fence& to_signal, uint64_t delay) : fence(&to_signal) {
    kernel::init_delayed_work(
        work,
        [](kernel::Work& w) {
          fence_signal(*container_of(&kernel::to_delayed_work(w), SignalLater, work)->fence);
        },
        "signal_later");
    kernel::queue_delayed_work(wq, work, delay);
  }
};

TEST(DmaBufFence, sanitycheck) {
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_enable_sw_signaling(f);
              fence_signal(f);
            }),
            "nothing");
}

TEST(DmaBufFence, test_signaling) {
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_enable_sw_signaling(f);
              EXPECT_FALSE(fence_is_signaled(f));
              EXPECT_FALSE(fence_test_signaled_flag(f));
              EXPECT_FALSE(fence_check_and_signal(f));
              EXPECT_TRUE(fence_is_signaled(f));
              EXPECT_TRUE(fence_test_signaled_flag(f));
              EXPECT_EQ(f.ops, nullptr);
              EXPECT_TRUE(fence_check_and_signal(f));
            }),
            "nothing");
}

TEST(DmaBufFence, test_add_callback) {
  EXPECT_EQ(with_fence([](Fence& f) {
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), 0);
              EXPECT_EQ(cb.seen, 0);
              fence_signal(f);
              EXPECT_EQ(cb.seen, 1);
            }),
            "nothing");
}

TEST(DmaBufFence, test_late_add_callback) {
  EXPECT_EQ(with_fence([](Fence& f) {
              CountingCb cb;
              fence_signal(f);
              EXPECT_EQ(add_counting(f, cb), -ENOENT);
              fence_signal(f);
              EXPECT_EQ(cb.seen, 0);
            }),
            "nothing");
}

TEST(DmaBufFence, test_rm_callback) {
  EXPECT_EQ(with_fence([](Fence& f) {
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), 0);
              EXPECT_TRUE(fence_remove_callback(f, cb.cb));
              fence_signal(f);
              EXPECT_EQ(cb.seen, 0);
            }),
            "nothing");
}

TEST(DmaBufFence, test_late_rm_callback) {
  EXPECT_EQ(with_fence([](Fence& f) {
              CountingCb cb;
              EXPECT_EQ(add_counting(f, cb), 0);
              fence_signal(f);
              EXPECT_FALSE(fence_remove_callback(f, cb.cb));
              EXPECT_EQ(cb.seen, 1);
            }),
            "nothing");
}

TEST(DmaBufFence, test_status) {
  EXPECT_EQ(with_fence([](Fence& f) {
              EXPECT_EQ(fence_get_status(f), 0);
              fence_signal(f);
              EXPECT_EQ(fence_get_status(f), 1);
            }),
            "nothing");
}

TEST(DmaBufFence, test_error) {
  EXPECT_EQ(with_fence([](Fence& f) {
              fence_set_error(f, -EIO);
              EXPECT_EQ(fence_get_status(f), 0);
              fence_signal(f);
              EXPECT_EQ(fence_get_status(f), -EIO);
            }),
            "nothing");
}

TEST(DmaBufFence, test_wait) {
  EXPECT_EQ(with_fence([](Fence& f) {
              EXPECT_EQ(fence_wait_timeout(f, false, 0), 0);
              fence_signal(f);
              EXPECT_EQ(fence_wait_timeout(f, false, 0), 1);
            }),
            "nothing");
}

TEST(DmaBufFence, test_wait_timeout) {
  EXPECT_EQ(with_fence([](Fence& f) {
              EXPECT_EQ(fence_wait_timeout(f, false, kSecond), 0);
              EXPECT_EQ(sched::now(), kSecond);
              SignalLater later(f, kSecond);
              EXPECT_EQ(fence_wait_timeout(f, false, 4 * kSecond),
                        static_cast<int64_t>(3 * kSecond));
              EXPECT_EQ(sched::now(), 2 * kSecond);
            }),
            "nothing");
}

TEST(DmaBufFence, test_stub) {
  TestRun run;
  run.set_up = [] { EXPECT_EQ(stub_init(), 0); };
  run.threads = {[] {
    Fence* stubs[64];
    for (Fence*& stub : stubs) stub = fence_get_stub(kReader);
    for (Fence* stub : stubs) {
      EXPECT_TRUE(fence_is_signaled(*stub));
      EXPECT_EQ(fence_get_status(*stub), 1);
      fence_put(stub, kReader);
    }
  }};
  run.tear_down = {stub_fini};
  EXPECT_EQ(run(), "nothing");
}

// Each thread signals its own fence and adds a callback to the other's: the callback runs, or the
// fence was signaled before.
void race_signal_callback(bool signal_before) {
  static Fence* fences[2];
  int seen[2], refused[2];
  TestRun run;
  run.set_up = [] {
    for (Fence*& f : fences) f = &mock_fence();
  };
  for (int self = 0; self < 2; ++self)
    run.threads.push_back([&, self] {
      CountingCb cb;
      kernel::rcu_read_lock();
      Fence* other = fence_get_rcu_safe(fences[1 - self], kReader);
      kernel::rcu_read_unlock();
      if (signal_before) fence_signal(*fences[self]);
      refused[self] = add_counting(*other, cb) == -ENOENT;
      if (!signal_before) fence_signal(*fences[self]);
      fence_wait(*other, false);
      seen[self] = cb.seen;
      fence_put(other, kReader);
    });
  run.tear_down = {[] {
    for (Fence* f : fences) put_mock(*f);
  }};
  int callbacks = 0, refusals = 0;
  EXPECT_EQ(run.sweep({kT1, kT0},
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

}  // namespace
}  // namespace dma
