// The GPU address space: what may be mapped, and what a look-up finds.
#include "core/userq/vm.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;

class VmTest : public testing::Test {
 protected:
  VmTest() {
    run_.set_up = [this] {
      vm_init(vm_);
      EXPECT_EQ(vm_map(vm_, 4 * kPage, 2 * kPage), 0);
    };
    run_.tear_down = {[this] { vm_fini(vm_); }};
  }
  std::string run(kernel::TestRun::Body body) {
    run_.threads = {std::move(body)};
    return run_();
  }
  uint8_t* lookup(uint64_t va, uint64_t size) {
    kernel::mutex_lock(vm_.root_bo_resv);
    uint8_t* memory = vm_lookup(vm_, va, size);
    kernel::mutex_unlock(vm_.root_bo_resv);
    return memory;
  }

  Vm vm_{};
  kernel::TestRun run_;
};

TEST_F(VmTest, RefusesWhatIsEmptyMisalignedOrWrapsAround) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(vm_map(vm_, 0, 0), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 1, kPage), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 0, kPage + 1), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 0 - kPage, 2 * kPage), -EINVAL);
            }),
            "nothing");
}

TEST_F(VmTest, RefusesWhatOverlaps) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(vm_map(vm_, 4 * kPage, 2 * kPage), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 5 * kPage, kPage), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 3 * kPage, 2 * kPage), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 3 * kPage, 9 * kPage), -EINVAL);
              EXPECT_EQ(vm_map(vm_, 3 * kPage, kPage), 0);
              EXPECT_EQ(vm_map(vm_, 6 * kPage, kPage), 0);
            }),
            "nothing");
}

TEST_F(VmTest, WithoutMemoryMapsNothing) {
  EXPECT_EQ(run([this] {
              for (uint32_t n = 1; n <= 2; ++n) {
                kernel::task().fail_alloc = n;
                EXPECT_EQ(vm_map(vm_, 8 * kPage, kPage), -ENOMEM);
                EXPECT_EQ(lookup(8 * kPage, 1), nullptr);
              }
            }),
            "nothing");
}

TEST_F(VmTest, LookupFindsOnlyWhatOneMappingCovers) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(vm_map(vm_, 6 * kPage, kPage), 0);
              uint8_t* start = lookup(4 * kPage, 2 * kPage);
              ASSERT_NE(start, nullptr);
              EXPECT_EQ(lookup(6 * kPage - 1, 1), start + 2 * kPage - 1);
              EXPECT_EQ(lookup(4 * kPage - 1, 1), nullptr);
              EXPECT_EQ(lookup(4 * kPage - 1, 2), nullptr);
              EXPECT_EQ(lookup(6 * kPage - 4, 8), nullptr);  // half in the next mapping
              EXPECT_EQ(lookup(7 * kPage, 1), nullptr);
              EXPECT_EQ(lookup(4 * kPage + 8, ~uint64_t{0}), nullptr);
            }),
            "nothing");
}

TEST_F(VmTest, LookupWithoutTheReservationIsReported) {
  EXPECT_EQ(run([this] { vm_lookup(vm_, 4 * kPage, 8); }), "warn-on root_bo_resv");
}

TEST_F(VmTest, StoresWhereSomethingIsMapped) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(vm_user_store64(vm_, 4 * kPage + 8, 0x1122334455667788), 0);
              EXPECT_EQ(lookup(4 * kPage + 8, 8)[0], 0x88);
              EXPECT_EQ(lookup(4 * kPage, 8)[0], 0);
              EXPECT_EQ(vm_user_store64(vm_, 4 * kPage + 4, 1), -EINVAL);
              EXPECT_EQ(vm_user_store64(vm_, kPage, 1), -EINVAL);
            }),
            "nothing");
}

}  // namespace
}  // namespace userq
