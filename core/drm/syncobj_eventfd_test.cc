// The rules of syncobj.h and eventfd.h for event counters that wait for points.
#include "core/drm/syncobj_test_fixture.h"

namespace drm {
namespace {

using dma::Fence;

class SyncobjEventfdFixture : public SyncobjFixture {
 protected:
  int eventfd() { return eventfd_create(&descriptors_); }
  // What the counter has counted since the last time.
  uint64_t read(int fd) {
    uint64_t count = 0;
    const int error = eventfd_read(&descriptors_, fd, &count);
    EXPECT_EQ(error, count != 0 ? 0 : -EAGAIN);
    return count;
  }
  int add(uint32_t handle, uint64_t point, uint32_t flags, int fd) {
    drm_syncobj_eventfd args{handle, flags, point, fd, 0};
    return call(syncobj_eventfd_ioctl, args);
  }
};

// IGT's syncobj_eventfd. The parameter is the point: 0 binary, 1 timeline.
class SyncobjEventfdIgt : public SyncobjEventfdFixture,
                          public testing::WithParamInterface<uint64_t> {
 protected:
  uint32_t handle_ = 0;
  int wait_ = 0, available_ = 0;

  void start() {
    handle_ = create();
    wait_ = eventfd();
    available_ = eventfd();
  }
  void add_both() {
    EXPECT_EQ(add(handle_, GetParam(), 0, wait_), 0);
    EXPECT_EQ(add(handle_, GetParam(), kAvailable, available_), 0);
  }
  void expect(uint64_t wait, uint64_t available) {
    EXPECT_EQ(read(wait_), wait);
    EXPECT_EQ(read(available_), available);
  }
};

std::string kind(const testing::TestParamInfo<uint64_t>& info) {
  return info.param == 0 ? "binary" : "timeline";
}
INSTANTIATE_TEST_SUITE_P(syncobj_eventfd, SyncobjEventfdIgt, testing::Values(0, 1), kind);

TEST_P(SyncobjEventfdIgt, invalid_bad_flags) {
  alone([this] {
    start();
    EXPECT_EQ(add(handle_, GetParam(), 0xdeadbeef, wait_), -EINVAL);
  });
}

TEST_P(SyncobjEventfdIgt, invalid_illegal_handle) {
  alone([this] {
    start();
    EXPECT_EQ(add(0, GetParam(), 0, wait_), -ENOENT);
  });
}

TEST_P(SyncobjEventfdIgt, invalid_illegal_eventfd) {
  alone([this] {
    start();
    drm_syncobj_handle args{handle_, 0, -1, 0, 0};
    EXPECT_EQ(call(syncobj_handle_to_fd_ioctl, args), 0);
    EXPECT_EQ(add(handle_, GetParam(), 0, args.fd), -EINVAL);
  });
}

TEST_P(SyncobjEventfdIgt, invalid_bad_pad) {
  alone([this] {
    start();
    drm_syncobj_eventfd args{handle_, 0, GetParam(), wait_, 0xdeadbeef};
    EXPECT_EQ(call(syncobj_eventfd_ioctl, args), -EINVAL);
  });
}

TEST_P(SyncobjEventfdIgt, wait) {
  alone([this] {
    start();
    Fence& fence = attach(handle_, GetParam());
    add_both();
    expect(0, 1);
    dma::fence_signal(fence);
    sleep(1);
    expect(1, 0);
  });
}

TEST_P(SyncobjEventfdIgt, wait_before_signal) {
  alone([this] {
    start();
    add_both();
    expect(0, 0);
    Fence& fence = attach(handle_, GetParam());
    expect(0, 1);
    dma::fence_signal(fence);
    sleep(1);
    expect(1, 0);
  });
}

TEST_P(SyncobjEventfdIgt, wait_signaled) {
  alone([this] {
    start();
    trigger(handle_, GetParam());
    add_both();
    expect(1, 1);
  });
}

// --- beyond IGT ---

using SyncobjEventfdTest = SyncobjEventfdFixture;

TEST_F(SyncobjEventfdTest, EachErrorLeavesNothing) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 0, 0, -1), -EBADF);
    EXPECT_EQ(add(handle, 0, 0, fd + 1), -EBADF);
    EXPECT_EQ(add(handle, 0, 0, kMaxDescriptors), -EBADF);
    EXPECT_EQ(add(handle, 0, kForSubmit, fd), -EINVAL);
    EXPECT_EQ(fail_each_allocation([&] { return add(handle, 0, 0, fd); }), 1u);
    EXPECT_EQ(read(fd), 1u);
  });
}

TEST_F(SyncobjEventfdTest, APointThatIsReachedAndGoneCounts) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    trigger(handle, 1);
    attach(handle, 2);
    for (uint32_t flags : {0u, kAvailable}) {
      EXPECT_EQ(add(handle, 1, flags, fd), 0);
      EXPECT_EQ(read(fd), 1u);
    }
  });
}

TEST_F(SyncobjEventfdTest, ACounterWaitsForItsPointOnly) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 3, kAvailable, fd), 0);
    EXPECT_EQ(add(handle, 5, kAvailable, fd), 0);
    attach(handle, 2);
    attach(handle);  // no timeline
    EXPECT_EQ(reset({handle}), 0);
    EXPECT_EQ(read(fd), 0u);
    attach(handle, 4);
    EXPECT_EQ(read(fd), 1u);
    attach(handle, 5);
    EXPECT_EQ(read(fd), 1u);
  });
}

TEST_F(SyncobjEventfdTest, EveryEntryCounts) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(add(handle, 0, 0, fd), 0);
    trigger(handle);
    EXPECT_EQ(read(fd), 3u);
    trigger(handle);
    EXPECT_EQ(read(fd), 0u);
  });
}

TEST_F(SyncobjEventfdTest, ASyncobjThatGoesTakesItsEntriesWithIt) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 0, 0, fd), 0);
    EXPECT_EQ(add(handle, 1, kAvailable, fd), 0);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(read(fd), 0u);
  });
}

TEST_F(SyncobjEventfdTest, OnceSubmittedTheFenceCountsEvenIfTheSyncobjIsGone) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 0, 0, fd), 0);
    Fence& fence = attach(handle);
    EXPECT_EQ(reset({handle}), 0);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(read(fd), 0u);
    kernel::in_interrupt([&] { dma::fence_signal(fence); });
    EXPECT_EQ(read(fd), 1u);
  });
}

TEST_F(SyncobjEventfdTest, AClosedCounterLivesAsLongAsItIsWaitedWith) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 0, 0, fd), 0);
    EXPECT_EQ(close_fd(&descriptors_, fd), 0);
    EXPECT_EQ(add(handle, 0, 0, fd), -EBADF);
    trigger(handle);
  });
}

TEST_F(SyncobjEventfdTest, TheOtherFileOfTheSyncobjSubmits) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = eventfd();
    EXPECT_EQ(add(handle, 0, 0, fd), 0);
    drm_syncobj_handle args{handle, 0, -1, 0, 0};
    EXPECT_EQ(call(syncobj_handle_to_fd_ioctl, args), 0);
    EXPECT_EQ(call(syncobj_fd_to_handle_ioctl, args, 1), 0);
    EXPECT_EQ(destroy(handle), 0);
    EXPECT_EQ(signal({args.handle}, 1), 0);
    EXPECT_EQ(read(fd), 1u);
  });
}

TEST_F(SyncobjEventfdTest, TheCountStaysAtItsMaximum) {
  alone([this] {
    const int fd = eventfd();
    EventFd* ctx;
    ASSERT_EQ(eventfd_ctx_fdget(&descriptors_, fd, &ctx, kTest), 0);
    ctx->count = UINT64_MAX - 1;
    for (int i = 0; i < 3; ++i) eventfd_signal(*ctx);
    eventfd_ctx_put(*ctx, kTest);
    EXPECT_EQ(read(fd), UINT64_MAX);
    EXPECT_EQ(read(fd), 0u);
  });
}

// --- races: a counter is added on t0 ---

class SyncobjEventfdRace : public SyncobjEventfdFixture {
 protected:
  SyncobjEventfdRace() {
    also_set_up([this] {
      handle_ = create();
      fd_ = eventfd();
      available_ = eventfd();
      fence_ = &pending_fence();
    });
  }
  Body adder(uint64_t point) {
    return [this, point] {
      add(handle_, point, 0, fd_);
      add(handle_, point, kAvailable, available_);
    };
  }
  // What both have counted in the end, when the fence is complete.
  void sweep_and_expect(const std::vector<Body>& threads, uint64_t least, uint64_t most) {
    uint64_t counted[2] = {};
    run_.tear_down.insert(run_.tear_down.begin() + 1, [&, this] {
      counted[0] = read(fd_);
      counted[1] = read(available_);
    });
    EXPECT_EQ(sweep(threads,
                    [&] {
                      for (uint64_t count : counted) {
                        ASSERT_GE(count, least);
                        ASSERT_LE(count, most);
                      }
                    }),
              "nothing");
  }

  uint32_t handle_ = 0;
  int fd_ = 0, available_ = 0;
  Fence* fence_ = nullptr;
};

TEST_F(SyncobjEventfdRace, SubmissionAndCompletionCountOnce) {
  for (uint64_t point : {0, 1}) {
    SCOPED_TRACE(point);
    const auto tear_down = run_.tear_down;
    sweep_and_expect({adder(point),
                      [this, point] {
                        submit(handle_, point, *fence_);
                        dma::fence_signal(*fence_);
                      }},
                     1, 1);
    run_.tear_down = tear_down;
  }
}

TEST_F(SyncobjEventfdRace, ReplacementCountsOnce) {
  sweep_and_expect({adder(0),
                    [this] {
                      submit(handle_, 0, *fence_);
                      trigger(handle_);
                      reset({handle_});
                      trigger(handle_);
                    }},
                   1, 1);
}

TEST_F(SyncobjEventfdRace, DestroyTakesTheEntriesOrTheyCount) {
  sweep_and_expect({adder(0),
                    [this] {
                      submit(handle_, 0, *fence_);
                      destroy(handle_);
                      close_fd(&descriptors_, 99);
                    }},
                   0, 1);
}

TEST_F(SyncobjEventfdRace, DestroyAloneCountsNothing) {
  sweep_and_expect({adder(0), [this] { destroy(handle_); }}, 0, 0);
}

TEST_F(SyncobjEventfdRace, CloseOfTheCounter) {
  EXPECT_EQ(sweep({[this] {
                     const int error = add(handle_, 0, 0, fd_);
                     EXPECT_TRUE(error == 0 || error == -EBADF);
                     submit(handle_, 0, *fence_);
                   },
                   [this] {
                     EXPECT_EQ(close_fd(&descriptors_, fd_), 0);
                     dma::fence_signal(*fence_);
                   }},
                  {}),
            "nothing");
}

TEST_F(SyncobjEventfdRace, CompletionByAnInterruptAnywhere) {
  uint64_t count = 0;
  run_.irqs = {[this] { dma::fence_signal(*fence_); }};
  run_.tear_down.insert(run_.tear_down.begin(), [&, this] { count = read(fd_); });
  run_.threads = {[this] {
    EXPECT_EQ(add(handle_, 1, 0, fd_), 0);
    submit(handle_, 1, *fence_);
    read(available_);
  }};
  EXPECT_EQ(run_.sweep({sched::Target::kIrq}, [&] { ASSERT_EQ(count, 1u); }), "nothing");
}

}  // namespace
}  // namespace drm
