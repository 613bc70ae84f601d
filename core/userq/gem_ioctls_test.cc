// The GEM ioctls: every error, what handles mean to the address space, and what failures leave.
#include "core/userq/gem_ioctls.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;
constexpr uint64_t kBase = 0x400000;  // of what a test maps

class GemTest : public DeviceTest {
 protected:
  int create(uint64_t size, uint64_t domains, uint64_t flags = 0) {
    uint32_t handle;
    return gem_create({size, 0, domains, flags}, &handle);
  }
  int userptr(uint64_t addr, uint64_t size, uint32_t flags, uint32_t* handle) {
    drm_amdgpu_gem_userptr args{addr, size, flags, 0};
    const int error = gem_userptr_ioctl(file(), args);
    *handle = args.handle;
    kernel::check_context_at_return("ioctl");
    return error;
  }
  int userptr(uint64_t addr, uint64_t size, uint32_t flags) {
    uint32_t handle;
    return userptr(addr, size, flags, &handle);
  }
  int open_in(unsigned on_file, Bo& of, uint32_t* handle) {
    return drm::gem_handle_create(file(on_file), of.gem, handle);
  }
  // Runs `body` with each allocation failing in turn, until none does; after each failure nothing
  // is left of it.
  void without_memory(const std::function<int()>& body) {
    int error = -ENOMEM;
    uint32_t n = 0;
    while (error == -ENOMEM) {
      rest();
      const size_t objects = kernel::slab_live_objects();
      kernel::task().fail_alloc = ++n;
      error = body();
      kernel::task().fail_alloc = 0;
      rest();
      if (error != 0) {
        EXPECT_EQ(kernel::slab_live_objects(), objects);
      }
    }
    EXPECT_EQ(error, 0);
    EXPECT_GT(n, 1u);
  }
  static bool has_eviction_fence(Bo& bo) {
    dma::ResvIter cursor;
    const dma::Fence* fence;
    bool found = false;
    bo_reserve(bo, false);
    resv_for_each_fence(cursor, *bo.gem.resv, dma::ResvUsage::kBookkeep, fence)
      found = found || !dma::fence_test_signaled_flag(*fence);
    bo_unreserve(bo);
    return found;
  }
};

// --- create ---

TEST_F(GemTest, CreateRefusesBadArguments) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(create(0, kGemDomainGtt), -EINVAL);
              EXPECT_EQ(create(kPage, 0), -EINVAL);
              EXPECT_EQ(create(kPage, 0x1), -EINVAL);
              EXPECT_EQ(create(kPage, kGemDomainGtt | 0x80), -EINVAL);
              EXPECT_EQ(create(kPage, kGemDomainGtt | kGemDomainDoorbell), -EINVAL);
              EXPECT_EQ(create(kPage, kGemDomainGtt, 1u << 20), -EINVAL);
              EXPECT_EQ(create(kMaxBoSize + 1, kGemDomainGtt), -ENOMEM);
              EXPECT_EQ(create(~uint64_t{0}, kGemDomainGtt), -ENOMEM);
              EXPECT_EQ(create(kMaxBoSize, kGemDomainGtt | kGemDomainVram), 0);
            }}),
            "nothing");
}

TEST_F(GemTest, CreateRunsOutOfDoorbellPages) {
  EXPECT_EQ(run({[this] {
              int error = 0;
              for (uint32_t i = 0; i <= kDoorbellPages && error == 0; ++i)
                error = create(kPage, kGemDomainDoorbell);
              EXPECT_EQ(error, -ENOSPC);
            }}),
            "nothing");
}

TEST_F(GemTest, CreateWithoutMemoryLeavesNothing) {
  EXPECT_EQ(
      run({[this] {
        without_memory([this] { return create(kPage, kGemDomainGtt); });
        without_memory([this] { return create(kPage, kGemDomainGtt, kGemCreateVmAlwaysValid); });
        without_memory([this] { return userptr(kUserBase, kPage, kGemUserptrRegister); });
      }}),
      "nothing");
}

TEST_F(GemTest, AlwaysValidSharesTheReservationOfTheRoot) {
  EXPECT_EQ(run({[this] {
              Bo& shared = bo(create_bo(kPage, kGemCreateVmAlwaysValid));
              EXPECT_EQ(shared.gem.resv, vm().root->gem.resv);
              EXPECT_NE(bo(create_bo()).gem.resv, vm().root->gem.resv);
              const uint32_t handle = create_bo(kPage, kGemCreateVmAlwaysValid);
              EXPECT_EQ(va(kVaOpMap, handle, kBase, kPage), 0);
              EXPECT_EQ(vm_user_store64(vm(), kBase, 5), 0);
              EXPECT_EQ(close_bo(handle), 0);
            }}),
            "nothing");
}

TEST_F(GemTest, AnUnknownHandleCannotBeClosed) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create_bo();
              EXPECT_EQ(close_bo(handle), 0);
              EXPECT_EQ(close_bo(handle), -EINVAL);
              EXPECT_EQ(close_bo(0), -EINVAL);
            }}),
            "nothing");
}

// --- userptr ---

TEST_F(GemTest, UserptrRefusesBadArguments) {
  EXPECT_EQ(run({[this] {
              constexpr uint32_t kFlags = kGemUserptrRegister;
              EXPECT_EQ(userptr(kUserBase + 1, kPage, kFlags), -EINVAL);
              EXPECT_EQ(userptr(kUserBase, kPage + 1, kFlags), -EINVAL);
              EXPECT_EQ(userptr(kUserBase, 0, kFlags), -EINVAL);
              EXPECT_EQ(userptr(kUserBase, kPage, kFlags | 0x10), -EINVAL);
              EXPECT_EQ(userptr(kUserBase, kPage, 0), -EACCES);
              EXPECT_EQ(userptr(kUserBase, kPage, kGemUserptrAnononly), -EACCES);
              EXPECT_EQ(userptr(kUserBase, kPage, kGemUserptrReadonly), 0);
              EXPECT_EQ(userptr(kUserBase, kPage, kFlags), 0);
              EXPECT_EQ(userptr(kUserBase, kMaxBoSize + kPage, kFlags), -ENOMEM);
            }}),
            "nothing");
}

TEST_F(GemTest, UserptrAsksForThePagesOnlyIfToldTo) {
  EXPECT_EQ(run({[this] {
              constexpr uint32_t kFlags = kGemUserptrRegister;
              EXPECT_EQ(userptr(kUserBase, kPage, kFlags | kGemUserptrValidate), 0);
              EXPECT_EQ(userptr(0x1000, kPage, kFlags | kGemUserptrValidate), -EFAULT);
              EXPECT_EQ(userptr(0x1000, kPage, kFlags), 0);
            }}),
            "nothing");
}

// --- handles and the address space ---

TEST_F(GemTest, EveryHandleOfAFileCountsAndTheLastCloseUnmaps) {
  EXPECT_EQ(run({[this] {
              const uint32_t first = create_bo();
              uint32_t second;
              EXPECT_EQ(open_in(0, bo(first), &second), 0);
              EXPECT_EQ(va(kVaOpMap, first, kBase, kPage), 0);
              EXPECT_EQ(close_bo(first), 0);
              EXPECT_TRUE(has_eviction_fence(bo(second)));
              EXPECT_EQ(vm_user_store64(vm(), kBase, 1), 0);
              EXPECT_EQ(close_bo(second), 0);
              EXPECT_EQ(vm_user_store64(vm(), kBase, 1), -EINVAL);
            }}),
            "nothing");
}

TEST_F(GemTest, TheLastCloseTakesTheEvictionFenceOfThatFileOnly) {
  EXPECT_EQ(run({[this] {
              const uint32_t mine = create_bo();
              Bo& shared = bo(mine);
              uint32_t theirs;
              EXPECT_EQ(open_in(1, shared, &theirs), 0);
              EXPECT_EQ(close_bo(mine), 0);
              EXPECT_TRUE(has_eviction_fence(shared));
              bo_get(shared, kTest);
              EXPECT_EQ(close_bo(theirs, 1), 0);
              EXPECT_FALSE(has_eviction_fence(shared));
              bo_put(&shared, kTest);
            }}),
            "nothing");
}

TEST_F(GemTest, AnotherFileCannotOpenWhatBelongsToOneAddressSpace) {
  EXPECT_EQ(run({[this] {
              uint32_t handle, pages = 0;
              EXPECT_EQ(open_in(1, bo(create_bo(kPage, kGemCreateVmAlwaysValid)), &handle), -EPERM);
              EXPECT_EQ(userptr(kUserBase, kPage, kGemUserptrRegister, &pages), 0);
              EXPECT_EQ(open_in(1, bo(pages), &handle), -EPERM);
              EXPECT_EQ(open_in(0, bo(pages), &handle), 0);
            }}),
            "nothing");
}

// The object is brought into the GPU's reach for the fence.
TEST_F(GemTest, OpenThatFailsLeavesTheObjectOutOfTheAddressSpace) {
  EXPECT_EQ(run({[this] {
              Bo& shared = bo(create_bo());
              bo_reserve(shared, false);
              EXPECT_EQ(bo_evict(shared), 0);
              bo_unreserve(shared);
              arm();
              bo_reserve(shared, false);
              shared.evicted = true;
              bo_unreserve(shared);
              uint32_t handle = 0;
              without_memory([&] { return open_in(1, shared, &handle); });
              EXPECT_FALSE(is_evicted(shared));
              EXPECT_EQ(close_bo(handle, 1), 0);
            }}),
            "nothing");
}

TEST_F(GemTest, OpenCanBeInterrupted) {
  uint32_t handle;
  EXPECT_EQ(run({[this] {
                   bo_reserve(*vm(1).root, false);
                   rest();
                   bo_unreserve(*vm(1).root);
                 },
                 [&] {
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(open_in(1, bo(queue_bo()), &handle), -EINTR);
                   kernel::task().signal_pending = false;
                   EXPECT_EQ(open_in(1, bo(queue_bo()), &handle), 0);
                 }}),
            "nothing");
}

TEST_F(GemTest, CloseNeedsNoMemoryAndIsNotInterrupted) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(*vm().root, false);
                   rest();
                   bo_unreserve(*vm().root);
                 },
                 [this] {
                   kernel::task().signal_pending = true;
                   kernel::task().fail_alloc = 1;
                   EXPECT_EQ(close_bo(queue_bo()), 0);
                   EXPECT_EQ(kernel::task().fail_alloc, 1u);  // asked for none
                 }}),
            "nothing");
}

// The two locks in both orders, one of them with a ticket that is younger.
TEST_F(GemTest, CloseMeetsVaOpsOnTheSameObject) {
  uint32_t handle = 0;
  run_.prepare = [&] { handle = create_bo(); };
  EXPECT_EQ(sweep({[&] { va(kVaOpMap, handle, kBase, kPage); }, [&] { close_bo(handle); }}),
            "nothing");
}

TEST_F(GemTest, TwoFilesCloseAnObject) {
  uint32_t handles[2] = {};
  run_.prepare = [&] {
    handles[0] = create_bo();
    EXPECT_EQ(open_in(1, bo(handles[0]), &handles[1]), 0);
  };
  EXPECT_EQ(sweep({[&] { close_bo(handles[0]); }, [&] { close_bo(handles[1], 1); }}), "nothing");
}

// --- va ---

class GemVaTest : public GemTest {
 protected:
  drm_amdgpu_gem_va map_args(uint32_t handle) {
    drm_amdgpu_gem_va args{};
    args.handle = handle;
    args.operation = kVaOpMap;
    args.va_address = kBase;
    args.map_size = kPage;
    return args;
  }
  uint64_t query(uint32_t handle) {
    drm::drm_syncobj_timeline_array args{};
    args.handles = put_handles({handle});
    args.points = args.handles + 64;
    args.count_handles = 1;
    EXPECT_EQ(drm::syncobj_query_ioctl(file(), args), 0);
    uint64_t point = ~uint64_t{0};
    EXPECT_EQ(kernel::copy_from_user(&point, args.points, sizeof point), 0);
    return point;
  }
};

TEST_F(GemVaTest, RefusesUnknownOperationsFlagsAndHandles) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create_bo();
              auto with = [&](auto change) {
                drm_amdgpu_gem_va args = map_args(handle);
                change(args);
                return va(args);
              };
              EXPECT_EQ(with([](auto& args) { args.operation = 0; }), -EINVAL);
              EXPECT_EQ(with([](auto& args) { args.operation = 5; }), -EINVAL);
              EXPECT_EQ(with([](auto& args) { args.flags = 1u << 10; }), -EINVAL);
              EXPECT_EQ(with([](auto& args) { args.flags = kVmPagePrt | kVmPageReadable; }),
                        -EINVAL);
              EXPECT_EQ(with([](auto& args) { args.handle = 99; }), -ENOENT);
              EXPECT_EQ(with([](auto& args) {
                          args.flags = kVmDelayUpdate | kVmPageReadable | kVmPageWriteable |
                                       kVmPageExecutable | kVmMtypeMask | kVmPageNoalloc;
                        }),
                        0);
            }}),
            "nothing");
}

// A handle that is being closed still names the object for a moment.
TEST_F(GemVaTest, FindsAnObjectThatHasLeftTheAddressSpaceMeanwhile) {
  uint32_t handle = 0;
  unsigned late = 0, in_time = 0;
  run_.prepare = [&] { handle = create_bo(); };
  EXPECT_EQ(sweep({[&] {
                     const int error = va(kVaOpMap, handle, kBase, kPage);
                     ++(error == -ENOENT ? late : in_time);
                   },
                   [&] { close_bo(handle); }},
                  {}, {kernel::kT1}),
            "nothing");
  EXPECT_GT(late, 1u);
  EXPECT_GT(in_time, 1u);
}

TEST_F(GemVaTest, CanBeInterrupted) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(*vm().root, false);
                   rest();
                   bo_unreserve(*vm().root);
                 },
                 [this] {
                   const uint32_t handle = 1;
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(va(kVaOpMap, handle, kBase, kPage), -EINTR);
                   kernel::task().signal_pending = false;
                   EXPECT_EQ(va(kVaOpMap, handle, kBase, kPage), 0);
                 }}),
            "nothing");
}

TEST_F(GemVaTest, WaitsForItsInputFences) {
  uint32_t s = 0;
  bool signaled = false;
  run_.prepare = [&] {
    create_bo();
    s = syncobj();
    const uint32_t id = DeviceTest::create(1);
    EXPECT_EQ(signal(id, 4, {s}), 0);
  };
  EXPECT_EQ(run({[&] {
                   drm_amdgpu_gem_va args = map_args(queue_bo());
                   args.input_fence_syncobj_handles = put_handles({s});
                   args.num_syncobj_handles = 1;
                   EXPECT_EQ(va(args), 0);
                   EXPECT_TRUE(signaled);
                 },
                 [&] {
                   rest();
                   signaled = true;
                   complete(1, 4);
                 }}),
            "nothing");
}

TEST_F(GemVaTest, RefusesBadInputFences) {
  EXPECT_EQ(run({[this] {
              drm_amdgpu_gem_va args = map_args(queue_bo());
              args.num_syncobj_handles = 1;
              args.input_fence_syncobj_handles = kNowhere;
              EXPECT_EQ(va(args), -EFAULT);
              args.input_fence_syncobj_handles = put_handles({77});
              EXPECT_EQ(va(args), -ENOENT);
              args.input_fence_syncobj_handles = put_handles({syncobj()});
              EXPECT_EQ(va(args), -EINVAL);  // nothing was submitted
            }}),
            "nothing");
}

TEST_F(GemVaTest, PutsTheFenceOfTheUpdateIntoASyncobj) {
  EXPECT_EQ(run({[this] {
              drm_amdgpu_gem_va args = map_args(queue_bo());
              args.vm_timeline_syncobj_out = syncobj();
              EXPECT_EQ(va(args), 0);
              EXPECT_EQ(flagged_status(args.vm_timeline_syncobj_out), 1);
              args.operation = kVaOpUnmap;
              args.vm_timeline_point = 5;
              EXPECT_EQ(va(args), 0);
              EXPECT_EQ(query(args.vm_timeline_syncobj_out), 5u);
            }}),
            "nothing");
}

TEST_F(GemVaTest, AFailedOrADelayedUpdateHasNoFence) {
  EXPECT_EQ(run({[this] {
              drm_amdgpu_gem_va args = map_args(queue_bo());
              args.vm_timeline_syncobj_out = syncobj();
              args.map_size = 0;
              EXPECT_EQ(va(args), -EINVAL);
              EXPECT_EQ(fence_of(args.vm_timeline_syncobj_out), nullptr);
              args.vm_timeline_point = 7;
              EXPECT_EQ(va(args), -EINVAL);
              args.map_size = kPage;
              args.flags = kVmDelayUpdate;
              EXPECT_EQ(va(args), 0);
              EXPECT_EQ(fence_of(args.vm_timeline_syncobj_out), nullptr);
              args.vm_timeline_syncobj_out = 99;
              EXPECT_EQ(va(args), -ENOENT);
            }}),
            "nothing");
}

TEST_F(GemVaTest, WithoutMemoryNothingIsLeft) {
  EXPECT_EQ(run({[this] {
              drm_amdgpu_gem_va args = map_args(queue_bo());
              args.vm_timeline_syncobj_out = syncobj();
              args.vm_timeline_point = 1;
              const uint32_t input = syncobj();
              signal_syncobj(input);
              args.input_fence_syncobj_handles = put_handles({input});
              args.num_syncobj_handles = 1;
              without_memory([&] { return va(args); });
              args.operation = kVaOpReplace;
              args.vm_timeline_point = 2;
              without_memory([&] { return va(args); });
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
