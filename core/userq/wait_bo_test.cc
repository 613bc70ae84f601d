// The wait ioctl and buffers (behaviour 1.9): which fences readers and writers wait for, in both
// phases, and what happens while the buffers are locked.
#include "core/userq/ioctl_test_fixture.h"

namespace userq {
namespace {

using kernel::kSecond;

// A reads x, C writes x; A's fence is also in s.
class WaitBoTest : public IoctlTest {
 protected:
  WaitBoTest() {
    prepare([this] {
      scene();
      EXPECT_EQ(signal_on(a_, 4, {.syncobjs = {s_}, .read = {x_}}), 0);
      EXPECT_EQ(signal_on(c_, 6, {.write = {x_}}), 0);
    });
  }
  // What is filled in, by queue.
  void expect_filled(const Lists& lists, uint16_t room, const Handles& queues) {
    Infos infos;
    EXPECT_EQ(wait_on(b_, lists, room, &infos), 0);
    ASSERT_EQ(infos.size(), queues.size());
    for (size_t i = 0; i < queues.size(); ++i) {
      EXPECT_EQ(infos[i].va, driver(queues[i]).va);
      EXPECT_EQ(infos[i].value, last_fence(queues[i]).seqno);
    }
  }
};

TEST_F(WaitBoTest, BuffersToReadFromWaitForAllUsersThoseToWriteToForWriters) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(count({.read = {x_}}), 2);
              expect_filled({.read = {x_}}, 8, {a_, c_});
              EXPECT_EQ(count({.write = {x_}}), 1);
              expect_filled({.write = {x_}}, 8, {c_});
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitBoTest, FencesOfMemoryManagementCountForBothEvictionFencesForNeither) {
  dma::Fence* move = nullptr;
  prepare([&] {
    scene();
    move = &foreign_fence();
  });
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(count({.read = {y_}}), 0);
                   EXPECT_EQ(count({.write = {y_}}), 0);
                   add_fence(y_, *move, dma::ResvUsage::kKernel);
                   EXPECT_EQ(count({.read = {y_}}), 1);
                   EXPECT_EQ(count({.write = {y_}}), 1);
                   // No slot stands for it: it is waited for, once the buffers are unlocked.
                   expect_filled({.write = {y_}}, 8, {});
                   EXPECT_EQ(sched::now(), kSecond);
                   dma::put_mock(*move);
                   complete_all();
                 },
                 [&] {
                   rest(kSecond);
                   EXPECT_FALSE(dma::resv_is_locked(resv(y_)));
                   dma::fence_signal(*move);
                 }}),
            "nothing");
}

TEST_F(WaitBoTest, FencesThatAreCompleteAreCountedAndFilledInToo) {
  EXPECT_EQ(run({[this] {
              complete_all();
              EXPECT_EQ(count({.read = {x_}}), 2);
              expect_filled({.read = {x_}}, 8, {a_, c_});
              EXPECT_EQ(count({.write = {x_}}), 1);
              expect_filled({.write = {x_}}, 8, {c_});
            }}),
            "nothing");
}

TEST_F(WaitBoTest, EveryListMayBeEmptyAndCountedInOne) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(c_, 7, {.write = {y_}}), 0);
              EXPECT_EQ(count({.read = {y_}, .write = {x_}}), 2);
              EXPECT_EQ(count({.read = {x_, y_}}), 3);
              EXPECT_EQ(count({.write = {x_, y_}}), 2);
              EXPECT_EQ(count({.syncobjs = {s_}, .read = {x_, y_}}), 4);
              EXPECT_EQ(count({}), 0);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitBoTest, OfAQueueTheLatestFenceCountsWhereverItIs) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 9, {.write = {y_}}), 0);
              EXPECT_EQ(count({.syncobjs = {s_}, .read = {x_}, .write = {y_}}), 4);
              expect_filled({.syncobjs = {s_}, .read = {x_}, .write = {y_}}, 8, {a_, c_});
              expect_filled({.syncobjs = {s_}, .read = {y_}}, 8, {a_});
              EXPECT_EQ(held_drivers(b_), 2);
              complete_all();
            }}),
            "nothing");
}

// --- more fences than there is room for ---

TEST_F(WaitBoTest, FenceWithoutRoomIsWaitedForWithTheBuffersLocked) {
  EXPECT_EQ(run({[this] {
                   Infos infos;
                   EXPECT_EQ(wait_on(b_, {.read = {x_}}, 1, &infos), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                   ASSERT_EQ(infos.size(), 1u);
                   EXPECT_EQ(infos[0].va, driver(a_).va);
                   EXPECT_EQ(held_drivers(b_), 1);
                   EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
                   complete_all();
                 },
                 [this] {
                   rest(kSecond);
                   EXPECT_TRUE(dma::resv_is_locked(resv(x_)));
                   complete(kC, 6);
                 }}),
            "nothing");
}

TEST_F(WaitBoTest, PendingSignalInterruptsThatWaitAndTheBuffersAreUnlocked) {
  EXPECT_EQ(run({[this] {
              const WaitArgs args = wait_lists(b_, {.read = {x_}}, 1);
              kernel::task().signal_pending = true;
              expect_refused(args, -kernel::kErestartsys);
              EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
              EXPECT_EQ(held_drivers(b_), 0);
              complete_all();
            }}),
            "nothing");
}

// --- what is refused ---

TEST_F(WaitBoTest, BufferNamedTwiceIsRefused) {
  EXPECT_EQ(run({[this] {
              uint32_t again;
              EXPECT_EQ(drm::gem_handle_create(file(), bo(x_).gem, &again), 0);
              uint32_t always[2];
              for (uint32_t& handle : always)
                handle = create_bo(kGpuPageSize, kGemCreateVmAlwaysValid);
              const Lists twice[] = {{.syncobjs = {s_}, .read = {x_, x_}},
                                     {.syncobjs = {s_}, .write = {y_, x_, x_}},
                                     {.syncobjs = {s_}, .read = {x_}, .write = {y_, x_}},
                                     {.syncobjs = {s_}, .read = {x_}, .write = {again}},
                                     {.syncobjs = {s_}, .read = {always[0]}, .write = {always[1]}}};
              for (const Lists& lists : twice) {
                for (uint16_t room : {0, 8}) expect_refused(wait_lists(b_, lists, room), -EALREADY);
              }
              EXPECT_EQ(held_drivers(b_), 0);
              complete_all();
            }}),
            "nothing");
}

TEST_F(WaitBoTest, PendingSignalInterruptsTheWaitForABuffer) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(bo(x_), false);
                   rest(kSecond);
                   bo_unreserve(bo(x_));
                   complete_all();
                 },
                 [this] {
                   kernel::task().signal_pending = true;
                   for (uint16_t room : {0, 8}) {
                     const WaitArgs args =
                         wait_lists(b_, {.syncobjs = {s_}, .read = {y_}, .write = {x_}}, room);
                     expect_refused(args, -EINTR);
                   }
                   EXPECT_FALSE(dma::resv_is_locked(resv(y_)));
                   EXPECT_EQ(held_drivers(b_), 0);
                   EXPECT_LT(sched::now(), kSecond);
                 }}),
            "nothing");
}

// The buffers are looked up before, and locked and unlocked again, before the queue is.
TEST_F(WaitBoTest, UnknownQueueIsFoundOutAtTheEnd) {
  EXPECT_EQ(run({[this] {
              expect_refused(wait_lists(kUnknown, {.read = {x_, x_}}, 8), -EALREADY);
              expect_refused(wait_lists(kUnknown, {.read = {x_}}, 8), -EINVAL);
              EXPECT_EQ(count({.read = {x_}}), 2);
              complete_all();
            }}),
            "nothing");
}

// --- waiting for a submission ---

// Whoever submits may need the buffers.
TEST_F(WaitBoTest, SubmissionIsWaitedForBeforeTheBuffersAreLocked) {
  for (bool timeline : {false, true}) {
    EXPECT_EQ(run({[this, timeline] {
                     const Lists lists = timeline ? Lists{.timelines = {{t_, 3}}, .read = {x_}}
                                                  : Lists{.syncobjs = {t_}, .read = {x_}};
                     Infos infos;
                     EXPECT_EQ(wait_on(b_, lists, 8, &infos), 0);
                     EXPECT_EQ(sched::now(), kSecond);
                     EXPECT_EQ(infos.size(), 2u);
                     complete_all();
                   },
                   [this, timeline] {
                     rest(kSecond);
                     EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
                     EXPECT_EQ(signal_on(c_, 8, {.write = {x_}}), 0);
                     if (timeline)
                       add_point(t_, 3, last_fence(c_));
                     else
                       put_fence(t_, last_fence(c_));
                   }}),
              "nothing");
  }
}

// --- races ---

TEST_F(WaitBoTest, WaitAndSignalLockTheirBuffersInOppositeOrder) {
  for (bool writes : {false, true}) {
    const Body wait_it = [this, writes] {
      EXPECT_EQ(wait_on(b_, writes ? Lists{.write = {x_, y_}} : Lists{.read = {x_, y_}}), 0);
    };
    const Body signal_it = [this, writes] {
      EXPECT_EQ(signal(signal_lists(
                    c_, writes ? Lists{.write = {y_, x_}} : Lists{.read = {y_}, .write = {x_}})),
                0);
    };
    EXPECT_EQ(sweep({wait_it, signal_it}, {}, {kernel::kT1}), "nothing");
    EXPECT_EQ(sweep({signal_it, wait_it}, {}, {kernel::kT1}), "nothing");
  }
}

TEST_F(WaitBoTest, QueueThatIsWaitedForGoesAtAnyPoint) {
  EXPECT_EQ(sweep({[this] {
                     Infos infos;
                     EXPECT_EQ(wait_on(b_, {.write = {x_}}, 8, &infos), 0);
                     ASSERT_EQ(infos.size(), 1u);
                     EXPECT_EQ(infos[0].value, 6u);
                   },
                   [this] {
                     complete(kC, 6);
                     EXPECT_EQ(free(c_), 0);
                   }},
                  {}, {kernel::kT1}),
            "nothing");
}

TEST_F(WaitBoTest, BufferThatIsClosedAtAnyPointIsWaitedForOrUnknown) {
  int result = 0;
  EXPECT_EQ(sweep({[&] { result = wait_on(b_, {.write = {x_}}); },
                   [this] { EXPECT_EQ(close_bo(x_), 0); }},
                  [&] { ASSERT_TRUE(result == 0 || result == -ENOENT) << result; }, {kernel::kT1}),
            "nothing");
}

}  // namespace
}  // namespace userq
