// The eviction fence and its manager: who holds it, when it is replaced, what it is put onto.
#include "core/userq/eviction_fence.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "core/userq/device_test_fixture.h"

namespace userq {
namespace {

constexpr kernel::Holder kAsker{"asker"};

class EvictionFenceTest : public DeviceTest {
 protected:
  // The present fence of a file, with a reference.
  dma::Fence* present(unsigned on_file = 0) { return evf_mgr_get_fence(evf_mgr(on_file), kAsker); }
  static void put(dma::Fence* fence) { dma::fence_put(fence, kAsker); }
  uint64_t seqno(unsigned on_file = 0) {
    dma::Fence* fence = present(on_file);
    const uint64_t seqno = fence->seqno;
    put(fence);
    return seqno;
  }
  void evict(unsigned on_file = 0) {
    dma::Fence* fence = present(on_file);
    dma::fence_wait(*fence, false);
    put(fence);
  }
  // The unsignaled fences of an object's reservation, of any usage up to `usage`.
  static std::vector<dma::Fence*> fences(Bo& of, dma::ResvUsage usage = dma::ResvUsage::kBookkeep) {
    std::vector<dma::Fence*> found;
    dma::ResvIter cursor;
    dma::Fence* fence;
    bo_reserve(of, false);
    resv_for_each_fence(cursor, *of.gem.resv, usage, fence)
      if (!dma::fence_test_signaled_flag(*fence)) found.push_back(fence);
    bo_unreserve(of);
    return found;
  }
};

TEST_F(EvictionFenceTest, AFileStartsWithoutOne) {
  EXPECT_EQ(run({[this] {
              drm::File* fresh = drm::file_alloc(file().mm);
              ASSERT_EQ(fpriv_open(device(), *fresh), 0);
              EvictionFenceMgr& mgr = to_fpriv(*fresh).evf_mgr;
              EXPECT_FALSE(evf_mgr_is_armed(mgr));
              dma::Fence* fence = evf_mgr_get_fence(mgr, kAsker);
              dma::Fence* stub = dma::fence_get_stub(kAsker);
              EXPECT_EQ(fence, stub);
              EXPECT_NE(mgr.ev_fence_ctx, evf_mgr().ev_fence_ctx);
              put(fence);
              put(stub);
              drm::file_free(*fresh);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, IsOnEveryObjectForMemoryManagementOnly) {
  EXPECT_EQ(run({[this] {
              dma::Fence* fence = present();
              Bo* const objects[] = {&bo(queue_bo()), &bo(create_bo()), vm().root,
                                     &bo(create_bo(kGpuPageSize, kGemCreateVmAlwaysValid))};
              for (Bo* each : objects) {
                EXPECT_EQ(fences(*each), std::vector<dma::Fence*>{fence});
                EXPECT_TRUE(fences(*each, dma::ResvUsage::kRead).empty());
              }
              EXPECT_EQ(refs(*fence),
                        1 + 1 + 4);  // manager, asker, reservations (one is of a doorbell)
              put(fence);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, WhoeverWaitsForItGetsTheQueuesOffTheGpu) {
  EXPECT_EQ(run({[this] {
              create(1);
              create(2);
              dma::Fence* fence = present();
              EXPECT_EQ(dma::fence_get_status(*fence), 0);
              EXPECT_EQ(dma::fence_wait(*fence, false), 0);
              EXPECT_FALSE(is_mapped(1));
              EXPECT_FALSE(is_mapped(2));
              put(fence);
            }}),
            "nothing");
}

// A test of the reservation, or polling it, is no reason to evict.
TEST_F(EvictionFenceTest, PollingItEvictsNobody) {
  EXPECT_EQ(
      run({[this] {
        create(1);
        EXPECT_FALSE(dma::resv_test_signaled(*bo(queue_bo()).gem.resv, dma::ResvUsage::kBookkeep));
        rest();
        EXPECT_TRUE(is_mapped(1));
        EXPECT_EQ(seqno(), 1u);
      }}),
      "nothing");
}

TEST_F(EvictionFenceTest, TheNextOneTakesItsPlaceEverywhere) {
  EXPECT_EQ(run({[this] {
              create(1);
              dma::Fence* old = present();
              dma::fence_wait(*old, false);
              rest();
              EXPECT_TRUE(is_mapped(1));
              dma::Fence* next = present();
              EXPECT_NE(next, old);
              EXPECT_EQ(next->seqno, old->seqno + 1);
              EXPECT_EQ(next->context, old->context);
              EXPECT_EQ(refs(*old), 1);
              EXPECT_EQ(fences(bo(queue_bo())), std::vector<dma::Fence*>{next});
              EXPECT_EQ(fences(*vm().root), std::vector<dma::Fence*>{next});
              put(old);
              put(next);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, AnArmedOneIsNotReplaced) {
  EXPECT_EQ(run({[this] {
              create(1);
              schedule_resume(mgr());
              schedule_resume(mgr());
              rest();
              schedule_resume(mgr());
              rest();
              EXPECT_EQ(seqno(), 1u);
              EXPECT_TRUE(is_mapped(1));
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, HasANameWhileItIsPending) {
  EXPECT_EQ(run({[this] {
              dma::Fence* fence = present();
              kernel::rcu_read_lock();
              EXPECT_STREQ(dma::fence_driver_name(*fence), "amdgpu_eviction_fence");
              EXPECT_EQ(std::string(dma::fence_timeline_name(*fence)).substr(0, 7), "kworker");
              kernel::rcu_read_unlock();
              dma::fence_wait(*fence, false);
              kernel::rcu_read_lock();
              EXPECT_STRNE(dma::fence_driver_name(*fence), "amdgpu_eviction_fence");
              kernel::rcu_read_unlock();
              put(fence);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, OutlivesItsManager) {
  dma::Fence* fence = nullptr;
  run_.tear_down.push_back([&] {
    dma::FenceCb cb;
    EXPECT_EQ(dma::fence_add_callback(*fence, cb, [](dma::Fence&, dma::FenceCb&) {}), -ENOENT);
    EXPECT_EQ(dma::fence_get_status(*fence), 1);
    put(fence);
  });
  EXPECT_EQ(run({[&] { fence = present(); }}), "nothing");
}

// --- attach and detach ---

TEST_F(EvictionFenceTest, WhileNoneIsArmedAnObjectGetsItWithTheNext) {
  EXPECT_EQ(run({[this] {
              evict();
              // Before the resume: nothing in between sleeps.
              EXPECT_FALSE(evf_mgr_is_armed(evf_mgr()));
              const uint32_t handle = create_bo();
              EXPECT_TRUE(fences(bo(handle)).empty());
              rest();
              dma::Fence* next = present();
              EXPECT_EQ(fences(bo(handle)), std::vector<dma::Fence*>{next});
              put(next);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, AttachBringsTheObjectIntoReachOrFails) {
  EXPECT_EQ(run({[this] {
              Bo& object = bo(queue_bo(1), 1);
              bo_reserve(object, false);
              EXPECT_EQ(bo_evict(object), 0);
              EXPECT_EQ(dma::resv_reserve_fences(*object.gem.resv, 1), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(evf_mgr_attach_fence(evf_mgr(0), object), -ENOMEM);
              EXPECT_TRUE(object.evicted);
              EXPECT_EQ(evf_mgr_attach_fence(evf_mgr(0), object), 0);
              EXPECT_FALSE(object.evicted);
              bo_unreserve(object);
              dma::Fence* fence = present(0);
              const auto found = fences(object);
              EXPECT_EQ(found, std::vector<dma::Fence*>{fence});
              put(fence);
              bo_reserve(object, false);
              evf_mgr_detach_fence(evf_mgr(0), object);
              bo_unreserve(object);
            }}),
            "nothing");
}

TEST_F(EvictionFenceTest, DetachTakesTheFencesOfOneManagerOnly) {
  EXPECT_EQ(run({[this] {
              Bo& object = bo(queue_bo());
              uint32_t theirs;
              EXPECT_EQ(drm::gem_handle_create(file(1), object.gem, &theirs), 0);
              dma::Fence* fence = present(1);
              EXPECT_EQ(fences(object).size(), 2u);
              bo_reserve(object, false);
              evf_mgr_detach_fence(evf_mgr(0), object);
              bo_unreserve(object);
              EXPECT_EQ(fences(object), std::vector<dma::Fence*>{fence});
              put(fence);
            }}),
            "nothing");
}

// --- rearm ---

TEST_F(EvictionFenceTest, ReplacingAPendingOneIsReported) {
  auto rearm = [this] {
    drm::Exec exec;
    drm::exec_init(exec, drm::kExecIgnoreDuplicates);
    drm_exec_until_all_locked(exec) {
      ASSERT_EQ(vm_lock_pd(vm(), exec, 1), 0);
      ASSERT_EQ(vm_lock_individual(vm(), exec, 1), 0);
    }
    EvictionFence* next = evf_mgr_alloc_fence();
    ASSERT_NE(next, nullptr);
    kernel::mutex_lock(mgr().userq_mutex);
    evf_mgr_rearm(evf_mgr(), exec, *next);
    kernel::mutex_unlock(mgr().userq_mutex);
    drm::exec_fini(exec);
  };
  EXPECT_EQ(run({[&] {
              evict();
              rearm();
              EXPECT_EQ(seqno(), 2u);
            }}),
            "nothing");
  EXPECT_EQ(run({[&] {
              evict();
              rearm();
              rearm();
            }}),
            "fence-contract eviction-fence-replaced-before-its-signal");
}

// --- rearm that fails ---

TEST_F(EvictionFenceTest, WithoutMemoryThereIsNoNewOneAndTheOldOneStays) {
  EXPECT_EQ(run({[this] {
              evict();
              auto seq = [this] { return kernel::read_once(evf_mgr().ev_fence_seq); };
              EXPECT_EQ(seq(), 1u);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(evf_mgr_alloc_fence(), nullptr);
              EXPECT_EQ(seq(), 1u);
              arm();
              EXPECT_EQ(seq(), 2u);
            }}),
            "nothing");
}

// Reclaiming memory may wait for an eviction, which needs the mutex.
TEST_F(EvictionFenceTest, AllocatingItUnderTheMutexIsReported) {
  EXPECT_EQ(run({[this] {
              kernel::mutex_lock(mgr().userq_mutex);
              kernel::kfree(evf_mgr_alloc_fence());
              kernel::mutex_unlock(mgr().userq_mutex);
            }}),
            "lock-order-inversion userq_mutex -> dma_fence_map");
}

// --- races; the resume runs at every point of the thread, and is preempted at every point ---

TEST_F(EvictionFenceTest, LookingAtItMeetsItsReplacement) {
  EXPECT_EQ(sweep({[this] {
                    dma::Fence* old = present();
                    dma::fence_enable_sw_signaling(*old);
                    put(old);
                    for (unsigned i = 0; i < 3; ++i) {
                      dma::Fence* fence = present();
                      dma::fence_is_signaled(*fence);
                      put(fence);
                    }
                  }},
                  {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

TEST_F(EvictionFenceTest, AnObjectThatComesDuringARearmGetsTheNewFence) {
  uint32_t handle = 0;
  inspect([&] {
    dma::Fence* fence = present();
    EXPECT_EQ(fences(bo(handle)), std::vector<dma::Fence*>{fence});
    put(fence);
  });
  EXPECT_EQ(sweep({[&] {
                    dma::Fence* old = present();
                    dma::fence_enable_sw_signaling(*old);
                    put(old);
                    handle = create_bo();
                  }},
                  {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

TEST_F(EvictionFenceTest, AnObjectGoesDuringARearm) {
  EXPECT_EQ(sweep({[&] {
                    const uint32_t handle = create_bo();
                    dma::Fence* old = present();
                    dma::fence_enable_sw_signaling(*old);
                    put(old);
                    EXPECT_EQ(close_bo(handle), 0);
                  }},
                  {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

}  // namespace
}  // namespace userq
