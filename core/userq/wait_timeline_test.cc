// The wait ioctl and syncobjs (behaviour 1.9): timeline points, fences made of fences, fences that
// are no queue's, the order of it all, and which references it takes on the way.
#include "core/userq/ioctl_test_fixture.h"
#include "core/userq/reset.h"

namespace userq {
namespace {

using kernel::kSecond;

constexpr uint32_t kD = 3;                          // doorbell
constexpr uint64_t kFar = (uint64_t{1} << 32) + 1;  // as 32 bits: 1

// A, C and D each have a pending fence.
class WaitTimelineTest : public IoctlTest {
 protected:
  WaitTimelineTest() {
    prepare([this] { submitted(); });
  }
  void submitted() {
    scene();
    d_ = create(kD);
    EXPECT_EQ(signal_on(a_, 4, {}), 0);
    EXPECT_EQ(signal_on(c_, 6, {}), 0);
    EXPECT_EQ(signal_on(d_, 8, {}), 0);
  }
  void finish() {
    complete_all();
    complete(kD, 8);
  }
  // Points 5 (A's fence) and 2^32 + 1 (C's) of t.
  void two_points() {
    add_point(t_, 5, last_fence(a_));
    add_point(t_, kFar, last_fence(c_));
  }
  // Expects the fences of these queues, by context, and as many in the count phase.
  void expect_fences(const Lists& lists, const Handles& queues) {
    EXPECT_EQ(count(lists), static_cast<int>(queues.size()));
    expect_filled(lists, 8, queues);
  }
  void expect_filled(const Lists& lists, uint16_t room, const Handles& queues) {
    Infos infos;
    EXPECT_EQ(wait_on(b_, lists, room, &infos), 0);
    ASSERT_EQ(infos.size(), queues.size());
    for (size_t i = 0; i < queues.size(); ++i) {
      EXPECT_EQ(infos[i].va, driver(queues[i]).va);
      EXPECT_EQ(infos[i].value, last_fence(queues[i]).seqno);
    }
  }

  uint32_t d_ = 0;
};

// --- timeline points ---

TEST_F(WaitTimelineTest, PointWaitsForItAndAllBefore) {
  EXPECT_EQ(run({[this] {
              two_points();
              expect_fences({.timelines = {{t_, 5}}}, {a_});
              expect_fences({.timelines = {{t_, kFar}}}, {a_, c_});
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, PointBetweenTwoWaitsForTheNext) {
  EXPECT_EQ(run({[this] {
              two_points();
              expect_fences({.timelines = {{t_, 1}}}, {a_});
              expect_fences({.timelines = {{t_, 6}}}, {a_, c_});
              expect_fences({.timelines = {{t_, kFar - 1}}}, {a_, c_});
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, PointZeroIsWhateverIsThere) {
  EXPECT_EQ(run({[this] {
              two_points();
              put_fence(s_, last_fence(d_));
              expect_fences({.timelines = {{t_, 0}}}, {a_, c_});
              expect_fences({.timelines = {{s_, 0}}}, {d_});
              finish();
            }}),
            "nothing");
}

// A stub stands for it, which is complete; the last point keeps its fence.
TEST_F(WaitTimelineTest, PointThatIsReachedCountsButGetsNoInfo) {
  EXPECT_EQ(run({[this] {
              two_points();
              finish();
              EXPECT_EQ(count({.timelines = {{t_, 5}}}), 1);
              expect_filled({.timelines = {{t_, 5}}}, 8, {});
              EXPECT_EQ(held_drivers(b_), 0);
              expect_fences({.timelines = {{t_, kFar}}}, {c_});
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, PointThatNobodySubmitsIsATimeoutAndLocksNothing) {
  for (uint16_t room : {0, 8}) {
    EXPECT_EQ(run({[&] {
                     finish();
                     add_point(t_, 5, last_fence(a_));
                     expect_refused(wait_lists(b_, {.timelines = {{t_, 6}}, .read = {x_}}, room),
                                    -ETIME);
                     EXPECT_EQ(sched::now(), 5 * kSecond);
                   },
                   [this] {
                     rest(kSecond);
                     EXPECT_FALSE(dma::resv_is_locked(resv(x_)));
                   }}),
              "nothing");
  }
}

TEST_F(WaitTimelineTest, PendingSignalInterruptsTheWaitForAPoint) {
  EXPECT_EQ(run({[this] {
              two_points();
              for (uint16_t room : {0, 8}) {
                const WaitArgs args =
                    wait_lists(b_, {.timelines = {{t_, 5}, {t_, kFar + 1}}, .read = {x_}}, room);
                kernel::task().signal_pending = true;
                expect_refused(args, -kernel::kErestartsys);
                EXPECT_EQ(held_drivers(b_), 0);
              }
              finish();
            }}),
            "nothing");
}

// --- fences made of fences ---

TEST_F(WaitTimelineTest, ChainInASyncobjIsTakenApart) {
  EXPECT_EQ(run({[this] {
              two_points();
              expect_fences({.syncobjs = {t_}}, {a_, c_});
              EXPECT_EQ(sched::now(), 0u);
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, ArrayInASyncobjIsTakenApart) {
  EXPECT_EQ(run({[this] {
              dma::Fence& array = array_of({&last_fence(d_), &last_fence(a_)});
              put_fence(s_, array);
              dma::fence_put(&array, kTest);
              expect_fences({.syncobjs = {s_}}, {a_, d_});
              EXPECT_EQ(sched::now(), 0u);
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, ArrayInAChainIsTakenApart) {
  EXPECT_EQ(run({[this] {
              dma::Fence& array = array_of({&last_fence(d_), &last_fence(a_)});
              add_point(t_, 3, array);
              add_point(t_, 4, last_fence(c_));
              dma::fence_put(&array, kTest);
              expect_fences({.timelines = {{t_, 3}}}, {a_, d_});
              expect_fences({.syncobjs = {t_}}, {a_, c_, d_});
              finish();
            }}),
            "nothing");
}

// Nothing of the chain may be held afterwards.
TEST_F(WaitTimelineTest, InterruptedInTheMiddleOfAChain) {
  EXPECT_EQ(run({[this] {
              two_points();
              const WaitArgs args = wait_lists(b_, {.timelines = {{t_, kFar}}}, 1);
              kernel::task().signal_pending = true;
              expect_refused(args, -kernel::kErestartsys);
              finish();
            }}),
            "nothing");
}

// --- fences that are no queue's ---

TEST_F(WaitTimelineTest, ForeignFencesAreWaitedForAndGetNoInfo) {
  dma::Fence *first = nullptr, *second = nullptr;
  prepare([&] {
    submitted();
    first = &foreign_fence();
    second = &foreign_fence();
    put_fence(s_, *first);
    add_point(t_, 1, *second);
    add_point(t_, 2, last_fence(a_));
  });
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(count({.syncobjs = {s_, t_}}), 3);
                   EXPECT_EQ(sched::now(), 0u);
                   expect_filled({.syncobjs = {s_, t_}}, 8, {a_});
                   EXPECT_EQ(sched::now(), 2 * kSecond);
                   finish();
                 },
                 [&] {
                   rest(kSecond);
                   dma::fence_signal(*first);
                   rest(kSecond);
                   dma::fence_signal(*second);
                   dma::put_mock(*first);
                   dma::put_mock(*second);
                 }}),
            "nothing");
}

// Its context comes after A's: the driver that was seen before stays with the queue.
TEST_F(WaitTimelineTest, PendingSignalInterruptsTheWaitForAForeignFence) {
  EXPECT_EQ(run({[this] {
              dma::Fence& foreign = foreign_fence();
              put_fence(s_, last_fence(a_));
              put_fence(t_, foreign);
              const WaitArgs args = wait_lists(b_, {.syncobjs = {t_, s_}}, 8);
              kernel::task().signal_pending = true;
              expect_refused(args, -kernel::kErestartsys);
              EXPECT_EQ(held_drivers(b_, a_), 1);
              EXPECT_EQ(refs(driver(a_)), 3);
              EXPECT_EQ(refs(foreign), 2);
              EXPECT_EQ(signal_on(b_, 1, {}), 0);
              complete(kB, 1);
              EXPECT_EQ(refs(driver(a_)), 2);
              dma::fence_signal(foreign);
              dma::put_mock(foreign);
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, FilledFencesAreNotWaitedFor) {
  EXPECT_EQ(run({[this] {
              two_points();
              kernel::task().signal_pending = true;
              expect_filled({.syncobjs = {t_}}, 2, {a_, c_});
              finish();
            }}),
            "nothing");
}

// --- order and number ---

// With room for n, the first n are filled in; the others are complete, so that waiting for them
// takes no time.
TEST_F(WaitTimelineTest, TimelinesComeFirstThenSyncobjsThenReadersThenWriters) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(signal_on(a_, 4, {.write = {y_}}), 0);
              EXPECT_EQ(signal_on(c_, 6, {.write = {x_}}), 0);
              const uint32_t e = create(4);
              EXPECT_EQ(signal_on(e, 1, {}), 0);
              put_fence(s_, last_fence(d_));
              add_point(t_, 1, last_fence(e));
              // Before they complete: a point that is reached is a stub.
              const Lists all{
                  .syncobjs = {s_}, .timelines = {{t_, 0}}, .read = {x_}, .write = {y_}};
              complete(kA, 4);
              complete(kC, 6);
              complete(kD, 8);
              expect_filled(all, 1, {e});
              complete(4, 1);
              expect_filled(all, 2, {d_, e});
              expect_filled(all, 3, {c_, d_, e});
              expect_filled(all, 4, {a_, c_, d_, e});
              EXPECT_EQ(count(all), 4);
              EXPECT_EQ(sched::now(), 0u);
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, CountEndsAt65535) {
  EXPECT_EQ(run({[this] {
              const std::vector<dma::Fence*> members(255, &last_fence(a_));
              dma::Fence& array = array_of(members);
              put_fence(s_, array);
              dma::fence_put(&array, kTest);
              put_fence(t_, last_fence(c_));
              Handles handles(257, s_);  // 257 * 255 = 65535
              EXPECT_EQ(count({.syncobjs = Handles(handles.begin(), handles.end() - 1)}), 65280);
              EXPECT_EQ(count({.syncobjs = handles}), 65535);
              handles.push_back(t_);
              EXPECT_EQ(count({.syncobjs = handles}), 65535);
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, MostRoomThereIsIsNotTooMuch) {
  EXPECT_EQ(run({[this] {
              two_points();
              expect_filled({.syncobjs = {t_}}, 0xffff, {a_, c_});
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, CollectedFencesArePutOnce) {
  EXPECT_EQ(run({[this] {
              two_points();
              put_fence(s_, last_fence(a_));
              const std::vector<int> before = books();
              expect_filled({.syncobjs = {s_, t_, s_}, .timelines = {{t_, 5}}}, 8, {a_, c_});
              EXPECT_EQ(books(), before);
              finish();
            }}),
            "nothing");
}

// --- queues that are gone or dead ---

TEST_F(WaitTimelineTest, HungQueueMayWaitAndBeWaitedFor) {
  EXPECT_EQ(run({[this] {
              two_points();
              hang(kA);
              hang(kB);
              detect_and_reset_queues(mgr(), nullptr);
              ASSERT_EQ(state(a_), QueueState::kHung);
              ASSERT_EQ(state(b_), QueueState::kHung);
              put_fence(s_, last_fence(a_));
              expect_filled({.syncobjs = {s_}}, 8, {a_});
              EXPECT_EQ(held_drivers(b_, a_), 1);
              // The next fence is cancelled at once, and what it inherited ends with it.
              const int driver_refs = refs(driver(a_));
              EXPECT_EQ(signal_on(b_, 1, {}), 0);
              EXPECT_EQ(dma::fence_get_status(last_fence(b_)), -ECANCELED);
              EXPECT_EQ(refs(driver(a_)), driver_refs - 1);
              finish();
            }}),
            "nothing");
}

TEST_F(WaitTimelineTest, QueueThatIsWaitedForIsGone) {
  EXPECT_EQ(run({[this] {
              put_fence(s_, last_fence(a_));
              const uint64_t va = driver(a_).va;
              complete(kA, 4);
              EXPECT_EQ(free(a_), 0);
              Infos infos;
              EXPECT_EQ(wait_on(b_, {.syncobjs = {s_}}, 4, &infos), 0);
              ASSERT_EQ(infos.size(), 1u);
              EXPECT_EQ(infos[0].va, va);
              EXPECT_EQ(infos[0].value, 4u);
              a_ = b_;
              complete(kC, 6);
              complete(kD, 8);
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
