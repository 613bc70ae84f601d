// For tests of the signal and the wait ioctl: arguments with all lists, what the ioctls change
// (references, syncobjs, reservations), and a scene: queues A, B and C, of which B is the one that
// waits, buffers x and y, syncobjs s and t without a fence.
#pragma once

#include <cerrno>
#include <limits>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/errno.h"
#include "core/userq/device_test_fixture.h"

namespace userq {

class IoctlTest : public DeviceTest {
 protected:
  using SignalArgs = drm_amdgpu_userq_signal;
  using WaitArgs = drm_amdgpu_userq_wait;
  using Infos = std::vector<Info>;

  struct Point {
    uint32_t handle;
    uint64_t point;
  };
  struct Lists {
    Handles syncobjs = {};
    std::vector<Point> timelines = {};
    Handles read = {};
    Handles write = {};
  };

  static constexpr uint32_t kA = 0, kB = 1, kC = 2;  // doorbells
  static constexpr uint32_t kUnknown = 77;           // handle of nothing
  static constexpr uint64_t kUserEnd = 0x8000'0000;  // where the lists' memory ends

  IoctlTest() {
    prepare([this] { scene(); });
  }

  void scene() {
    a_ = create(kA);
    b_ = create(kB);
    c_ = create(kC);
    x_ = create_bo();
    y_ = create_bo();
    s_ = syncobj();
    t_ = syncobj();
  }
  void complete_all() {
    for (uint32_t doorbell : {kA, kB, kC}) complete(doorbell, std::numeric_limits<int64_t>::max());
  }

  // --- arguments; every thread has memory of its own for them ---

  SignalArgs signal_lists(uint32_t id, const Lists& lists) {
    SignalArgs args{};
    args.queue_id = id;
    args.syncobj_handles = put(kSyncobjs, lists.syncobjs);
    args.num_syncobj_handles = static_cast<uint16_t>(lists.syncobjs.size());
    args.bo_read_handles = put(kRead, lists.read);
    args.num_bo_read_handles = static_cast<uint32_t>(lists.read.size());
    args.bo_write_handles = put(kWrite, lists.write);
    args.num_bo_write_handles = static_cast<uint32_t>(lists.write.size());
    return args;
  }
  WaitArgs wait_lists(uint32_t id, const Lists& lists, uint16_t room) {
    WaitArgs args{};
    args.waitq_id = id;
    args.syncobj_handles = put(kSyncobjs, lists.syncobjs);
    args.num_syncobj_handles = static_cast<uint16_t>(lists.syncobjs.size());
    Handles handles;
    std::vector<uint64_t> points;
    for (const Point& point : lists.timelines) {
      handles.push_back(point.handle);
      points.push_back(point.point);
    }
    args.syncobj_timeline_handles = put(kTimelines, handles);
    args.syncobj_timeline_points = put(kPoints, points);
    args.num_syncobj_timeline_handles = static_cast<uint16_t>(handles.size());
    args.bo_read_handles = put(kRead, lists.read);
    args.num_bo_read_handles = static_cast<uint32_t>(lists.read.size());
    args.bo_write_handles = put(kWrite, lists.write);
    args.num_bo_write_handles = static_cast<uint32_t>(lists.write.size());
    args.num_fences = room;
    args.out_fences = here() + kOut;
    return args;
  }
  // Sets the write pointer, then signals.
  int signal_on(uint32_t id, uint64_t wptr, const Lists& lists) {
    EXPECT_EQ(vm_user_store64(vm(), queue(id).wptr_va, wptr), 0);
    return signal(signal_lists(id, lists));
  }
  int wait_on(uint32_t id, const Lists& lists, uint16_t room, Infos* infos) {
    WaitArgs args = wait_lists(id, lists, room);
    const int error = wait(args);
    infos->assign(error == 0 ? args.num_fences : 0u, {});
    if (!infos->empty())
      std::memcpy(infos->data(), &user_data_[args.out_fences - user_.base],
                  infos->size() * sizeof(Info));
    return error;
  }
  int wait_on(uint32_t id, const Lists& lists, uint16_t room = 8) {
    Infos ignored;
    return wait_on(id, lists, room, &ignored);
  }
  // How many fences there are by the count phase; -errno.
  int count(const Lists& lists) {
    WaitArgs args = wait_lists(b_, lists, 0);
    const int error = wait(args);
    return error != 0 ? error : args.num_fences;
  }
  // User memory that holds zeros: no handle is 0.
  uint64_t zeros() { return here() + kZeros; }
  template <typename T>
  uint64_t put(size_t offset, const std::vector<T>& values) {
    kernel::task().mm = &user_;
    EXPECT_LE(values.size() * sizeof(T), kPart);
    if (!values.empty())
      std::memcpy(&user_data_[here() - user_.base + offset], values.data(),
                  values.size() * sizeof(T));
    return here() + offset;
  }
  uint64_t put_misaligned(const Handles& handles) { return put(kZeros + kPart + 1, handles); }

  // --- fences ---

  void put_fence(uint32_t syncobj, dma::Fence& fence) {
    drm::Syncobj* object = drm::syncobj_find(file(), syncobj, kTest);
    drm::syncobj_replace_fence(*object, &fence);
    drm::syncobj_put(*object, kTest);
  }
  void add_point(uint32_t syncobj, uint64_t point, dma::Fence& fence) {
    drm::Syncobj* object = drm::syncobj_find(file(), syncobj, kTest);
    drm::syncobj_add_point(*object, *dma::fence_chain_alloc(), fence, point);
    drm::syncobj_put(*object, kTest);
  }
  // An array over the fences, for kTest.
  static dma::Fence& array_of(const std::vector<dma::Fence*>& members) {
    dma::Fence** fences;
    EXPECT_TRUE(kernel::kmalloc_array(fences, members.size(), "test array"));
    for (size_t i = 0; i < members.size(); ++i) fences[i] = dma::fence_get(members[i], kTest);
    return dma::fence_array_create(static_cast<unsigned>(members.size()), fences,
                                   dma::fence_context_alloc(1), 1, false, kTest)
        ->base;
  }
  static dma::Fence& foreign_fence() {
    return dma::mock_fence(dma::kMockOps, 1, dma::fence_context_alloc(1));
  }
  dma::Fence& last_fence(uint32_t id) { return *queue(id).last_fence; }
  dma::Resv& resv(uint32_t bo_handle) { return *bo(bo_handle).gem.resv; }
  // What a buffer's reservation has the fence for; kNone: it does not have it.
  static constexpr int kNone = -1;
  static constexpr int kRead_ = static_cast<int>(dma::ResvUsage::kRead);
  static constexpr int kWrite_ = static_cast<int>(dma::ResvUsage::kWrite);
  int usage_of(uint32_t bo_handle, dma::Fence& fence) {
    int usage = kNone;
    dma::ResvIter cursor;
    dma::Fence* present;
    EXPECT_EQ(dma::resv_lock(resv(bo_handle), nullptr), 0);
    resv_for_each_fence(cursor, resv(bo_handle), dma::ResvUsage::kBookkeep, present) {
      if (present == &fence) usage = static_cast<int>(cursor.fence_usage);
    }
    dma::resv_unlock(resv(bo_handle));
    return usage;
  }
  void add_fence(uint32_t bo_handle, dma::Fence& fence, dma::ResvUsage usage) {
    EXPECT_EQ(dma::resv_lock(resv(bo_handle), nullptr), 0);
    EXPECT_EQ(dma::resv_reserve_fences(resv(bo_handle), 1), 0);
    dma::resv_add_fence(resv(bo_handle), fence, usage);
    dma::resv_unlock(resv(bo_handle));
  }

  // --- the books: what an ioctl that fails must leave as it is ---

  // Drivers in the queue's fence_drv_xa; only those of `other` if that is not 0.
  int held_drivers(uint32_t id, uint32_t other = 0) {
    int number = 0;
    uint64_t index;
    FenceDriver* entry;
    xa_for_each(queue(id).fence_drv_xa, index, entry) {
      if (other == 0 || entry == &driver(other)) ++number;
    }
    return number;
  }
  // References of everything in the scene, but for those that stay with the waiting queue.
  std::vector<int> books() {
    std::vector<int> refs_of;
    for (uint32_t id : {a_, b_, c_}) {
      refs_of.push_back(kernel::kref_read(queue(id).refcount));
      refs_of.push_back(refs(driver(id)) - held_drivers(b_, id));
      refs_of.push_back(queue(id).last_fence != nullptr ? refs(last_fence(id)) : 0);
    }
    for (uint32_t handle : {x_, y_, queue_bo()}) {
      refs_of.push_back(kernel::kref_read(bo(handle).gem.refcount));
      refs_of.push_back(dma::resv_is_locked(resv(handle)));
    }
    for (uint32_t handle : {s_, t_}) {
      drm::Syncobj* object = drm::syncobj_find(file(), handle, kTest);
      refs_of.push_back(kernel::kref_read(object->refcount));
      drm::syncobj_put(*object, kTest);
      dma::Fence* fence = fence_of(handle);
      refs_of.push_back(fence != nullptr ? refs(*fence) : 0);
      dma::fence_put(fence, kTest);
    }
    return refs_of;
  }
  // Expects that the ioctl fails and leaves everything as it was.
  void expect_refused(const SignalArgs& args, int error) {
    const std::vector<int> before = books();
    EXPECT_EQ(signal(args), error);
    EXPECT_EQ(books(), before);
  }
  void expect_refused(const WaitArgs& args, int error) {
    const std::vector<int> before = books();
    WaitArgs copy = args;
    EXPECT_EQ(wait(copy), error);
    EXPECT_EQ(books(), before);
    EXPECT_EQ(copy.num_fences, args.num_fences);
  }
  // Expects that the signal ioctl fails too late: the queue has a fence more, which nobody else
  // sees.
  void expect_fence_lives_on(const SignalArgs& args, int error) {
    dma::Fence* before = queue(args.queue_id).last_fence;
    EXPECT_EQ(signal(args), error);
    expect_unpublished(args.queue_id, before);
  }
  void expect_unpublished(uint32_t id, dma::Fence* before) {
    dma::Fence& fence = last_fence(id);
    EXPECT_NE(&fence, before);
    EXPECT_EQ(refs(fence), 2);  // list and last_fence
    EXPECT_EQ(kernel::kref_read(queue(id).refcount), 1);
    EXPECT_TRUE(fence_driver_pending(driver(id)));
  }

  uint32_t a_ = 0, b_ = 0, c_ = 0, x_ = 0, y_ = 0, s_ = 0, t_ = 0;

 private:
  // A thread's memory: parts of it by what they hold.
  static constexpr size_t kPart = 0x1000;
  static constexpr size_t kSyncobjs = 0, kTimelines = kPart, kPoints = 2 * kPart, kRead = 3 * kPart,
                          kWrite = 4 * kPart, kOut = 5 * kPart, kZeros = 6 * kPart,
                          kThread = 8 * kPart;
  static constexpr size_t kUserSize = (sched::kMaxThreads + 1) * kThread;

  uint64_t here() {
    const sched::Context& context = *sched::current();
    return user_.base + (context.kind == sched::Kind::kThread ? context.id * kThread : 0);
  }

  std::vector<uint8_t> user_data_ = std::vector<uint8_t>(kUserSize);
  kernel::UserMemory user_{kUserEnd - kUserSize, kUserSize, user_data_.data()};
};

}  // namespace userq
