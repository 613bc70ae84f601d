// Eviction meets everything else: at every scheduling point of the one side the other runs, and
// comes back at every point of that. After each run the driver's books must be right.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/userq/device_test_fixture.h"
#include "core/userq/invariants.h"
#include "core/userq/queue_state.h"
#include "core/userq/reset.h"
#include "core/userq/suspend.h"

namespace userq {
namespace {

constexpr uint64_t kPage = kGpuPageSize;
constexpr uint32_t kDoorbell = 7;
constexpr kernel::Holder kAsker{"asker"};

class EvictRaceTest : public DeviceTest {
 protected:
  EvictRaceTest() {
    inspect([this] {
      check_invariants(device());
      if (look_) look_();
    });
  }
  // What else is looked at after each run.
  void look(Body body) { look_ = std::move(body); }

  void evict(unsigned on_file = 0) {
    dma::Fence* fence = evf_mgr_get_fence(evf_mgr(on_file), kAsker);
    dma::fence_wait(*fence, false);
    dma::fence_put(fence, kAsker);
  }
  void ask_for_eviction() {
    dma::Fence* fence = evf_mgr_get_fence(evf_mgr(), kAsker);
    dma::fence_enable_sw_signaling(*fence);
    dma::fence_put(fence, kAsker);
  }
  // A fence of work that the GPU has done.
  void signal_and_complete() {
    EXPECT_EQ(signal(id_, 4, {}), 0);
    complete(kDoorbell, 4);
  }
  // The thread, whose eviction goes on in the background, and the worker.
  std::string sweep_with_worker(Body thread) {
    return sweep({std::move(thread)}, {}, {sched::Target::kWorker, kernel::kT0});
  }

  uint32_t id_ = 0;

 private:
  Body look_;
};

TEST_F(EvictRaceTest, Signal) {
  prepare([this] { id_ = create(kDoorbell); });
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep({[this] { signal_and_complete(); }, [this] { evict(); }}, {}, {kernel::kT1}),
            "nothing");
  EXPECT_EQ(sweep({[this] { evict(); }, [this] { signal_and_complete(); }}, {}, {kernel::kT1}),
            "nothing");
}

TEST_F(EvictRaceTest, SignalInTheBackground) {
  prepare([this] { id_ = create(kDoorbell); });
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              signal_and_complete();
            }),
            "nothing");
}

// The window between the mapping of a new queue and its id: the suspend worker must see it.
TEST_F(EvictRaceTest, Create) {
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep({[this] { id_ = create(kDoorbell); }, [this] { evict(); }}, {}, {kernel::kT1}),
            "nothing");
  EXPECT_EQ(sweep({[this] { evict(); }, [this] { id_ = create(kDoorbell); }}, {}, {kernel::kT1}),
            "nothing");
}

TEST_F(EvictRaceTest, CreateInTheBackground) {
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              id_ = create(kDoorbell);
            }),
            "nothing");
}

TEST_F(EvictRaceTest, Free) {
  prepare([this] {
    id_ = create(kDoorbell);
    signal_and_complete();
  });
  EXPECT_EQ(sweep({[this] { EXPECT_EQ(free(id_), 0); }, [this] { evict(); }}, {}, {kernel::kT1}),
            "nothing");
  EXPECT_EQ(sweep({[this] { evict(); }, [this] { EXPECT_EQ(free(id_), 0); }}, {}, {kernel::kT1}),
            "nothing");
}

TEST_F(EvictRaceTest, FreeInTheBackground) {
  prepare([this] { id_ = create(kDoorbell); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              EXPECT_EQ(free(id_), 0);
            }),
            "nothing");
}

// The siblings of a queue that goes away come back all the same.
TEST_F(EvictRaceTest, FreeOfASibling) {
  uint32_t other = 0;
  prepare([&] {
    id_ = create(kDoorbell);
    other = create(1);
  });
  look([&] { EXPECT_EQ(state(other), QueueState::kMapped); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              EXPECT_EQ(free(id_), 0);
            }),
            "nothing");
}

TEST_F(EvictRaceTest, UnmapOfWhatTheQueueLivesIn) {
  prepare([this] { id_ = create(kDoorbell); });
  look([this] { EXPECT_EQ(state(id_), QueueState::kInvalidVa); });
  const Body unmap = [this] { EXPECT_EQ(va(kVaOpUnmap, queue_bo(), kGpuBase, 0), 0); };
  EXPECT_EQ(sweep({unmap, [this] { evict(); }}, {}, {kernel::kT1}), "nothing");
  EXPECT_EQ(sweep({[this] { evict(); }, unmap}, {}, {kernel::kT1}), "nothing");
}

// A signal either sees the address and gets a fence that completes, or does not see it.
TEST_F(EvictRaceTest, UnmapMeetsSignal) {
  prepare([this] {
    id_ = create(kDoorbell);
    gpu_write(kDoorbell, 4);
  });
  const Body unmap = [this] { EXPECT_EQ(va(kVaOpUnmap, queue_bo(), kGpuBase, 0), 0); };
  const Body signal_it = [this] {
    const int error = signal(signal_args(id_, {}));
    EXPECT_TRUE(error == 0 || error == -EINVAL || error == -ECANCELED) << error;
  };
  EXPECT_EQ(sweep({signal_it, unmap}, {}, {kernel::kT1}), "nothing");
  EXPECT_EQ(sweep({unmap, signal_it}, {}, {kernel::kT1}), "nothing");
}

// A queue never runs where nothing is mapped: it is refused, or found when it is to be mapped.
TEST_F(EvictRaceTest, UnmapMeetsCreate) {
  prepare([this] { id_ = 0; });
  look([this] {
    EXPECT_FALSE(is_mapped(kDoorbell));
    if (id_ != 0) {
      EXPECT_NE(state(id_), QueueState::kMapped);
    }
  });
  const Body unmap = [this] { EXPECT_EQ(va(kVaOpUnmap, queue_bo(), kGpuBase, 0), 0); };
  const Body create_it = [this] { userq(create_args(kDoorbell), &id_); };
  EXPECT_EQ(sweep({create_it, unmap}, {}, {kernel::kT1}), "nothing");
  EXPECT_EQ(sweep({unmap, create_it}, {}, {kernel::kT1}), "nothing");
}

TEST_F(EvictRaceTest, CloseOfTheFile) {
  drm::File* closing = nullptr;
  prepare([&] {
    closing = drm::file_alloc(file().mm);
    ASSERT_EQ(fpriv_open(device(), *closing), 0);
  });
  EXPECT_EQ(sweep({[&] {
                    Fpriv& fpriv = to_fpriv(*closing);
                    ASSERT_EQ(ensure_ev_fence(fpriv), 0);
                    kernel::mutex_unlock(fpriv.userq_mgr.userq_mutex);
                    dma::Fence* fence = evf_mgr_get_fence(fpriv.evf_mgr, kAsker);
                    dma::fence_enable_sw_signaling(*fence);
                    drm::file_free(*closing);
                    EXPECT_TRUE(dma::fence_test_signaled_flag(*fence));
                    dma::fence_put(fence, kAsker);
                  }},
                  {}, {sched::Target::kWorker, kernel::kT0}),
            "nothing");
}

// Somebody else waits for the fence of a file that is being closed.
TEST_F(EvictRaceTest, CloseOfTheFileMeetsEvictionOfASharedObject) {
  drm::File* closing = nullptr;
  prepare([&] {
    closing = drm::file_alloc(file().mm);
    ASSERT_EQ(fpriv_open(device(), *closing), 0);
    uint32_t handle;
    ASSERT_EQ(drm::gem_handle_create(*closing, bo(queue_bo()).gem, &handle), 0);
    schedule_resume(to_fpriv(*closing).userq_mgr);
  });
  const Body evict_it = [this] {
    Bo& shared = bo(queue_bo());
    bo_reserve(shared, false);
    EXPECT_EQ(bo_evict(shared), 0);
    bo_unreserve(shared);
  };
  EXPECT_EQ(sweep({[&] { drm::file_free(*closing); }, evict_it}, {}, {kernel::kT1}), "nothing");
  EXPECT_EQ(sweep({evict_it, [&] { drm::file_free(*closing); }}, {}, {kernel::kT1}), "nothing");
}

// Two files move the same object and need each other's locks.
TEST_F(EvictRaceTest, TwoEvictionsOfASharedObject) {
  prepare([this] {
    create(1);
    create(2, 1);
    uint32_t handle;
    EXPECT_EQ(drm::gem_handle_create(file(1), bo(queue_bo()).gem, &handle), 0);
  });
  look([this] {
    EXPECT_TRUE(is_mapped(1));
    EXPECT_TRUE(is_mapped(2));
    EXPECT_FALSE(is_evicted(bo(queue_bo())));
  });
  const Body evict_it = [this] {
    Bo& shared = bo(queue_bo());
    bo_reserve(shared, false);
    EXPECT_EQ(bo_evict(shared), 0);
    bo_unreserve(shared);
  };
  EXPECT_EQ(sweep({evict_it, evict_it}, {}, {kernel::kT1}), "nothing");
}

// The process unmaps its pages while the queues come back: once it has, none runs with them.
TEST_F(EvictRaceTest, UserptrGoes) {
  uint32_t pages = 0;
  prepare([&] {
    create(kDoorbell);
    drm_amdgpu_gem_userptr args{kUserBase, kPage, kGemUserptrRegister, 0};
    EXPECT_EQ(gem_userptr_ioctl(file(), args), 0);
    pages = args.handle;
  });
  look([this] { EXPECT_FALSE(is_mapped(kDoorbell)); });
  EXPECT_EQ(sweep_with_worker([&] {
              ask_for_eviction();
              bo_userptr_unmapped(bo(pages));
            }),
            "nothing");
}

TEST_F(EvictRaceTest, Reset) {
  prepare([this] {
    id_ = create(kDoorbell);
    signal_and_complete();
  });
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  const Body reset = [this] { gpu_recover(device(), false); };
  EXPECT_EQ(sweep({reset, [this] { evict(); }}, {}, {kernel::kT1}), "nothing");
  EXPECT_EQ(sweep({[this] { evict(); }, reset}, {}, {kernel::kT1}), "nothing");
}

TEST_F(EvictRaceTest, ResetInTheBackground) {
  prepare([this] { id_ = create(kDoorbell); });
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              gpu_recover(device(), false);
            }),
            "nothing");
}

TEST_F(EvictRaceTest, SystemSuspend) {
  prepare([this] { id_ = create(kDoorbell); });
  look([this] { EXPECT_EQ(state(id_), QueueState::kMapped); });
  EXPECT_EQ(sweep_with_worker([this] {
              ask_for_eviction();
              EXPECT_EQ(userq_suspend(device(), true), 0);
              EXPECT_FALSE(is_mapped(kDoorbell));
              EXPECT_EQ(userq_resume(device()), 0);
            }),
            "nothing");
}

}  // namespace
}  // namespace userq
