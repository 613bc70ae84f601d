// The rules of syncobj.h, sync_file.h and descriptors.h for descriptors of syncobjs and fences.
#include "core/drm/sync_file.h"
#include "core/drm/syncobj_test_fixture.h"

namespace drm {
namespace {

using dma::Fence;

constexpr uint32_t kSyncFile = kSyncobjHandleFlagsSyncFile;
constexpr uint32_t kTimeline = kSyncobjHandleFlagsTimeline;

class SyncobjFdFixture : public SyncobjFixture {
 protected:
  int to_fd(uint32_t handle, int* fd, uint32_t flags = 0, uint64_t point = 0) {
    drm_syncobj_handle args{handle, flags, -1, 0, point};
    const int error = call(syncobj_handle_to_fd_ioctl, args);
    *fd = args.fd;
    return error;
  }
  int to_fd(uint32_t handle) {
    int fd;
    EXPECT_EQ(to_fd(handle, &fd), 0);
    return fd;
  }
  int to_handle(int fd, uint32_t* handle, unsigned on_file = 0) {
    drm_syncobj_handle args{0, 0, fd, 0, 0};
    const int error = call(syncobj_fd_to_handle_ioctl, args, on_file);
    *handle = args.handle;
    return error;
  }
  int import(int fd, uint32_t handle, uint32_t flags = kSyncFile, uint64_t point = 0) {
    drm_syncobj_handle args{handle, flags, fd, 0, point};
    return call(syncobj_fd_to_handle_ioctl, args);
  }
  int close(int fd) { return close_fd(&descriptors_, fd); }
};

// --- IGT's syncobj_basic ---

using SyncobjBasic = SyncobjFdFixture;

TEST_F(SyncobjBasic, bad_destroy) {
  alone([this] { EXPECT_EQ(destroy(0xdeadbeef), -EINVAL); });
}

TEST_F(SyncobjBasic, bad_create_flags) {
  alone([this] {
    uint32_t handle;
    EXPECT_EQ(create(0xdeadbeef, &handle), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_handle_to_fd) {
  alone([this] {
    int fd;
    EXPECT_EQ(to_fd(0xdeadbeef, &fd), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_fd_to_handle) {
  alone([this] {
    uint32_t handle;
    EXPECT_EQ(to_handle(-1, &handle), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_flags_handle_to_fd) {
  alone([this] {
    int fd;
    EXPECT_EQ(to_fd(create(), &fd, 0xdeadbeef), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_flags_fd_to_handle) {
  alone([this] { EXPECT_EQ(import(to_fd(create()), 1, 0xdeadbeef), -EINVAL); });
}

TEST_F(SyncobjBasic, bad_pad_handle_to_fd) {
  alone([this] {
    drm_syncobj_handle args{create(), 0, -1, 0xdeadbeef, 0};
    EXPECT_EQ(call(syncobj_handle_to_fd_ioctl, args), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_pad_fd_to_handle) {
  alone([this] {
    drm_syncobj_handle args{0, 0, to_fd(create()), 0xdeadbeef, 0};
    EXPECT_EQ(call(syncobj_fd_to_handle_ioctl, args), -EINVAL);
  });
}

TEST_F(SyncobjBasic, illegal_fd_to_handle) {
  alone([this] {
    uint32_t handle;
    EXPECT_EQ(to_handle(eventfd_create(&descriptors_), &handle), -EINVAL);
  });
}

TEST_F(SyncobjBasic, bad_destroy_pad) {
  alone([this] {
    drm_syncobj_destroy args{create(), 0xdeadbeef};
    EXPECT_EQ(call(syncobj_destroy_ioctl, args), -EINVAL);
    EXPECT_EQ(destroy(args.handle), 0);
  });
}

TEST_F(SyncobjBasic, create_signaled) {
  alone([this] { EXPECT_EQ(wait({create(kSyncobjCreateSignaled)}, 0, 0), 0); });
}

TEST_F(SyncobjBasic, test_valid_cycle) {
  alone([this] {
    const uint32_t first = create();
    const int fd = to_fd(first);
    uint32_t second;
    EXPECT_EQ(to_handle(fd, &second), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_NE(first, second);
    EXPECT_EQ(destroy(first), 0);
    EXPECT_EQ(destroy(second), 0);
  });
}

// --- syncobjs ---

using SyncobjFdTest = SyncobjFdFixture;

TEST_F(SyncobjFdTest, ASyncobjGoesFromOneFileToAnother) {
  alone([this] {
    const uint32_t handle = create();
    const int fd = to_fd(handle);
    EXPECT_EQ(destroy(handle), 0);
    uint32_t other;
    EXPECT_EQ(to_handle(fd, &other, 1), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(signal({other}, 1), 0);
    EXPECT_EQ(find(other, 0, 0, 1), 0);
  });
}

TEST_F(SyncobjFdTest, BothFilesHaveTheSameFence) {
  alone([this] {
    const uint32_t handle = create();
    uint32_t other;
    EXPECT_EQ(to_handle(to_fd(handle), &other, 1), 0);
    attach(handle);
    EXPECT_EQ(find(other, 0, 0, 1), 0);
    EXPECT_EQ(reset({other}, 1), 0);
    EXPECT_EQ(find(handle, 0, 0), -EINVAL);
  });
}

TEST_F(SyncobjFdTest, APointWithoutASyncFileIsRefused) {
  alone([this] {
    const uint32_t handle = create();
    int fd;
    EXPECT_EQ(to_fd(handle, &fd, 0, 1), -EINVAL);
    EXPECT_EQ(to_fd(handle, &fd, kTimeline, 1), -EINVAL);
    EXPECT_EQ(to_fd(handle, &fd, kTimeline, 0), 0);
    EXPECT_EQ(import(fd, handle, kTimeline, 1), -EINVAL);
    EXPECT_EQ(import(fd, handle, kTimeline, 0), 0);
  });
}

TEST_F(SyncobjFdTest, RunningOutOfMemoryLeavesNothing) {
  alone([this] {
    const int fd = to_fd(create());
    uint32_t handle;
    EXPECT_EQ(fail_each_allocation([&] { return to_handle(fd, &handle, 1); }), 1u);
  });
}

// --- descriptors ---

TEST_F(SyncobjFdTest, DescriptorsAreTheLowestFreeNumbers) {
  alone([this] {
    const uint32_t handle = create();
    EXPECT_EQ(to_fd(handle), 0);
    EXPECT_EQ(eventfd_create(&descriptors_), 1);
    EXPECT_EQ(to_fd(handle), 2);
    EXPECT_EQ(close(1), 0);
    EXPECT_EQ(close(1), -EBADF);
    EXPECT_EQ(to_fd(handle), 1);
    for (int fd : {-1, 3, kMaxDescriptors, INT32_MAX, INT32_MIN}) EXPECT_EQ(close(fd), -EBADF);
  });
}

TEST_F(SyncobjFdTest, AFullTableTakesNoMore) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    for (int i = 0; i < kMaxDescriptors; ++i) to_fd(handle);
    const size_t before = kernel::slab_live_objects();
    int fd;
    EXPECT_EQ(to_fd(handle, &fd), -EMFILE);
    EXPECT_EQ(to_fd(handle, &fd, kSyncFile), -EMFILE);
    EXPECT_EQ(eventfd_create(&descriptors_), -EMFILE);
    EXPECT_EQ(kernel::slab_live_objects(), before);
  });
}

TEST_F(SyncobjFdTest, AFileWithoutATableHasNoDescriptors) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    const int fd = to_fd(handle);
    file().files = nullptr;
    int other_fd;
    uint32_t other;
    EXPECT_EQ(to_fd(handle, &other_fd), -EMFILE);
    EXPECT_EQ(to_fd(handle, &other_fd, kSyncFile), -EMFILE);
    EXPECT_EQ(to_handle(fd, &other), -EINVAL);
    EXPECT_EQ(import(fd, handle), -EINVAL);
    drm_syncobj_eventfd args{handle, 0, 0, fd, 0};
    EXPECT_EQ(call(syncobj_eventfd_ioctl, args), -EBADF);
    EXPECT_EQ(close_fd(nullptr, fd), -EBADF);
  });
}

TEST_F(SyncobjFdTest, AnEventCounterIsReadAsSuch) {
  alone([this] {
    uint64_t count;
    EXPECT_EQ(eventfd_read(&descriptors_, 0, &count), -EBADF);
    EXPECT_EQ(eventfd_read(&descriptors_, to_fd(create()), &count), -EINVAL);
    EXPECT_EQ(eventfd_read(&descriptors_, eventfd_create(&descriptors_), &count), -EAGAIN);
    kernel::task().fail_alloc = 1;
    EXPECT_EQ(eventfd_create(&descriptors_), -ENOMEM);
  });
}

// --- sync files ---

TEST_F(SyncobjFdTest, ASyncFileKeepsTheFenceThatItWasMadeOf) {
  alone([this] {
    const uint32_t src = create(), dst = create();
    Fence& fence = attach(src);
    int fd;
    EXPECT_EQ(to_fd(src, &fd, kSyncFile), 0);
    EXPECT_EQ(reset({src}), 0);
    EXPECT_EQ(import(fd, dst), 0);
    EXPECT_EQ(wait({dst}, 0, 0), -ETIME);
    dma::fence_signal(fence);
    EXPECT_EQ(wait({dst}, 0, 0), 0);
    EXPECT_EQ(reset({dst}), 0);
    EXPECT_EQ(kernel::kref_read(fence.refcount), 2);  // the test, and the file
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(kernel::kref_read(fence.refcount), 1);
  });
}

TEST_F(SyncobjFdTest, ASyncFileGoesFromPointToPoint) {
  alone([this] {
    const uint32_t src = create(), dst = create();
    trigger(src, 3);
    Fence& of_5 = attach(src, 5);
    int fd;
    EXPECT_EQ(to_fd(src, &fd, kSyncFile | kTimeline, 6), -EINVAL);
    EXPECT_EQ(to_fd(src, &fd, kSyncFile | kTimeline, 3), 0);
    EXPECT_EQ(import(fd, dst, kSyncFile | kTimeline, 7), 0);
    EXPECT_EQ(query(dst), 7u);
    // Without the flag the point is not looked at.
    EXPECT_EQ(to_fd(src, &fd, kSyncFile, 99), 0);
    EXPECT_EQ(import(fd, dst, kSyncFile, 99), 0);
    EXPECT_EQ(wait({dst}, 0, 0), -ETIME);
    dma::fence_signal(of_5);
    EXPECT_EQ(wait({dst}, 0, 0), 0);
  });
}

// A node must not contain a chain.
TEST_F(SyncobjFdTest, ImportOfATimelineAtAPointFlattensIt) {
  alone([this] {
    const uint32_t src = create(), dst = create();
    Fence& of_1 = attach(src, 1);
    Fence& of_2 = attach(src, 2);
    int fd;
    EXPECT_EQ(to_fd(src, &fd, kSyncFile), 0);
    EXPECT_EQ(import(fd, dst, kSyncFile | kTimeline, 7), 0);
    EXPECT_EQ(wait_points({dst}, {7}, 0, 0), -ETIME);
    dma::fence_signal(of_1);
    EXPECT_EQ(query(dst), 0u);
    dma::fence_signal(of_2);
    EXPECT_EQ(query(dst), 7u);
  });
}

TEST_F(SyncobjFdTest, ExportRefusesWhatHasNoFence) {
  alone([this] {
    int fd;
    const uint32_t handle = create();
    EXPECT_EQ(to_fd(handle, &fd, kSyncFile), -EINVAL);
    EXPECT_EQ(to_fd(handle + 1, &fd, kSyncFile), -ENOENT);
    trigger(handle);
    EXPECT_EQ(to_fd(handle), 0);  // the number that the failures reserved
  });
}

TEST_F(SyncobjFdTest, ImportRefusesWhatIsNoSyncFileOrNoHandle) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    int fd;
    EXPECT_EQ(to_fd(handle, &fd, kSyncFile), 0);
    EXPECT_EQ(import(fd, handle + 1), -ENOENT);
    EXPECT_EQ(import(fd + 1, handle), -EINVAL);
    EXPECT_EQ(import(to_fd(handle), handle), -EINVAL);
    uint32_t other;
    EXPECT_EQ(to_handle(fd, &other), -EINVAL);
  });
}

TEST_F(SyncobjFdTest, SyncFilesThatRunOutOfMemoryLeaveNothing) {
  alone([this] {
    const uint32_t handle = create(kSyncobjCreateSignaled);
    const size_t before = kernel::slab_live_objects();
    int fd;
    kernel::task().fail_alloc = 1;
    EXPECT_EQ(to_fd(handle, &fd, kSyncFile), -EINVAL);  // as upstream
    EXPECT_EQ(kernel::slab_live_objects(), before);
    EXPECT_EQ(to_fd(handle, &fd, kSyncFile), 0);
    // What the fences are made of, and the node.
    EXPECT_GE(fail_each_allocation([&] { return import(fd, handle, kSyncFile | kTimeline, 4); }),
              2u);
    EXPECT_EQ(query(handle), 4u);
    EXPECT_EQ(fail_each_allocation([&] { return import(fd, handle); }), 0u);
  });
}

// --- races ---

TEST_F(SyncobjFdTest, CloseAgainstEveryUse) {
  uint32_t handle = 0;
  int fd = 0, sync_file = 0;
  also_set_up([&] {
    handle = create(kSyncobjCreateSignaled);
    fd = to_fd(handle);
    ASSERT_EQ(to_fd(handle, &sync_file, kSyncFile), 0);
    ASSERT_EQ(reset({handle}), 0);
  });
  EXPECT_EQ(sweep({[&] {
                     uint32_t other;
                     const int shared = to_handle(fd, &other);
                     EXPECT_TRUE(shared == 0 || shared == -EINVAL);
                     const int imported = import(sync_file, handle);
                     EXPECT_TRUE(imported == 0 || imported == -EINVAL || imported == -ENOENT);
                   },
                   [&] {
                     EXPECT_EQ(destroy(handle), 0);
                     EXPECT_EQ(close(fd), 0);
                     EXPECT_EQ(close(sync_file), 0);
                   }},
                  {}),
            "nothing");
}

// A number that is reserved is not open, and not free either.
TEST_F(SyncobjFdTest, TwoThreadsMakeDescriptorsAndCloseThem) {
  uint32_t handle = 0;
  int fds[3] = {};
  also_set_up([&] { handle = create(kSyncobjCreateSignaled); });
  int reserved = 0;
  EXPECT_EQ(sweep({[&] { EXPECT_EQ(to_fd(handle, &fds[0], kSyncFile), 0); },
                   [&] {
                     fds[1] = to_fd(handle);
                     const bool closed = close(1 - fds[1]) == 0;
                     fds[2] = to_fd(handle);
                     if (!closed && fds[1] + fds[2] == 3) ++reserved;
                   }},
                  [&] {
                    for (int fd : fds) ASSERT_TRUE(fd >= 0 && fd <= 2) << fd;
                    ASSERT_NE(fds[1], fds[2]);
                  }),
            "nothing");
  EXPECT_GT(reserved, 0);
}

}  // namespace
}  // namespace drm
