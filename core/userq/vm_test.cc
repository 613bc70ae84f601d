// The GPU address space: what may be mapped, what a look-up finds, where a user queue can live.
#include "core/userq/vm.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <tuple>

#include "core/kernel/list.h"
#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;
constexpr uint64_t kBase = 0x400000;  // of what a test maps

class VmTest : public DeviceTest {
 protected:
  using Mapping = std::tuple<uint64_t, uint64_t, uint64_t>;  // first page, last page, offset

  std::string run_one(Body body) { return run({std::move(body)}); }
  // The pages of [kBase, ...) that are mapped.
  std::vector<Mapping> mappings() {
    std::vector<Mapping> found;
    bo_reserve(*vm().root, false);
    list_for_each_entry(mapping, vm().mappings, VmMapping, link) {
      if (mapping->start >= kBase / kPage)
        found.emplace_back(mapping->start - kBase / kPage, mapping->last - kBase / kPage,
                           mapping->offset);
    }
    bo_unreserve(*vm().root);
    return found;
  }
  uint8_t* lookup(uint64_t address, uint64_t size) {
    bo_reserve(*vm().root, false);
    uint8_t* memory = vm_lookup(vm(), address, size);
    bo_unreserve(*vm().root);
    return memory;
  }
  int validate_queue_va(uint64_t address, uint64_t size) {
    bo_reserve(*vm().root, false);
    const int error = vm_validate_queue_va(vm(), address, size);
    bo_unreserve(*vm().root);
    return error;
  }
  bool queue_va_mapped(uint64_t address, uint64_t size) {
    bo_reserve(*vm().root, false);
    const bool mapped = vm_queue_va_mapped(vm(), address, size);
    bo_unreserve(*vm().root);
    return mapped;
  }
  int map(uint32_t handle, uint64_t page, uint64_t pages, uint64_t offset = 0) {
    return va(kVaOpMap, handle, kBase + page * kPage, pages * kPage, offset);
  }
  // Maps nothing: reads as 0 on the GPU.
  int map_prt(uint64_t page, uint64_t pages) {
    drm_amdgpu_gem_va args{};
    args.operation = kVaOpMap;
    args.flags = kVmPagePrt;
    args.va_address = kBase + page * kPage;
    args.map_size = pages * kPage;
    return va(args);
  }
  int clear(uint64_t page, uint64_t pages) {
    return va(kVaOpClear, 0, kBase + page * kPage, pages * kPage);
  }
};

TEST_F(VmTest, RefusesWhatIsEmptyMisalignedOrWrapsAround) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              EXPECT_EQ(map(bo, 0, 0), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kBase + 1, kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kBase, kPage + 1), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kBase, kPage, 1), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kBase, 0 - kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kBase, 2 * kPage, 0 - kPage), -EINVAL);
              EXPECT_TRUE(mappings().empty());
            }),
            "nothing");
}

TEST_F(VmTest, RefusesWhatTheObjectDoesNotHave) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              EXPECT_EQ(map(bo, 0, 5), -EINVAL);
              EXPECT_EQ(map(bo, 0, 1, 4 * kPage), -EINVAL);
              EXPECT_EQ(map(bo, 0, 4), 0);
              EXPECT_EQ(map(bo, 4, 1, 3 * kPage), 0);
            }),
            "nothing");
}

TEST_F(VmTest, RefusesTheReservedAreas) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              EXPECT_EQ(va(kVaOpMap, bo, 0, kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kVaReservedBottom - kPage, 2 * kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kVaEnd, kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kVaEnd - kPage, 2 * kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kSeq64VaStart, kPage), -EINVAL);
              EXPECT_EQ(va(kVaOpMap, bo, kVaReservedBottom, kPage), 0);
              EXPECT_EQ(va(kVaOpMap, bo, kVaEnd - kPage, kPage), 0);
              EXPECT_EQ(clear(0, (kVaEnd - kBase) / kPage + 1), -EINVAL);
            }),
            "nothing");
}

TEST_F(VmTest, RefusesWhatOverlaps) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(9 * kPage);
              EXPECT_EQ(map(bo, 4, 2), 0);
              EXPECT_EQ(map(bo, 4, 2), -EINVAL);
              EXPECT_EQ(map(bo, 5, 1), -EINVAL);
              EXPECT_EQ(map(bo, 3, 2), -EINVAL);
              EXPECT_EQ(map(bo, 3, 9), -EINVAL);
              EXPECT_EQ(map_prt(5, 1), -EINVAL);
              EXPECT_EQ(map(bo, 6, 1, kPage), 0);
              EXPECT_EQ(map(bo, 3, 1, 2 * kPage), 0);
              EXPECT_EQ(mappings(),
                        (std::vector<Mapping>{{3, 3, 2 * kPage}, {4, 5, 0}, {6, 6, kPage}}));
            }),
            "nothing");
}

TEST_F(VmTest, UnmapTakesTheMappingThatStartsThere) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              const uint32_t other = create_bo();
              EXPECT_EQ(map(bo, 0, 4), 0);
              EXPECT_EQ(va(kVaOpUnmap, bo, kBase + kPage, 0), -ENOENT);
              EXPECT_EQ(va(kVaOpUnmap, other, kBase, 0), -ENOENT);
              EXPECT_EQ(va(kVaOpUnmap, bo, kBase, 0), 0);
              EXPECT_EQ(va(kVaOpUnmap, bo, kBase, 0), -ENOENT);
              EXPECT_TRUE(mappings().empty());
            }),
            "nothing");
}

TEST_F(VmTest, ClearCutsWhatIsPartlyInTheRange) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(8 * kPage);
              EXPECT_EQ(map(bo, 0, 8), 0);
              EXPECT_EQ(clear(3, 2), 0);  // in the middle
              EXPECT_EQ(mappings(), (std::vector<Mapping>{{0, 2, 0}, {5, 7, 5 * kPage}}));
              EXPECT_EQ(clear(2, 4), 0);  // an end and a beginning
              EXPECT_EQ(mappings(), (std::vector<Mapping>{{0, 1, 0}, {6, 7, 6 * kPage}}));
              EXPECT_EQ(clear(2, 4), 0);  // nothing there
              EXPECT_EQ(clear(0, 7), 0);  // one as a whole
              EXPECT_EQ(mappings(), (std::vector<Mapping>{{7, 7, 7 * kPage}}));
              EXPECT_EQ(clear(7, 1), 0);
              EXPECT_TRUE(mappings().empty());
              EXPECT_EQ(clear(0, 0), -EINVAL);
            }),
            "nothing");
}

TEST_F(VmTest, ReplaceMapsWhatItClears) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(8 * kPage);
              const uint32_t other = create_bo(2 * kPage);
              EXPECT_EQ(map(bo, 0, 8), 0);
              EXPECT_EQ(va(kVaOpReplace, other, kBase + 3 * kPage, 2 * kPage), 0);
              EXPECT_EQ(mappings(),
                        (std::vector<Mapping>{{0, 2, 0}, {3, 4, 0}, {5, 7, 5 * kPage}}));
              EXPECT_EQ(va(kVaOpUnmap, other, kBase + 3 * kPage, 0), 0);
              EXPECT_EQ(va(kVaOpReplace, other, kBase, 3 * kPage), -EINVAL);
            }),
            "nothing");
}

TEST_F(VmTest, WithoutMemoryNothingChanges) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(8 * kPage);
              for (const uint32_t operation : {kVaOpMap, kVaOpReplace, kVaOpClear}) {
                const auto before = mappings();
                int error = -ENOMEM;
                for (uint32_t n = 1; error == -ENOMEM; ++n) {
                  kernel::task().fail_alloc = n;
                  error = va(operation, bo, kBase + kPage, 2 * kPage);
                  if (error != 0) {
                    EXPECT_EQ(mappings(), before);
                  }
                }
                kernel::task().fail_alloc = 0;
                EXPECT_EQ(error, 0);
              }
            }),
            "nothing");
}

TEST_F(VmTest, AMappingWithoutAnObjectTakesPartInAllButLookups) {
  EXPECT_EQ(run_one([this] {
              EXPECT_EQ(map_prt(0, 4), 0);
              EXPECT_EQ(lookup(kBase, 8), nullptr);
              EXPECT_EQ(clear(1, 1), 0);
              EXPECT_EQ(mappings(), (std::vector<Mapping>{{0, 0, 0}, {2, 3, 2 * kPage}}));
              drm_amdgpu_gem_va args{};
              args.operation = kVaOpUnmap;
              args.flags = kVmPagePrt;
              args.va_address = kBase;
              EXPECT_EQ(va(args), 0);
              EXPECT_EQ(va(args), -ENOENT);
              EXPECT_EQ(mappings(), (std::vector<Mapping>{{2, 3, 2 * kPage}}));
            }),
            "nothing");
}

TEST_F(VmTest, LookupFindsOnlyWhatOneMappingCovers) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              EXPECT_EQ(map(bo, 4, 2, kPage), 0);
              EXPECT_EQ(map(bo, 6, 1, 0), 0);
              uint8_t* start = lookup(kBase + 6 * kPage, 1);
              ASSERT_NE(start, nullptr);
              EXPECT_EQ(lookup(kBase + 4 * kPage, 2 * kPage), start + kPage);
              EXPECT_EQ(lookup(kBase + 6 * kPage - 1, 1), start + 3 * kPage - 1);
              EXPECT_EQ(lookup(kBase + 4 * kPage - 1, 1), nullptr);
              EXPECT_EQ(lookup(kBase + 4 * kPage - 1, 2), nullptr);
              EXPECT_EQ(lookup(kBase + 6 * kPage - 4, 8), nullptr);  // half in the next mapping
              EXPECT_EQ(lookup(kBase + 7 * kPage, 1), nullptr);
              EXPECT_EQ(lookup(kBase + 4 * kPage + 8, ~uint64_t{0}), nullptr);
              EXPECT_EQ(lookup(kBase + 4 * kPage, 0), nullptr);
              EXPECT_EQ(lookup(kBase + 6 * kPage + (uint64_t{1} << 48), 1), start);
            }),
            "nothing");
}

TEST_F(VmTest, LookupWithoutTheReservationIsReported) {
  EXPECT_EQ(run_one([this] { vm_lookup(vm(), kGpuBase, 8); }),
            "warn-on reservation_ww_class_mutex");
}

TEST_F(VmTest, AQueueNeedsEveryPageThatItTouches) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(4 * kPage);
              EXPECT_EQ(map(bo, 0, 2), 0);
              EXPECT_EQ(validate_queue_va(kBase, 2 * kPage), 0);
              EXPECT_EQ(validate_queue_va(kBase + 2 * kPage - 8, 8), 0);
              EXPECT_EQ(validate_queue_va(kBase + 2 * kPage - 4, 8), -EINVAL);
              EXPECT_EQ(validate_queue_va(kBase + kPage, 2 * kPage), -EINVAL);
              EXPECT_EQ(validate_queue_va(kBase + 2 * kPage, 8), -EINVAL);
              EXPECT_EQ(validate_queue_va(kBase, 0), -EINVAL);
              EXPECT_EQ(validate_queue_va(kBase, ~uint64_t{0}), -EINVAL);
              EXPECT_EQ(validate_queue_va(0x1234'0000'0000'0000 + kBase, 8), 0);
            }),
            "nothing");
}

TEST_F(VmTest, AQueueCannotLiveWhereNoObjectIs) {
  EXPECT_EQ(run_one([this] {
              EXPECT_EQ(map_prt(0, 2), 0);
              EXPECT_EQ(validate_queue_va(kBase, kPage), -EINVAL);
              EXPECT_FALSE(queue_va_mapped(kBase, kPage));
              drm_amdgpu_userq_in in = create_args(0);
              in.wptr_va = kBase;
              EXPECT_EQ(userq(in), -EINVAL);
            }),
            "nothing");
}

TEST_F(VmTest, OnlyAnObjectThatAQueueWasPutIntoCountsLater) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(2 * kPage);
              const uint32_t other = create_bo(2 * kPage);
              EXPECT_EQ(map(bo, 0, 2), 0);
              EXPECT_FALSE(queue_va_mapped(kBase, kPage));
              EXPECT_EQ(validate_queue_va(kBase, kPage), 0);
              EXPECT_TRUE(queue_va_mapped(kBase + kPage, kPage));
              EXPECT_FALSE(queue_va_mapped(kBase + kPage, 2 * kPage));
              EXPECT_EQ(va(kVaOpUnmap, bo, kBase, 0), 0);
              EXPECT_FALSE(queue_va_mapped(kBase, kPage));
              EXPECT_EQ(map(other, 0, 2), 0);
              EXPECT_FALSE(queue_va_mapped(kBase, kPage));
            }),
            "nothing");
}

TEST_F(VmTest, StoresWhereSomethingIsMapped) {
  EXPECT_EQ(run_one([this] {
              const uint32_t bo = create_bo(2 * kPage);
              EXPECT_EQ(map(bo, 4, 1, kPage), 0);
              EXPECT_EQ(vm_user_store64(vm(), kBase + 4 * kPage + 8, 0x1122334455667788), 0);
              EXPECT_EQ(lookup(kBase + 4 * kPage + 8, 8)[0], 0x88);
              EXPECT_EQ(lookup(kBase + 4 * kPage, 8)[0], 0);
              EXPECT_EQ(vm_user_store64(vm(), kBase + 4 * kPage + 4, 1), -EINVAL);
              EXPECT_EQ(vm_user_store64(vm(), kBase, 1), -EINVAL);
            }),
            "nothing");
}

// The process's mapping of an object outlives that of the GPU, not the object.
TEST_F(VmTest, AStoreToAnObjectThatIsClosedMeanwhileGoesToMemoryThatIsThere) {
  uint32_t handle = 0;
  prepare([&] {
    handle = create_bo();
    EXPECT_EQ(map(handle, 0, 1), 0);
  });
  EXPECT_EQ(sweep({[this] { vm_user_store64(vm(), kBase, 1); }, [&] { close_bo(handle); }}),
            "nothing");
}

TEST_F(VmTest, AnAddressSpaceThatStillHasObjectsIsWarnedOf) {
  EXPECT_EQ(run_one([] {
              Vm vm{};
              EXPECT_EQ(vm_init(vm, *device_init(1)), 0);
              BoVa bo_va{};
              kernel::list_add_tail(bo_va.vm_link, vm.bo_vas);
              vm_fini(vm);
            }),
            "warn-on vm_fini");
}

}  // namespace
}  // namespace userq
