// Buffer objects: memory of their own, of the process, or doorbells; pinning, moving, and their
// end.
#include "core/userq/bo.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;

class BoTest : public DeviceTest {
 protected:
  Bo* create(uint64_t size, uint64_t domains = kGemDomainGtt, Bo* vm_root = nullptr) {
    Bo* bo = nullptr;
    EXPECT_EQ(bo_create(device(), size, domains, vm_root, &bo, kTest), 0);
    return bo;
  }
  // Of four pages of a process.
  Bo* create_userptr(uint64_t addr, uint64_t size) {
    Bo* bo = nullptr;
    EXPECT_EQ(bo_create_userptr(device(), mm_, addr, size, &bo, kTest), 0);
    return bo;
  }
  static bool busy(Bo& bo) {
    return !dma::resv_test_signaled(*bo.gem.resv, dma::ResvUsage::kBookkeep);
  }

  uint8_t pages_[4 * kPage] = {};
  kernel::UserMemory mm_{0x10000, sizeof pages_, pages_};
};

TEST_F(BoTest, ConsistsOfZeroedWholePages) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage + 1);
              EXPECT_EQ(bo->gem.size, 2 * kPage);
              for (uint64_t i = 0; i < bo->gem.size; ++i) EXPECT_EQ(bo->memory[i], 0);
              EXPECT_EQ(bo->gem.resv, &bo->gem.own_resv);
              bo_get(*bo, kTest);
              bo_put(bo, kTest);
              bo_put(bo, kTest);
              bo_put(nullptr, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, WithoutMemoryLeavesNothingBehind) {
  EXPECT_EQ(
      run({[this] {
        Bo* bo = nullptr;
        EXPECT_EQ(bo_create(device(), kMaxBoSize + 1, kGemDomainGtt, nullptr, &bo, kTest), -ENOMEM);
        EXPECT_EQ(bo_create_userptr(device(), mm_, 0, kMaxBoSize + kPage, &bo, kTest), -ENOMEM);
        for (const uint32_t n : {1u, 2u}) {
          kernel::task().fail_alloc = n;
          EXPECT_EQ(bo_create(device(), kPage, kGemDomainVram, nullptr, &bo, kTest), -ENOMEM);
          EXPECT_EQ(bo, nullptr);
        }
        kernel::task().fail_alloc = 1;
        EXPECT_EQ(bo_create_userptr(device(), mm_, 0x10000, kPage, &bo, kTest), -ENOMEM);
      }}),
      "nothing");
}

TEST_F(BoTest, OneThatIsAlwaysValidSharesAndKeepsTheRoot) {
  EXPECT_EQ(run({[this] {
              Bo* root = create(kPage);
              Bo* bo = create(kPage, kGemDomainGtt, root);
              EXPECT_EQ(bo->gem.resv, root->gem.resv);
              bo_put(root, kTest);
              EXPECT_EQ(bo_reserve(*bo, false), 0);
              EXPECT_TRUE(dma::resv_is_locked(root->gem.own_resv));
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, ReserveCanBeInterrupted) {
  EXPECT_EQ(run({[this] {
                   bo_reserve(*vm().root, false);
                   rest();
                   bo_unreserve(*vm().root);
                 },
                 [this] {
                   kernel::task().signal_pending = true;
                   EXPECT_EQ(bo_reserve(*vm().root, true), -EINTR);
                   EXPECT_EQ(bo_reserve(*vm().root, false), 0);
                   bo_unreserve(*vm().root);
                 }}),
            "nothing");
}

TEST_F(BoTest, EachDoorbellObjectTakesAPage) {
  EXPECT_EQ(run({[this] {
              close_doorbells();
              Bo* bos[kDoorbellPages];
              for (uint32_t i = 0; i < kDoorbellPages; ++i) {
                bos[i] = create(1, kGemDomainDoorbell);
                EXPECT_EQ(bos[i]->doorbell_base, i * kDoorbellsPerPage);
                EXPECT_EQ(bos[i]->memory, nullptr);
              }
              Bo* bo;
              EXPECT_EQ(bo_create(device(), 1, kGemDomainDoorbell, nullptr, &bo, kTest), -ENOSPC);
              bo_put(bos[2], kTest);
              EXPECT_EQ(bo_create(device(), kPage + 1, kGemDomainDoorbell, nullptr, &bo, kTest),
                        -ENOSPC);
              bos[2] = create(kPage, kGemDomainDoorbell);
              EXPECT_EQ(bos[2]->doorbell_base, 2 * kDoorbellsPerPage);
              for (Bo* each : bos) bo_put(each, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, TwoAllocatorsNeverShareADoorbellPage) {
  Bo* bos[2];
  inspect([&] {
    EXPECT_NE(bos[0]->doorbell_base, bos[1]->doorbell_base);
    for (Bo* bo : bos) bo_put(bo, kTest);
  });
  EXPECT_EQ(sweep({[&] { bos[0] = create(kPage, kGemDomainDoorbell); },
                   [&] { bos[1] = create(kPage, kGemDomainDoorbell); }}),
            "nothing");
}

// --- pinning and moving ---

TEST_F(BoTest, APinnedObjectStaysWhereItIs) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo_reserve(*bo, false);
              EXPECT_EQ(bo_pin(*bo), 0);
              EXPECT_EQ(bo_pin(*bo), 0);
              bo_unpin(*bo);
              EXPECT_EQ(bo_evict(*bo), -EBUSY);
              bo_unpin(*bo);
              EXPECT_EQ(bo_evict(*bo), 0);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, PinningBringsTheObjectBackFirst) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo_reserve(*bo, false);
              EXPECT_EQ(bo_evict(*bo), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(bo_pin(*bo), -ENOMEM);
              EXPECT_EQ(bo->pin_count, 0u);
              EXPECT_EQ(bo_pin(*bo), 0);
              EXPECT_FALSE(bo->evicted);
              bo_unpin(*bo);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, MemoryOfAProcessCannotBePinned) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create_userptr(0x10000, kPage);
              bo_reserve(*bo, false);
              EXPECT_EQ(bo_pin(*bo), -EPERM);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, FreeingAPinnedObjectIsWarnedOf) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo_reserve(*bo, false);
              bo_pin(*bo);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "warn-on bo_free");
}

TEST_F(BoTest, FreeingAnObjectThatIsInAnAddressSpaceIsWarnedOf) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              BoVa bo_va{};
              kernel::list_add_tail(bo_va.bo_link, bo->bo_vas);
              bo_put(bo, kTest);
            }}),
            "warn-on bo_free");
}

TEST_F(BoTest, UnpinningWhatIsNotPinnedIsWarnedOf) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo_reserve(*bo, false);
              bo_unpin(*bo);
            }}),
            "warn-on bo_unpin");
}

TEST_F(BoTest, DoorbellsStayPinnedWhileTheHardwareUsesThem) {
  auto unpin = [this](bool unmap_first) {
    return run({[this, unmap_first] {
      Bo* bo = create(kPage, kGemDomainDoorbell);
      bo_reserve(*bo, false);
      EXPECT_EQ(bo_pin(*bo), 0);
      EXPECT_EQ(bo_pin(*bo), 0);
      uint64_t slot = 0;
      gpu_map_queue(device().gpu, bo->doorbell_base + 3, kHwIpGfx, &slot);
      bo_unpin(*bo);
      if (unmap_first) EXPECT_EQ(gpu_unmap_queue(device().gpu, bo->doorbell_base + 3), 0);
      bo_unpin(*bo);
      bo_unreserve(*bo);
      bo_put(bo, kTest);
    }});
  };
  EXPECT_EQ(unpin(true), "nothing");
  EXPECT_EQ(unpin(false), "warn-on check_doorbells_idle");
}

TEST_F(BoTest, PinningWithoutTheReservationIsReported) {
  EXPECT_EQ(run({[this] { bo_pin(*create(kPage)); }}), "warn-on reservation_ww_class_mutex");
}

TEST_F(BoTest, EvictionKeepsTheContentsAndMovesTheMemory) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo->memory[77] = 42;
              bo_reserve(*bo, false);
              for (unsigned i = 0; i < 2; ++i) {
                const uint8_t* before = bo->memory;
                EXPECT_EQ(bo_evict(*bo), 0);
                EXPECT_TRUE(bo->evicted);
                EXPECT_NE(bo->memory, before);
                const uint8_t* away = bo->memory;
                EXPECT_EQ(bo_evict(*bo), 0);  // is away already
                EXPECT_EQ(bo->memory, away);
                EXPECT_EQ(bo_validate(*bo), 0);
                EXPECT_FALSE(bo->evicted);
                const uint8_t* back = bo->memory;
                EXPECT_EQ(bo_validate(*bo), 0);  // is there already
                EXPECT_EQ(bo->memory, back);
              }
              EXPECT_EQ(bo->memory[77], 42);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, EvictionAndValidationWithoutMemoryChangeNothing) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create(kPage);
              bo_reserve(*bo, false);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(bo_evict(*bo), -ENOMEM);
              EXPECT_FALSE(bo->evicted);
              EXPECT_EQ(bo_evict(*bo), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(bo_validate(*bo), -ENOMEM);
              EXPECT_TRUE(bo->evicted);
              bo_unreserve(*bo);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, EvictionOfWhatHasNoMemoryOfItsOwnMovesNothing) {
  EXPECT_EQ(run({[this] {
              Bo* bos[] = {create(kPage, kGemDomainDoorbell), create_userptr(0x10000, kPage)};
              for (Bo* bo : bos) {
                uint8_t* memory = bo->memory;
                bo_reserve(*bo, false);
                EXPECT_EQ(bo_evict(*bo), 0);
                EXPECT_EQ(bo_validate(*bo), 0);
                EXPECT_EQ(bo->memory, memory);
                bo_unreserve(*bo);
                bo_put(bo, kTest);
              }
            }}),
            "nothing");
}

TEST_F(BoTest, EvictionWaitsForTheQueuesOfEveryFileToLeaveTheGpu) {
  EXPECT_EQ(run({[this] {
              DeviceTest::create(1);
              DeviceTest::create(2, 1);
              uint32_t handle;
              EXPECT_EQ(drm::gem_handle_create(file(1), bo(queue_bo()).gem, &handle), 0);
              Bo& shared = bo(queue_bo());
              bo_reserve(shared, false);
              EXPECT_TRUE(busy(shared));
              EXPECT_EQ(bo_evict(shared), 0);
              EXPECT_FALSE(busy(shared));
              EXPECT_FALSE(is_mapped(1));
              EXPECT_FALSE(is_mapped(2));
              bo_unreserve(shared);
              rest();
              EXPECT_FALSE(is_evicted(shared));
              EXPECT_TRUE(is_mapped(1));
              EXPECT_TRUE(is_mapped(2));
            }}),
            "nothing");
}

// --- memory of a process ---

TEST_F(BoTest, AUserptrObjectIsTheMemoryOfTheProcess) {
  EXPECT_EQ(run({[this] {
              Bo* bo = create_userptr(0x10000 + kPage, 3 * kPage);
              EXPECT_EQ(bo->memory, pages_ + kPage);
              EXPECT_FALSE(bo->userptr_gone);
              bo_userptr_unmapped(*bo);
              EXPECT_TRUE(bo->userptr_gone);
              bo_put(bo, kTest);
            }}),
            "nothing");
}

TEST_F(BoTest, WhereTheProcessHasNoMemoryThePagesAreGoneFromTheStart) {
  EXPECT_EQ(run({[this] {
              constexpr uint64_t kNone[][2] = {{0x10000 - kPage, kPage},
                                               {0x10000 - kPage, 2 * kPage},
                                               {0x10000 + 3 * kPage, 2 * kPage},
                                               {0x10000 + 5 * kPage, kPage},
                                               {0 - kPage, 2 * kPage}};
              for (const auto& [addr, size] : kNone) {
                Bo* bo = create_userptr(addr, size);
                EXPECT_EQ(bo->memory, nullptr);
                EXPECT_TRUE(bo->userptr_gone);
                bo_put(bo, kTest);
              }
            }}),
            "nothing");
}

}  // namespace
}  // namespace userq
