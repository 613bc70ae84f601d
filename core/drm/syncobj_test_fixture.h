// For tests of syncobjs: two open files of two processes, their ioctls, and fences that the test
// completes when it likes.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/drm/eventfd.h"
#include "core/drm/syncobj.h"
#include "core/kernel/errno.h"
#include "core/kernel/task.h"

namespace drm {

inline constexpr uint32_t kAll = kSyncobjWaitFlagsWaitAll;
inline constexpr uint32_t kForSubmit = kSyncobjWaitFlagsWaitForSubmit;
inline constexpr uint32_t kAvailable = kSyncobjWaitFlagsWaitAvailable;
inline constexpr uint32_t kLastSubmitted = kSyncobjQueryFlagsLastSubmitted;
inline constexpr char kTestRole[] = "test";
inline constexpr kernel::Holder kTest{kTestRole};
inline constexpr int64_t kNever = INT64_MAX;  // as a timeout

using Handles = std::vector<uint32_t>;
using Points = std::vector<uint64_t>;

class SyncobjFixture : public testing::Test {
 protected:
  using Body = kernel::TestRun::Body;

  SyncobjFixture() {
    for (unsigned i = 0; i < 2; ++i) mm_[i] = {kUserBase, sizeof memory_[i], memory_[i]};
    run_.set_up = [this] {
      ASSERT_EQ(dma::stub_init(), 0);
      descriptors_init(descriptors_);
      attached_.clear();
      for (unsigned i = 0; i < 2; ++i) {
        files_[i] = file_alloc(&mm_[i]);
        files_[i]->files = &descriptors_;
      }
    };
    run_.tear_down = {[this] {
                        for (dma::Fence* fence : attached_) {
                          dma::fence_signal(*fence);
                          dma::put_mock(*fence);
                        }
                      },
                      [this] {
                        for (File* file : files_) file_free(*file);
                        descriptors_fini(descriptors_);
                      },
                      dma::stub_fini};
  }

  // --- runs ---

  std::string run(std::vector<Body> threads) {
    run_.threads = std::move(threads);
    return run_();
  }
  // A run of one thread, in which nothing is found.
  void alone(const Body& body) { EXPECT_EQ(run({body}), "nothing"); }
  std::string sweep(std::vector<Body> threads, const Body& check) {
    run_.threads = std::move(threads);
    return run_.sweep({kernel::kT1, kernel::kT0}, check);
  }
  void also_set_up(const Body& body) {
    run_.set_up = [before = run_.set_up, body] {
      before();
      body();
    };
  }
  static void sleep(uint64_t time) {
    kernel::set_current_state();
    kernel::schedule_timeout("rest", time);
  }
  static size_t objects_after_rcu() {
    sleep(1);
    return kernel::slab_live_objects();
  }
  // Calls `act` with its n-th allocation failing, for all n until it fails no more: each failure
  // gives -ENOMEM, frees what was allocated, and leaves all as `unchanged` wants it. Returns how
  // many there are.
  static uint32_t fail_each_allocation(
      const std::function<int()>& act, const Body& unchanged = [] {}) {
    for (uint32_t n = 1;; ++n) {
      const size_t before = objects_after_rcu();
      kernel::task().fail_alloc = n;
      const int error = act();
      const bool failed = kernel::task().fail_alloc == 0;
      kernel::task().fail_alloc = 0;
      EXPECT_EQ(error, failed ? -ENOMEM : 0) << n;
      if (!failed) return n - 1;
      EXPECT_EQ(objects_after_rcu(), before) << n;
      unchanged();
    }
  }

  // --- ioctls ---

  File& file(unsigned i = 0) { return *files_[i]; }

  template <typename Args>
  int call(int (*ioctl)(File&, Args&), Args& args, unsigned on_file = 0) {
    kernel::task().mm = &mm_[on_file];
    const int error = ioctl(file(on_file), args);
    kernel::check_context_at_return("ioctl");
    return error;
  }

  int create(uint32_t flags, uint32_t* handle, unsigned on_file = 0) {
    drm_syncobj_create args{0, flags};
    const int error = call(syncobj_create_ioctl, args, on_file);
    *handle = args.handle;
    return error;
  }
  uint32_t create(uint32_t flags = 0, unsigned on_file = 0) {
    uint32_t handle;
    EXPECT_EQ(create(flags, &handle, on_file), 0);
    return handle;
  }
  int destroy(uint32_t handle, unsigned on_file = 0) {
    drm_syncobj_destroy args{handle, 0};
    return call(syncobj_destroy_ioctl, args, on_file);
  }
  int reset(const Handles& handles, unsigned on_file = 0) {
    drm_syncobj_array args{put_handles(handles, on_file), count(handles), 0};
    return call(syncobj_reset_ioctl, args, on_file);
  }
  int signal(const Handles& handles, unsigned on_file = 0) {
    drm_syncobj_array args{put_handles(handles, on_file), count(handles), 0};
    return call(syncobj_signal_ioctl, args, on_file);
  }
  int signal_points(const Handles& handles, const Points& points) {
    drm_syncobj_timeline_array args{put_handles(handles), put_points(points), count(handles), 0};
    return call(syncobj_timeline_signal_ioctl, args);
  }
  int query(const Handles& handles, Points* points, uint32_t flags = 0) {
    points->assign(handles.size(), ~uint64_t{0});
    drm_syncobj_timeline_array args{put_handles(handles), put_points(*points), count(handles),
                                    flags};
    const int error = call(syncobj_query_ioctl, args);
    for (size_t i = 0; i < points->size(); ++i)
      std::memcpy(&(*points)[i], arena() + kPointsAt + i * sizeof(uint64_t), sizeof(uint64_t));
    return error;
  }
  uint64_t query(uint32_t handle, uint32_t flags = 0) {
    Points points;
    EXPECT_EQ(query({handle}, &points, flags), 0);
    return points[0];
  }
  int transfer(uint32_t dst, uint64_t dst_point, uint32_t src, uint64_t src_point,
               uint32_t flags = 0) {
    drm_syncobj_transfer args{src, dst, src_point, dst_point, flags, 0};
    return call(syncobj_transfer_ioctl, args);
  }
  int wait(const Handles& handles, int64_t timeout, uint32_t flags, uint32_t* first = nullptr) {
    drm_syncobj_wait args{put_handles(handles), timeout, count(handles), flags, 0, 0, 0};
    const int error = call(syncobj_wait_ioctl, args);
    if (first != nullptr) *first = args.first_signaled;
    return error;
  }
  int wait_points(const Handles& handles, const Points& points, int64_t timeout, uint32_t flags,
                  uint32_t* first = nullptr) {
    drm_syncobj_timeline_wait args{
        put_handles(handles), put_points(points), timeout, count(handles), flags, 0, 0, 0};
    const int error = call(syncobj_timeline_wait_ioctl, args);
    if (first != nullptr) *first = args.first_signaled;
    return error;
  }
  // What find_fence says; drops the fence again.
  int find(uint32_t handle, uint64_t point, uint32_t flags, unsigned on_file = 0) {
    dma::Fence none;
    dma::Fence* fence = &none;
    const int error = syncobj_find_fence(file(on_file), handle, point, flags, &fence, kTest);
    EXPECT_EQ(error == 0, fence != nullptr);
    dma::fence_put(fence, kTest);
    kernel::check_context_at_return("find_fence");
    return error;
  }

  // --- fences ---

  // What a driver does with a new fence.
  void submit(uint32_t handle, uint64_t point, dma::Fence& fence) {
    Syncobj* syncobj = syncobj_find(file(), handle, kTest);
    if (point == 0)
      syncobj_replace_fence(*syncobj, &fence);
    else
      syncobj_add_point(*syncobj, *dma::fence_chain_alloc(), fence, point);
    syncobj_put(*syncobj, kTest);
  }
  // A fence that is pending until the end of the run, unless the test completes it. By one thread
  // of a run only.
  dma::Fence& pending_fence() {
    attached_.push_back(&dma::mock_fence());
    return *attached_.back();
  }
  dma::Fence& attach(uint32_t handle, uint64_t point = 0) {
    dma::Fence& fence = pending_fence();
    submit(handle, point, fence);
    return fence;
  }
  // A fence that is complete.
  void trigger(uint32_t handle, uint64_t point = 0) {
    dma::Fence& fence = dma::mock_fence();
    dma::fence_signal(fence);
    submit(handle, point, fence);
    dma::put_mock(fence);
  }

  // --- user memory: a part for each context, with room for handles and points ---

  static constexpr uint64_t kUserBase = 0x10000;
  static constexpr size_t kArena = 256, kPointsAt = 64;

  static uint64_t arena_address() { return kUserBase + sched::current()->id * kArena; }
  uint8_t* arena(unsigned on_file = 0) { return memory_[on_file] + sched::current()->id * kArena; }
  uint64_t put_handles(const Handles& handles, unsigned on_file = 0) {
    return put_array(handles, on_file, 0, kPointsAt);
  }
  uint64_t put_points(const Points& points) {
    return put_array(points, 0, kPointsAt, kArena - kPointsAt);
  }
  static uint32_t count(const Handles& handles) { return static_cast<uint32_t>(handles.size()); }

  kernel::TestRun run_;
  Descriptors descriptors_;

 private:
  template <typename T>
  uint64_t put_array(const std::vector<T>& array, unsigned on_file, size_t offset, size_t room) {
    EXPECT_LE(array.size() * sizeof(T), room);
    if (!array.empty())
      std::memcpy(arena(on_file) + offset, array.data(), array.size() * sizeof(T));
    return arena_address() + offset;
  }

  kernel::UserMemory mm_[2];
  uint8_t memory_[2][kArena * sched::kContexts] = {};
  File* files_[2] = {};
  std::vector<dma::Fence*> attached_;
};

}  // namespace drm
