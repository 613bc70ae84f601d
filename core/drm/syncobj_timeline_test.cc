// The rules of syncobj.h for timelines: points, query, transfer.
#include "core/dma/fence_array.h"
#include "core/drm/syncobj_test_fixture.h"

namespace drm {
namespace {

using dma::Fence;
using kernel::kErestartsys;
using kernel::kSecond;

// IGT's syncobj_timeline, as far as it is about timelines alone (the rest: syncobj_igt_test.cc).
class SyncobjTimeline : public SyncobjFixture {
 protected:
  // Points 1, 2, ... with fences that are pending.
  uint32_t timeline_of(size_t count, std::vector<Fence*>* fences) {
    const uint32_t handle = create();
    for (uint64_t point = 1; point <= count; ++point) fences->push_back(&attach(handle, point));
    return handle;
  }
};

TEST_F(SyncobjTimeline, invalid_query_zero_handles) {
  alone([this] {
    Points points;
    EXPECT_EQ(query({}, &points), -EINVAL);
  });
}

TEST_F(SyncobjTimeline, invalid_query_illegal_handle) {
  alone([this] {
    Points points;
    EXPECT_EQ(query({0}, &points), -ENOENT);
  });
}

TEST_F(SyncobjTimeline, invalid_query_one_illegal_handle) {
  alone([this] {
    Points points;
    const uint32_t a = create(), b = create();
    EXPECT_EQ(signal_points({a, b}, {1, 1}), 0);
    EXPECT_EQ(query({a, 0, b}, &points), -ENOENT);
  });
}

TEST_F(SyncobjTimeline, invalid_query_bad_pad) {
  alone([this] {
    Points points;
    EXPECT_EQ(query({0}, &points, 0xdeadbeef), -EINVAL);
    EXPECT_EQ(query({0}, &points, kLastSubmitted | 2), -EINVAL);
  });
}

TEST_F(SyncobjTimeline, invalid_signal_illegal_point) {
  alone([this] { EXPECT_EQ(signal_points({1}, {0}), -ENOENT); });
}

TEST_F(SyncobjTimeline, signal_array) {
  alone([this] {
    const Handles handles = {create(), create(), create(), create()};
    EXPECT_EQ(signal_points(handles, {1, 1, 1, 0}), 0);
    EXPECT_EQ(wait_points({handles[0], handles[1], handles[2]}, {1, 1, 1}, 0, 0), 0);
    EXPECT_EQ(wait({handles[3]}, 0, 0), 0);
  });
}

TEST_F(SyncobjTimeline, invalid_transfer_illegal_handle) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(transfer(77, 0, 77, 1), -ENOENT);
    EXPECT_EQ(transfer(handle, 0, 77, 1), -ENOENT);
    EXPECT_EQ(transfer(handle, 1, 77, 1), -ENOENT);
  });
}

TEST_F(SyncobjTimeline, invalid_transfer_bad_pad) {
  alone([this] {
    drm_syncobj_transfer args{0, 0, 0, 0, 0, 0xdeadbeef};
    EXPECT_EQ(call(syncobj_transfer_ioctl, args), -EINVAL);
  });
}

TEST_F(SyncobjTimeline, invalid_transfer_non_existent_point) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(signal_points({handle}, {63}), 0);
    EXPECT_EQ(transfer(handle, 74, handle, 63), 0);
    EXPECT_EQ(transfer(handle, 80, handle, 76), -EINVAL);
  });
}

TEST_F(SyncobjTimeline, transfer_timeline_point) {
  alone([this] {
    const uint32_t handle = create(), binary = create();
    Fence& fence = attach(binary);
    EXPECT_EQ(transfer(handle, 1, binary, 0), 0);
    EXPECT_EQ(query(handle), 0u);
    EXPECT_EQ(wait_points({handle}, {1}, 0, kAll), -ETIME);
    dma::fence_signal(fence);
    EXPECT_EQ(query(handle), 1u);
    EXPECT_EQ(wait_points({handle}, {1}, 0, kAll), 0);
    EXPECT_EQ(signal_points({handle}, {2}), 0);
    EXPECT_EQ(transfer(handle, 3, handle, 2), 0);
    EXPECT_EQ(query(handle), 3u);
  });
}

TEST_F(SyncobjTimeline, signal_point_0) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(signal_points({handle}, {0}), 0);
    EXPECT_EQ(wait_points({handle}, {0}, 0, 0), 0);
    EXPECT_EQ(wait({handle}, 0, kForSubmit), 0);
  });
}

TEST_F(SyncobjTimeline, host_signal_points) {
  alone([this] {
    const uint32_t handle = create();
    uint64_t value = 0;
    for (uint64_t i = 0; i < 100; ++i) {
      value += i * 0x12345678 + 1;
      EXPECT_EQ(signal_points({handle}, {value}), 0);
      EXPECT_EQ(query(handle), value);
      EXPECT_EQ(wait_points({handle}, {value}, 0, kForSubmit), 0);
      EXPECT_EQ(wait_points({handle}, {value - 1}, 0, kAll), 0);
    }
  });
}

TEST_F(SyncobjTimeline, device_signal_unordered) {
  alone([this] {
    std::vector<Fence*> fences;
    const uint32_t handle = timeline_of(5, &fences);
    bool signaled[6] = {};
    uint64_t value = 0;
    for (uint64_t point : {1, 3, 2, 5, 4}) {
      dma::fence_signal(*fences[point - 1]);
      signaled[point] = true;
      uint64_t reached = 0;
      while (reached < 5 && signaled[reached + 1]) ++reached;
      EXPECT_EQ(query(handle), reached);
      EXPECT_GE(reached, value);
      value = reached;
      EXPECT_EQ(wait_points({handle}, {value}, 0, kForSubmit), 0);
      EXPECT_EQ(wait_points({handle}, {value}, 0, kAll), 0);
    }
    EXPECT_EQ(value, 5u);
  });
}

// The timeline that the point 3 starts has nothing to do with the point 5, which it passes for.
TEST_F(SyncobjTimeline, device_submit_unordered) {
  alone([this] {
    const uint32_t handle = create();
    std::vector<Fence*> fences;
    for (uint64_t point : {1, 5, 3, 6, 7}) fences.push_back(&attach(handle, point));
    for (unsigned i = 0; i < 3; ++i) dma::fence_signal(*fences[i]);
    EXPECT_EQ(query(handle), 5u);
    EXPECT_EQ(wait_points({handle}, {5}, 0, kForSubmit), 0);
    EXPECT_EQ(wait_points({handle}, {5}, 0, kAll), 0);
  });
}

TEST_F(SyncobjTimeline, host_signal_ordered) {
  alone([this] {
    std::vector<Fence*> fences;
    const uint32_t handle = timeline_of(5, &fences);
    for (unsigned i = 0; i < 3; ++i) dma::fence_signal(*fences[i]);
    EXPECT_EQ(query(handle), 3u);
    EXPECT_EQ(signal_points({handle}, {8}), 0);
    EXPECT_EQ(query(handle), 3u);
    for (unsigned i = 3; i < 5; ++i) dma::fence_signal(*fences[i]);
    EXPECT_EQ(query(handle), 8u);
  });
}

// A thread queries all the while and sees the value grow.
TEST_F(SyncobjTimeline, 32bits_limit) {
  constexpr uint64_t kLimit = (uint64_t{1} << 31) - 1;
  constexpr uint64_t kPoints[] = {1, 5, kLimit + 5, kLimit + 6, 2 * kLimit};
  uint32_t handle = 0;
  bool running = true;
  also_set_up([&] { handle = create(); });
  EXPECT_EQ(run({[&] {
                   uint64_t last = 0;
                   while (kernel::read_once(running)) {
                     const uint64_t value = query(handle);
                     EXPECT_GE(value, last);
                     last = value;
                     sleep(1);
                   }
                 },
                 [&] {
                   std::vector<Fence*> fences;
                   for (uint64_t point : kPoints) {
                     fences.push_back(&attach(handle, point));
                     sleep(2);
                   }
                   for (size_t i = 0; i < fences.size(); ++i) {
                     dma::fence_signal(*fences[i]);
                     EXPECT_EQ(query(handle), kPoints[i]);
                     sleep(2);
                   }
                   kernel::write_once(running, false);
                 }}),
            "nothing");
}

// --- points ---

using SyncobjPoints = SyncobjTimeline;

TEST_F(SyncobjPoints, APointIsFoundByItsFenceOrTheNextOne) {
  alone([this] {
    const uint32_t handle = create();
    Fence& of_2 = attach(handle, 2);
    attach(handle, 4);
    EXPECT_EQ(find(handle, 5, 0), -EINVAL);
    dma::fence_signal(of_2);
    // 2 and what is before it are reached, 3 is not: it needs what 4 needs.
    EXPECT_EQ(wait_points({handle, handle}, {1, 2}, 0, kAll), 0);
    EXPECT_EQ(wait_points({handle}, {3}, 0, 0), -ETIME);
    EXPECT_EQ(wait_points({handle}, {4}, 0, 0), -ETIME);
  });
}

TEST_F(SyncobjPoints, AReachedPointWhoseNodeIsGoneHasAStub) {
  alone([this] {
    const uint32_t handle = create();
    trigger(handle, 1);
    attach(handle, 2);
    Fence* fence;
    ASSERT_EQ(syncobj_find_fence(file(), handle, 1, 0, &fence, kTest), 0);
    EXPECT_EQ(dma::to_fence_chain(fence), nullptr);
    EXPECT_TRUE(dma::fence_is_signaled(*fence));
    dma::fence_put(fence, kTest);
  });
}

TEST_F(SyncobjPoints, OfAPointAllBitsCount) {
  alone([this] {
    const uint32_t handle = create();
    constexpr uint64_t kBit32 = uint64_t{1} << 32;
    trigger(handle, 1);
    attach(handle, kBit32 + 1);
    EXPECT_EQ(wait_points({handle}, {1}, 0, 0), 0);
    EXPECT_EQ(wait_points({handle}, {kBit32 + 1}, 0, 0), -ETIME);
    EXPECT_EQ(wait_points({handle}, {kBit32 + 2}, 0, 0), -EINVAL);
    EXPECT_EQ(query(handle, kLastSubmitted), kBit32 + 1);
  });
}

TEST_F(SyncobjPoints, EachPointOfAnArrayBelongsToItsHandle) {
  alone([this] {
    const uint32_t a = create(), b = create();
    EXPECT_EQ(signal_points({a, b, a}, {3, uint64_t{7} << 40, 4}), 0);
    Points points;
    EXPECT_EQ(query({b, a}, &points), 0);
    EXPECT_EQ(points, (Points{uint64_t{7} << 40, 4}));
  });
}

TEST_F(SyncobjPoints, APointThatDoesNotComeAfterTheLastStartsATimelineThatDependsOnIt) {
  alone([this] {
    const uint32_t handle = create();
    Fence& of_5 = attach(handle, 5);
    Fence& of_3 = attach(handle, 3);
    EXPECT_EQ(query(handle, kLastSubmitted), 5u);
    EXPECT_EQ(query(handle), 0u);
    dma::fence_signal(of_3);
    EXPECT_EQ(query(handle), 0u);  // all before it counts as well
    EXPECT_EQ(wait_points({handle}, {5}, 0, 0), -ETIME);
    Fence& of_6 = attach(handle, 6);
    dma::fence_signal(of_5);
    EXPECT_EQ(query(handle), 5u);
    EXPECT_EQ(query(handle, kLastSubmitted), 6u);
    dma::fence_signal(of_6);
    EXPECT_EQ(query(handle), 6u);
  });
}

TEST_F(SyncobjPoints, TheSamePointAgainIsAPointOfItsOwn) {
  alone([this] {
    const uint32_t handle = create();
    trigger(handle, 5);
    attach(handle, 5);
    EXPECT_EQ(query(handle, kLastSubmitted), 5u);
    EXPECT_EQ(wait_points({handle}, {5}, 0, 0), -ETIME);
  });
}

TEST_F(SyncobjPoints, OverABinaryFenceATimelineStarts) {
  alone([this] {
    const uint32_t handle = create();
    Fence& binary = attach(handle);
    trigger(handle, 1);
    EXPECT_EQ(query(handle), 0u);
    EXPECT_EQ(wait_points({handle}, {1}, 0, 0), -ETIME);
    dma::fence_signal(binary);
    EXPECT_EQ(query(handle), 1u);
    EXPECT_EQ(wait_points({handle}, {1}, 0, 0), 0);
  });
}

TEST_F(SyncobjPoints, ABinaryFenceEndsTheTimeline) {
  alone([this] {
    const uint32_t handle = create();
    attach(handle, 3);
    trigger(handle);
    EXPECT_EQ(query(handle), 0u);
    EXPECT_EQ(query(handle, kLastSubmitted), 0u);
    EXPECT_EQ(find(handle, 0, 0), 0);
    EXPECT_EQ(find(handle, 1, 0), -EINVAL);
  });
}

TEST_F(SyncobjPoints, AddingAPointDropsCompleteNodesBeforeTheLast) {
  alone([this] {
    const uint32_t handle = create();
    Fence& of_1 = attach(handle, 1);
    Fence& of_2 = attach(handle, 2);
    dma::fence_signal(of_1);
    EXPECT_EQ(kernel::kref_read(of_1.refcount), 2);
    attach(handle, 3);
    EXPECT_EQ(kernel::kref_read(of_1.refcount), 1);
    EXPECT_EQ(kernel::kref_read(of_2.refcount), 2);
  });
}

TEST_F(SyncobjPoints, AddingAPointWakesWhoWaitsForItAndNobodyElse) {
  uint32_t handle = 0;
  also_set_up([&] { handle = create(); });
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(find(handle, 1, kForSubmit), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                 },
                 [&] {
                   EXPECT_EQ(find(handle, 3, kForSubmit), 0);
                   EXPECT_EQ(sched::now(), 2 * kSecond);
                 },
                 [&] {
                   EXPECT_EQ(find(handle, 4, kForSubmit), -ETIME);
                   EXPECT_EQ(sched::now(), 5 * kSecond);
                 },
                 [&] {
                   sleep(kSecond);
                   attach(handle, 2);
                   sleep(kSecond);
                   attach(handle, 3);
                   sleep(kSecond);
                   attach(handle, 1);  // passes for 3
                   trigger(handle);    // no point at all
                 }}),
            "nothing");
}

// A timeline that takes the place of another one may have points that it had not.
TEST_F(SyncobjPoints, ReplacingATimelineByAnotherWakesWhoWaitsForItsPoints) {
  uint32_t src = 0, dst = 0;
  also_set_up([&] {
    src = create();
    dst = create();
    attach(src, 3);
    attach(dst, 2);
  });
  EXPECT_EQ(run({[&] {
                   EXPECT_EQ(find(dst, 3, kForSubmit), 0);
                   EXPECT_EQ(sched::now(), kSecond);
                 },
                 [&] {
                   sleep(kSecond);
                   EXPECT_EQ(transfer(dst, 0, src, 0), 0);
                 }}),
            "nothing");
}

TEST_F(SyncobjPoints, ALongTimelineIsTakenApart) {
  alone([this] {
    const uint32_t handle = create();
    Fence& fence = pending_fence();
    for (uint64_t point = 1; point <= 60; ++point) submit(handle, point, fence);
    EXPECT_EQ(query(handle, kLastSubmitted), 60u);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(kernel::kref_read(fence.refcount), 1);
  });
}

// --- timeline_signal and query ---

TEST_F(SyncobjPoints, SignalThatRunsOutOfMemorySignalsNothing) {
  alone([this] {
    const uint32_t a = create(), b = create();
    // Handles, syncobjs, points, the array of nodes, two nodes.
    EXPECT_EQ(fail_each_allocation([&] { return signal_points({a, b}, {1, 2}); },
                                   [&] { EXPECT_EQ(find(a, 0, 0), -EINVAL); }),
              6u);
    EXPECT_EQ(query(b), 2u);
  });
}

TEST_F(SyncobjPoints, ArrayIoctlsRefuseBadMemory) {
  alone([this] {
    const uint32_t handle = create();
    for (auto ioctl : {syncobj_timeline_signal_ioctl, syncobj_query_ioctl}) {
      drm_syncobj_timeline_array handles{kUserBase - 8, put_points({1}), 1, 0};
      EXPECT_EQ(call(ioctl, handles), -EFAULT);
      drm_syncobj_timeline_array points{put_handles({handle}), kUserBase - 8, 1, 0};
      EXPECT_EQ(call(ioctl, points), -EFAULT);
    }
    EXPECT_EQ(find(handle, 0, 0), -EINVAL);  // nothing happened to it
    for (uint32_t n : {1, 2}) {
      kernel::task().fail_alloc = n;
      Points points;
      EXPECT_EQ(query({handle}, &points), -ENOMEM);
    }
  });
}

TEST_F(SyncobjPoints, WithoutPointsAllAreZero) {
  alone([this] {
    const uint32_t handle = create();
    drm_syncobj_timeline_array args{put_handles({handle}), 0, 1, 0};
    kernel::task().fail_alloc = 3;
    EXPECT_EQ(call(syncobj_timeline_signal_ioctl, args), -ENOMEM);
    EXPECT_EQ(call(syncobj_timeline_signal_ioctl, args), 0);
    EXPECT_EQ(query(handle), 0u);
    EXPECT_EQ(find(handle, 0, 0), 0);
    EXPECT_EQ(find(handle, 1, 0), -EINVAL);
  });
}

TEST_F(SyncobjPoints, AQueryThatFaultsHasWrittenThosePointsBefore) {
  alone([this] {
    const uint32_t a = create(), b = create();
    EXPECT_EQ(signal_points({a, b}, {4, 5}), 0);
    Points points;
    kernel::task().fail_copy = 3;  // the handles, the point of `a`
    EXPECT_EQ(query({a, b}, &points), -EFAULT);
    EXPECT_EQ(points, (Points{4, ~uint64_t{0}}));
  });
}

TEST_F(SyncobjPoints, WhatIsNoTimelineHasTheValueZero) {
  alone([this] {
    const uint32_t empty = create(), binary = create();
    trigger(binary);
    for (uint32_t flags : {0u, kLastSubmitted}) {
      EXPECT_EQ(query(empty, flags), 0u);
      EXPECT_EQ(query(binary, flags), 0u);
    }
  });
}

// --- transfer ---

TEST_F(SyncobjPoints, TransferToPointZeroReplacesTheFence) {
  alone([this] {
    const uint32_t timeline = create(), binary = create();
    trigger(timeline, 1);
    Fence& of_2 = attach(timeline, 2);
    attach(binary);
    EXPECT_EQ(transfer(binary, 0, timeline, 1), 0);
    EXPECT_EQ(wait({binary}, 0, 0), 0);
    EXPECT_EQ(transfer(binary, 0, timeline, 2), 0);
    EXPECT_EQ(wait({binary}, 0, 0), -ETIME);
    dma::fence_signal(of_2);
    EXPECT_EQ(wait({binary}, 0, 0), 0);
  });
}

// A node never contains a chain: the whole of one becomes an array.
TEST_F(SyncobjPoints, TransferOfAWholeTimelineFlattensIt) {
  alone([this] {
    std::vector<Fence*> fences;
    const uint32_t src = create(), dst = create();
    // Of several contexts, or only the last would count.
    for (uint64_t point : {1, 2, 3}) {
      Fence& fence = pending_fence();
      fence.context = point;
      submit(src, point, fence);
      fences.push_back(&fence);
    }
    dma::fence_signal(*fences[2]);
    EXPECT_EQ(transfer(dst, 9, src, 0), 0);
    Fence* fence;
    ASSERT_EQ(syncobj_find_fence(file(), dst, 9, 0, &fence, kTest), 0);
    const dma::FenceArray* array = dma::to_fence_array(dma::fence_chain_contained(fence));
    ASSERT_NE(array, nullptr);
    EXPECT_EQ(array->num_fences, 2u);
    dma::fence_put(fence, kTest);
    dma::fence_signal(*fences[1]);
    EXPECT_EQ(query(dst), 0u);
    dma::fence_signal(*fences[0]);
    EXPECT_EQ(query(dst), 9u);
  });
}

TEST_F(SyncobjPoints, TransferWithUnknownFlagsLeaksNothing) {
  alone([this] {
    const uint32_t src = create(), dst = create();
    attach(src);
    for (uint64_t dst_point : {0, 1})
      for (uint32_t flags : {1u, 4u, 8u, 0x100u, ~0u})
        EXPECT_EQ(transfer(dst, dst_point, src, 0, flags), -EINVAL);
    const size_t before = kernel::slab_live_objects();
    EXPECT_EQ(destroy(dst), 0);
    EXPECT_LT(kernel::slab_live_objects(), before);
    EXPECT_EQ(transfer(77, 0, src, 0, 0x100), -ENOENT);
  });
}

TEST_F(SyncobjPoints, TransferThatRunsOutOfMemoryChangesNothing) {
  alone([this] {
    const uint32_t src = create(), dst = create();
    std::vector<Fence*> fences;
    for (uint64_t point : {1, 2}) {
      Fence& fence = pending_fence();
      fence.context = point;
      submit(src, point, fence);
    }
    EXPECT_GE(fail_each_allocation([&] { return transfer(dst, 1, src, 0); },
                                   [&] { EXPECT_EQ(find(dst, 0, 0), -EINVAL); }),
              3u);
    EXPECT_EQ(query(dst, kLastSubmitted), 1u);
  });
}

TEST_F(SyncobjPoints, TransferMayWaitForTheSubmission) {
  uint32_t src = 0, dst = 0;
  const auto start = [&] {
    src = create();
    dst = create();
  };
  also_set_up(start);
  for (uint64_t dst_point : {0, 7}) {
    EXPECT_EQ(run({[&] {
                     EXPECT_EQ(transfer(dst, dst_point, src, 3), -EINVAL);
                     EXPECT_EQ(transfer(dst, dst_point, src, 3, kForSubmit), 0);
                     EXPECT_EQ(sched::now(), kSecond);
                     EXPECT_EQ(query(dst, kLastSubmitted), dst_point == 0 ? 3 : 7);
                     EXPECT_EQ(transfer(dst, dst_point, src, 4, kForSubmit), -ETIME);
                     kernel::task().signal_pending = true;
                     EXPECT_EQ(transfer(dst, dst_point, src, 4, kForSubmit), -kErestartsys);
                   },
                   [&] {
                     sleep(kSecond);
                     attach(src, 3);
                   }}),
              "nothing");
  }
}

// --- races ---

class SyncobjPointsRace : public SyncobjFixture {
 protected:
  SyncobjPointsRace() {
    also_set_up([this] {
      handle_ = create();
      for (uint64_t point = 1; point <= 3; ++point) fences_[point] = &attach(handle_, point);
    });
  }

  uint32_t handle_ = 0;
  Fence* fences_[4] = {};
};

TEST_F(SyncobjPointsRace, TwoThreadsAddPoints) {
  Fence* fence = nullptr;
  also_set_up([&] { fence = &pending_fence(); });
  EXPECT_EQ(sweep({[&] { submit(handle_, 5, *fence); }, [&] { submit(handle_, 4, *fence); },
                   [&] {
                     sleep(1);
                     EXPECT_EQ(query(handle_, kLastSubmitted), 5u);
                   }},
                  {}),
            "nothing");
}

// Between the walk and the look at its last node more may be reached than the query then says.
TEST_F(SyncobjPointsRace, AQuerySaysNoMoreThanIsReached) {
  uint64_t value = 0;
  bool seen[3] = {};
  EXPECT_EQ(sweep({[&] { value = query(handle_); },
                   [&] {
                     dma::fence_signal(*fences_[2]);
                     dma::fence_signal(*fences_[1]);
                     trigger(handle_, 4);
                   }},
                  [&] {
                    ASSERT_LE(value, 2u);
                    seen[value] = true;
                  }),
            "nothing");
  EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
}

TEST_F(SyncobjPointsRace, FindAgainstResetAddAndDestroy) {
  int result = 0;
  EXPECT_EQ(sweep({[&] { result = find(handle_, 2, 0); },
                   [&] {
                     dma::fence_signal(*fences_[1]);
                     trigger(handle_, 4);
                     reset({handle_});
                     destroy(handle_);
                   }},
                  [&] { ASSERT_TRUE(result == 0 || result == -EINVAL || result == -ENOENT); }),
            "nothing");
}

TEST_F(SyncobjPointsRace, TransferAgainstTheEndOfSourceAndDestination) {
  uint32_t dst = 0;
  int result = 0;
  also_set_up([&] { dst = create(); });
  EXPECT_EQ(sweep({[&] { result = transfer(dst, 1, handle_, 2); },
                   [&] {
                     dma::fence_signal(*fences_[1]);
                     destroy(handle_);
                     destroy(dst);
                   }},
                  [&] { ASSERT_TRUE(result == 0 || result == -ENOENT); }),
            "nothing");
}

}  // namespace
}  // namespace drm
