// Eviction and what follows: what the suspend waits for, what the resume checks, and what happens
// when either of them cannot go on.
#include "core/userq/evict.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/kernel/lockdep.h"
#include "core/userq/device_test_fixture.h"
#include "core/userq/queue_state.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;
constexpr uint64_t kBase = 0x400000;  // of what a test maps
constexpr uint32_t kDoorbell = 7;
constexpr kernel::Holder kAsker{"asker"};

class EvictTest : public DeviceTest {
 protected:
  // Somebody wants to move a buffer of the file, and waits until he may.
  void evict(unsigned on_file = 0) {
    dma::Fence* fence = evf_mgr_get_fence(evf_mgr(on_file), kAsker);
    dma::fence_wait(*fence, false);
    dma::fence_put(fence, kAsker);
  }
  // The same without the waiting.
  void ask_for_eviction() {
    dma::Fence* fence = evf_mgr_get_fence(evf_mgr(), kAsker);
    dma::fence_enable_sw_signaling(*fence);
    dma::fence_put(fence, kAsker);
  }
  bool armed(unsigned on_file = 0) { return evf_mgr_is_armed(evf_mgr(on_file)); }
  uint64_t seq() { return kernel::read_once(evf_mgr().ev_fence_seq); }
  // Memory of the process that the GPU can use.
  uint32_t create_userptr() {
    drm_amdgpu_gem_userptr args{kUserBase, kPage, kGemUserptrRegister, 0};
    EXPECT_EQ(gem_userptr_ioctl(file(), args), 0);
    return args.handle;
  }
  // What the next resumes suffer, on whichever worker they run.
  static void fail_allocations_of_workers(uint32_t n) {
    for (unsigned i = 1; i <= sched::kMaxWorkers; ++i)
      kernel::task(sched::kContexts - i).fail_alloc = n;
  }
  // A queue with an object and addresses of its own: the ring, then the page of its pointers.
  uint32_t create_apart(uint32_t doorbell, uint32_t ring, uint32_t rptr, uint32_t wptr) {
    EXPECT_EQ(va(kVaOpMap, ring, kBase, kPage), 0);
    EXPECT_EQ(va(kVaOpMap, rptr, kBase + kPage, kPage), 0);
    EXPECT_EQ(va(kVaOpMap, wptr, kBase + 2 * kPage, kPage), 0);
    drm_amdgpu_userq_in in = create_args(doorbell);
    in.queue_va = kBase;
    in.queue_size = kPage;
    in.rptr_va = kBase + kPage;
    in.wptr_va = kBase + 2 * kPage;
    uint32_t id = 0;
    EXPECT_EQ(userq(in, &id), 0);
    return id;
  }
};

// --- suspend ---

TEST_F(EvictTest, TakesTheQueuesOfThatFileOnly) {
  EXPECT_EQ(run({[this] {
              create(1);
              create(2);
              create(3, 1);
              evict();
              EXPECT_FALSE(is_mapped(1));
              EXPECT_FALSE(is_mapped(2));
              EXPECT_TRUE(is_mapped(3));
              EXPECT_TRUE(armed(1));
              rest();
              EXPECT_TRUE(is_mapped(1));
              EXPECT_TRUE(is_mapped(2));
              EXPECT_TRUE(armed());
            }}),
            "nothing");
}

TEST_F(EvictTest, WaitsForWhatTheQueuesHaveStarted) {
  uint32_t s = 0;
  bool complete_by_now = false;
  prepare([&] {
    const uint32_t id = create(kDoorbell);
    s = syncobj();
    EXPECT_EQ(signal(id, 4, {s}), 0);
    EXPECT_EQ(signal(create(1), 4, {}), 0);
  });
  EXPECT_EQ(run({[&] {
                   evict();
                   EXPECT_TRUE(complete_by_now);
                   EXPECT_EQ(flagged_status(s), 1);
                   EXPECT_FALSE(is_mapped(kDoorbell));
                 },
                 [&] {
                   rest();
                   EXPECT_TRUE(is_mapped(kDoorbell));
                   complete(kDoorbell, 4);
                   rest();
                   EXPECT_TRUE(is_mapped(kDoorbell));
                   complete_by_now = true;
                   complete(1, 4);
                 }}),
            "nothing");
}

// What a queue that hangs has started is completed by its watchdog, which needs the mutex that the
// suspend worker uses.
TEST_F(EvictTest, OfAQueueThatHangsTakesAsLongAsItsWatchdog) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              gpu_hang_queue(device().gpu, kDoorbell);
              evict();
              EXPECT_EQ(flagged_status(s), -ECANCELED);
              EXPECT_EQ(sched::now(), device().job_timeout[kHwIpGfx]);
            }}),
            "nothing");
}

TEST_F(EvictTest, DoesNotWaitForAQueueThatCannotProgress) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), s = syncobj();
              EXPECT_EQ(signal(id, 4, {s}), 0);
              EXPECT_EQ(stop_sched_for_enforce_isolation(device()), 0);
              EXPECT_EQ(state(id), QueueState::kPreempted);
              evict();
              EXPECT_EQ(state(id), QueueState::kUnmapped);
              EXPECT_EQ(sched::now(), 0u);
              EXPECT_EQ(flagged_status(s), 0);
              EXPECT_EQ(start_sched_for_enforce_isolation(device()), 0);
              rest();
              EXPECT_EQ(state(id), QueueState::kMapped);
              complete(kDoorbell, 4);
              EXPECT_EQ(flagged_status(s), 1);
            }}),
            "nothing");
}

TEST_F(EvictTest, WaitingForAQueueThatCannotProgressIsReported) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(signal(id, 4, {}), 0);
              // Behind the driver's back.
              EXPECT_EQ(gpu_preempt_queue(device().gpu, kDoorbell), 0);
              evict();
            }}),
            "fence-contract eviction-waits-for-stopped-queue");
}

// A queue that lost its id is still on the GPU while somebody uses it.
TEST_F(EvictTest, TakesAQueueThatIsBeingFreed) {
  uint32_t id = 0;
  prepare([&] {
    id = create(kDoorbell);
    EXPECT_EQ(signal(id, 4, {}), 0);
  });
  EXPECT_EQ(run({[&] { EXPECT_EQ(free(id), 0); },
                 [&] {
                   rest();
                   EXPECT_EQ(queue_get(mgr(), id), nullptr);
                   EXPECT_TRUE(is_mapped(kDoorbell));
                   ask_for_eviction();
                   rest();
                   EXPECT_TRUE(armed());  // still waiting
                   complete(kDoorbell, 4);
                   evict();
                   EXPECT_FALSE(is_mapped(kDoorbell));
                 }}),
            "nothing");
}

TEST_F(EvictTest, WhatCannotBeUnmappedIsResetFirst) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              const uint32_t other = create(1);
              gpu_fail_request(device().gpu, 1);
              evict();
              EXPECT_FALSE(is_mapped(kDoorbell));
              EXPECT_FALSE(is_mapped(1));
              rest();
              EXPECT_EQ(state(other), QueueState::kMapped);
              EXPECT_TRUE(armed());
            }}),
            "nothing");
}

TEST_F(EvictTest, SignalingWhileAQueueOfTheFileRunsIsReported) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              create(1, 1);  // another file's may run
              evict();
              rest();
              evict(1);
              // Behind the driver's back.
              EXPECT_EQ(userq_suspend(device(), false), 0);
              gpu_map_queue(device().gpu, kDoorbell, kHwIpGfx, driver(id).cpu_addr);
              evict();
            }}),
            "fence-contract eviction-fence-signaled-too-early");
}

// --- resume ---

TEST_F(EvictTest, OnlyQueuesThatStillHaveAllTheirAddressesComeBack) {
  for (unsigned lost = 0; lost < 3; ++lost) {
    EXPECT_EQ(run({[&] {
                const uint32_t bos[] = {create_bo(), create_bo(), create_bo()};
                const uint32_t id = create_apart(kDoorbell, bos[0], bos[1], bos[2]);
                const uint32_t other = create(1);
                EXPECT_EQ(va(kVaOpUnmap, bos[lost], kBase + lost * kPage, 0), 0);
                EXPECT_FALSE(is_mapped(kDoorbell));
                EXPECT_FALSE(armed());
                rest();
                EXPECT_EQ(state(id), QueueState::kInvalidVa);
                EXPECT_EQ(state(other), QueueState::kMapped);
                EXPECT_FALSE(is_mapped(kDoorbell));
                // It stays so, whatever is mapped there later.
                EXPECT_EQ(va(kVaOpMap, bos[lost], kBase + lost * kPage, kPage), 0);
                evict();
                rest();
                EXPECT_EQ(state(id), QueueState::kInvalidVa);
                EXPECT_EQ(free(id), 0);
              }}),
              "nothing")
        << lost;
  }
}

TEST_F(EvictTest, QueuesLeaveTheGpuBeforeTheirMemoryIsCleared) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(va(kVaOpClear, 0, kGpuBase, kPage), 0);
              EXPECT_FALSE(is_mapped(kDoorbell));
              rest();
              EXPECT_EQ(state(id), QueueState::kInvalidVa);
            }}),
            "nothing");
}

TEST_F(EvictTest, QueuesLeaveTheGpuBeforeTheirMemoryIsReplaced) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(va(kVaOpReplace, create_bo(2 * kPage), kGpuBase, 2 * kPage), 0);
              EXPECT_FALSE(is_mapped(kDoorbell));
              rest();
              EXPECT_EQ(state(id), QueueState::kInvalidVa);
            }}),
            "nothing");
}

TEST_F(EvictTest, QueuesLeaveTheGpuBeforeTheirMemoryIsClosed) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell);
              EXPECT_EQ(close_bo(queue_bo()), 0);
              EXPECT_FALSE(is_mapped(kDoorbell));
              rest();
              EXPECT_EQ(state(id), QueueState::kInvalidVa);
            }}),
            "nothing");
}

TEST_F(EvictTest, UnmappingWhatNoQueueLivesInEvictsNobody) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              const uint32_t handle = create_bo(4 * kPage);
              EXPECT_EQ(va(kVaOpMap, handle, kBase, 4 * kPage), 0);
              EXPECT_EQ(va(kVaOpUnmap, handle, kBase, 0), 0);
              EXPECT_EQ(va(kVaOpMap, handle, kBase, 4 * kPage), 0);
              EXPECT_EQ(va(kVaOpClear, 0, kBase + kPage, kPage), 0);
              EXPECT_EQ(va(kVaOpReplace, queue_bo(), kBase, kPage), 0);
              EXPECT_EQ(close_bo(handle), 0);
              rest();
              EXPECT_TRUE(is_mapped(kDoorbell));
              EXPECT_EQ(seq(), 1u);
            }}),
            "nothing");
}

TEST_F(EvictTest, UnmappingWaitsForWhatTheQueueHasStarted) {
  prepare([this] { EXPECT_EQ(signal(create(kDoorbell), 4, {}), 0); });
  bool done = false;
  EXPECT_EQ(run({[&] {
                   kernel::task().signal_pending = true;  // is not asked
                   EXPECT_EQ(va(kVaOpUnmap, queue_bo(), kGpuBase, 0), 0);
                   EXPECT_TRUE(done);
                 },
                 [&] {
                   rest();
                   done = true;
                   complete(kDoorbell, 4);
                 }}),
            "nothing");
}

TEST_F(EvictTest, WhatWasMovedAwayIsBackWhenTheQueuesAre) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              Bo& moved = bo(queue_bo());
              bo_reserve(moved, false);
              EXPECT_EQ(bo_evict(moved), 0);
              bo_unreserve(moved);
              bo_reserve(*vm().root, false);
              EXPECT_EQ(bo_evict(*vm().root), 0);
              bo_unreserve(*vm().root);
              EXPECT_FALSE(is_mapped(kDoorbell));
              rest();
              EXPECT_TRUE(is_mapped(kDoorbell));
              EXPECT_FALSE(is_evicted(moved));
              EXPECT_FALSE(is_evicted(*vm().root));
            }}),
            "nothing");
}

TEST_F(EvictTest, AQueueThatCannotBeMappedAgainIsHung) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), other = create(1);
              evict();
              gpu_fail_request(device().gpu, 1);
              rest();
              EXPECT_EQ(state(id), QueueState::kHung);
              EXPECT_EQ(state(other), QueueState::kMapped);
              EXPECT_EQ(free(id), 0);
            }}),
            "nothing");
}

// Every allocation of the resume in turn; it is tried again after a while, and no memory is lost.
TEST_F(EvictTest, ResumeWithoutMemoryIsTriedAgain) {
  uint32_t n = 0;
  bool failed = true;
  while (failed) {
    ++n;
    EXPECT_EQ(run({[&] {
                create(kDoorbell);
                Bo& moved = bo(queue_bo());
                bo_reserve(moved, false);
                EXPECT_EQ(bo_evict(moved), 0);
                fail_allocations_of_workers(n);
                bo_unreserve(moved);
                rest();
                failed = !armed();
                EXPECT_EQ(is_mapped(kDoorbell), !failed);
                rest(kernel::kSecond);
                EXPECT_TRUE(armed());
                EXPECT_TRUE(is_mapped(kDoorbell));
                EXPECT_FALSE(is_evicted(moved));
                fail_allocations_of_workers(0);
              }}),
              "nothing");
  }
  EXPECT_GE(n, 4u);
}

// --- ensure_ev_fence ---

TEST_F(EvictTest, EnsureReturnsAtOnceWithAnArmedFence) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(ensure_ev_fence(to_fpriv(file())), 0);
              kernel::lockdep_assert_held(mgr().userq_mutex);
              EXPECT_TRUE(armed());
              kernel::mutex_unlock(mgr().userq_mutex);
              EXPECT_EQ(seq(), 1u);
            }}),
            "nothing");
}

TEST_F(EvictTest, EnsureBringsTheQueuesBackFirst) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              ask_for_eviction();
              EXPECT_TRUE(is_mapped(kDoorbell));
              EXPECT_EQ(ensure_ev_fence(to_fpriv(file())), 0);
              EXPECT_TRUE(is_mapped(kDoorbell));
              EXPECT_EQ(seq(), 2u);
              kernel::mutex_unlock(mgr().userq_mutex);
            }}),
            "nothing");
}

TEST_F(EvictTest, EnsureGivesUpWhenARoundGetsNowhere) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              const uint32_t pages = create_userptr();
              bo_userptr_unmapped(bo(pages));
              rest();
              EXPECT_FALSE(armed());
              EXPECT_FALSE(is_mapped(kDoorbell));
              EXPECT_EQ(ensure_ev_fence(to_fpriv(file())), -ENOMEM);
              EXPECT_EQ(kernel::locks_held(), 0u);
              EXPECT_EQ(seq(), 1u);
              // The process cures it.
              EXPECT_EQ(close_bo(pages), 0);
              EXPECT_EQ(ensure_ev_fence(to_fpriv(file())), 0);
              kernel::mutex_unlock(mgr().userq_mutex);
              EXPECT_TRUE(is_mapped(kDoorbell));
            }}),
            "nothing");
}

TEST_F(EvictTest, NothingIsSignaledOrCreatedWhileTheQueuesCannotComeBack) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), s = syncobj();
              bo_userptr_unmapped(bo(create_userptr()));
              const size_t objects = kernel::slab_live_objects();
              const uint32_t slots = slots_used();
              EXPECT_EQ(signal(id, 4, {s}), -ENOMEM);
              EXPECT_EQ(userq(create_args(1)), -ENOMEM);
              rest();
              EXPECT_EQ(kernel::slab_live_objects(), objects);
              EXPECT_EQ(slots_used(), slots);
              EXPECT_EQ(fence_of(s), nullptr);
            }}),
            "nothing");
}

// What the fence had taken over from the queue is dropped with it.
TEST_F(EvictTest, ASignalThatFailsLosesNothing) {
  EXPECT_EQ(run({[this] {
              const uint32_t id = create(kDoorbell), other = create(1), s = syncobj();
              EXPECT_EQ(signal(other, 4, {s}), 0);
              EXPECT_EQ(wait(id, {s}), 0);
              complete(1, 4);
              bo_userptr_unmapped(bo(create_userptr()));
              EXPECT_EQ(refs(driver(other)), 3);  // queue, fence, the one that waits
              EXPECT_EQ(signal(id, 4, {}), -ENOMEM);
              EXPECT_EQ(refs(driver(other)), 2);
            }}),
            "nothing");
}

// Evicted again in each round, it goes on until the queues are back.
TEST_F(EvictTest, EnsureGoesRoundAsLongAsSomethingHappens) {
  EXPECT_EQ(sweep({[this] {
                     EXPECT_EQ(ensure_ev_fence(to_fpriv(file())), 0);
                     kernel::mutex_unlock(mgr().userq_mutex);
                   },
                   [this] { evict(); }, [this] { evict(); }},
                  {}, {kernel::kT1, kernel::kT2}),
            "nothing");
}

// --- file close ---

TEST_F(EvictTest, CloseTakesTheQueuesOffAndLeavesThemOff) {
  dma::Fence* fence = nullptr;
  EXPECT_EQ(run({[&] {
              drm::File* closing = drm::file_alloc(file().mm);
              ASSERT_EQ(fpriv_open(device(), *closing), 0);
              Fpriv& fpriv = to_fpriv(*closing);
              ASSERT_EQ(ensure_ev_fence(fpriv), 0);
              kernel::mutex_unlock(fpriv.userq_mgr.userq_mutex);
              fence = evf_mgr_get_fence(fpriv.evf_mgr, kAsker);
              schedule_resume(fpriv.userq_mgr);
              drm::file_free(*closing);
              EXPECT_EQ(dma::fence_get_status(*fence), 1);
              dma::fence_put(fence, kAsker);
            }}),
            "nothing");
}

TEST_F(EvictTest, AfterTheShutdownNothingComesBack) {
  EXPECT_EQ(run({[this] {
              create(kDoorbell);
              evf_mgr_shutdown(evf_mgr());
              evict();
              schedule_resume(mgr());
              rest();
              EXPECT_FALSE(armed());
              EXPECT_FALSE(is_mapped(kDoorbell));
              // One that was scheduled before is no exception.
              kernel::queue_delayed_work(system_wq, mgr().resume_work, 0);
              rest();
              EXPECT_FALSE(armed());
            }}),
            "nothing");
}

TEST_F(EvictTest, AWorkThatIsPendingAtTheEndIsReported) {
  auto end = [this](bool queue_again) {
    drm::File* closing = drm::file_alloc(file().mm);
    ASSERT_EQ(fpriv_open(device(), *closing), 0);
    Fpriv& fpriv = to_fpriv(*closing);
    fpriv_get(fpriv, kAsker);
    schedule_resume(fpriv.userq_mgr);
    drm::file_free(*closing);
    if (queue_again)
      kernel::queue_delayed_work(system_wq, fpriv.userq_mgr.resume_work, kernel::kSecond);
    fpriv_put(fpriv, kAsker);
  };
  EXPECT_EQ(run({[&] { end(false); }}), "nothing");
  EXPECT_EQ(run({[&] { end(true); }}), "use-after-destroy work resume_work");
}

}  // namespace
}  // namespace userq
