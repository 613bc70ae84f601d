// The rules of syncobj.h and file.h.
#include "core/drm/syncobj.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/errno.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using dma::Fence;
using drm::File;
using drm::Syncobj;
using kernel::kErestartsys;
using kernel::kSecond;
using kernel::TestRun;

constexpr uint32_t kForSubmit = drm::kSyncobjWaitFlagsWaitForSubmit;
constexpr kernel::Holder kTest{"test"};
constexpr uint64_t kUserBase = 0x10000;

// Two open files of two processes; the tests run on the first.
class SyncobjTest : public testing::Test {
 protected:
  SyncobjTest() {
    for (unsigned i = 0; i < 2; ++i) mm_[i] = {kUserBase, sizeof memory_[i], memory_[i]};
    run_.set_up = [this] {
      ASSERT_EQ(dma::stub_init(), 0);
      for (unsigned i = 0; i < 2; ++i) files_[i] = drm::file_alloc(&mm_[i]);
    };
    run_.tear_down = {[this] {
                        for (File* file : files_) drm::file_free(*file);
                      },
                      dma::stub_fini};
  }

  std::string run(std::vector<TestRun::Body> threads) {
    run_.threads = std::move(threads);
    return run_();
  }
  std::string sweep(std::vector<TestRun::Body> threads, const std::function<void()>& check) {
    run_.threads = std::move(threads);
    return run_.sweep({kernel::kT1, kernel::kT0}, check);
  }

  File& file(unsigned i = 0) { return *files_[i]; }

  int create(uint32_t flags, uint32_t* handle) {
    drm::drm_syncobj_create args{0, flags};
    const int error = drm::syncobj_create_ioctl(file(), args);
    *handle = args.handle;
    kernel::check_context_at_return("create");
    return error;
  }
  uint32_t create() {
    uint32_t handle;
    EXPECT_EQ(create(0, &handle), 0);
    return handle;
  }
  int destroy(uint32_t handle, unsigned on_file = 0) {
    drm::drm_syncobj_destroy args{handle, 0};
    return drm::syncobj_destroy_ioctl(file(on_file), args);
  }
  using ArrayIoctl = int (*)(File&, drm::drm_syncobj_array&);
  int array(ArrayIoctl ioctl, const std::vector<uint32_t>& handles, unsigned on_file = 0) {
    std::memcpy(memory_[on_file], handles.data(), handles.size() * sizeof(uint32_t));
    kernel::task().mm = &mm_[on_file];
    drm::drm_syncobj_array args{kUserBase, static_cast<uint32_t>(handles.size()), 0};
    const int error = ioctl(file(on_file), args);
    kernel::check_context_at_return("array ioctl");
    return error;
  }
  int signal(const std::vector<uint32_t>& handles) {
    return array(drm::syncobj_signal_ioctl, handles);
  }
  int reset(const std::vector<uint32_t>& handles) {
    return array(drm::syncobj_reset_ioctl, handles);
  }
  // What find_fence says; drops the fence again.
  int find(uint32_t handle, uint32_t flags, unsigned on_file = 0) {
    Fence* fence = nullptr;
    const int error = drm::syncobj_find_fence(file(on_file), handle, flags, &fence, kTest);
    EXPECT_EQ(error == 0, fence != nullptr);
    dma::fence_put(fence, kTest);
    kernel::check_context_at_return("find_fence");
    return error;
  }
  // What a driver does with a new fence, which is then held by the syncobj alone.
  void submit(uint32_t handle) {
    Syncobj* syncobj = drm::syncobj_find(file(), handle, kTest);
    Fence& fence = dma::mock_fence();
    drm::syncobj_replace_fence(*syncobj, &fence);
    dma::put_mock(fence);
    drm::syncobj_put(*syncobj, kTest);
  }

  TestRun run_;
  kernel::UserMemory mm_[2];

 private:
  uint8_t memory_[2][64] = {};
  File* files_[2] = {};
};

// --- create and destroy ---

TEST_F(SyncobjTest, HandlesCountFromOneAndAreReused) {
  EXPECT_EQ(run({[this] {
              EXPECT_EQ(create(), 1u);
              EXPECT_EQ(create(), 2u);
              EXPECT_EQ(destroy(1), 0);
              EXPECT_EQ(create(), 1u);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, CreateWithUnknownFlagsIsRefused) {
  EXPECT_EQ(run({[this] {
              uint32_t handle;
              EXPECT_EQ(create(2, &handle), -EINVAL);
              EXPECT_EQ(create(drm::kSyncobjCreateSignaled | 4, &handle), -EINVAL);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, CreatedSignaledHasASignaledFence) {
  EXPECT_EQ(run({[this] {
              uint32_t handle;
              ASSERT_EQ(create(drm::kSyncobjCreateSignaled, &handle), 0);
              Fence* fence;
              ASSERT_EQ(drm::syncobj_find_fence(file(), handle, 0, &fence, kTest), 0);
              EXPECT_TRUE(dma::fence_is_signaled(*fence));
              dma::fence_put(fence, kTest);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, CreateThatRunsOutOfMemoryLeavesNothing) {
  EXPECT_EQ(run({[this] {
              // The object, and a node of the handle table.
              for (uint32_t flags : {0u, drm::kSyncobjCreateSignaled}) {
                for (uint32_t n = 1; n <= 2; ++n) {
                  const size_t before = kernel::slab_live_objects();
                  uint32_t handle;
                  kernel::task().fail_alloc = n;
                  EXPECT_EQ(create(flags, &handle), -ENOMEM) << n;
                  EXPECT_EQ(kernel::task().fail_alloc, 0u);
                  EXPECT_EQ(kernel::slab_live_objects(), before);
                }
              }
              EXPECT_EQ(create(), 1u);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, DestroyOfAHandleThatIsNotThereIsRefused) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              EXPECT_EQ(destroy(0), -EINVAL);
              EXPECT_EQ(destroy(handle + 1), -EINVAL);
              EXPECT_EQ(destroy(handle), 0);
              EXPECT_EQ(destroy(handle), -EINVAL);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, DestroyWithPaddingSetIsRefused) {
  EXPECT_EQ(run({[this] {
              drm::drm_syncobj_destroy args{create(), 1};
              EXPECT_EQ(drm::syncobj_destroy_ioctl(file(), args), -EINVAL);
              EXPECT_EQ(destroy(args.handle), 0);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, HandlesOfAnotherFileAreUnknown) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              EXPECT_EQ(destroy(handle, 1), -EINVAL);
              EXPECT_EQ(find(handle, kForSubmit, 1), -ENOENT);
              EXPECT_EQ(array(drm::syncobj_signal_ioctl, {handle}, 1), -ENOENT);
              EXPECT_EQ(find(handle, 0), -EINVAL);  // nothing happened to it
            }}),
            "nothing");
}

TEST_F(SyncobjTest, DestroyDropsTheFence) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              Fence& fence = dma::mock_fence();
              Syncobj* syncobj = drm::syncobj_find(file(), handle, kTest);
              drm::syncobj_replace_fence(*syncobj, &fence);
              drm::syncobj_put(*syncobj, kTest);
              EXPECT_EQ(kernel::kref_read(fence.refcount), 2);
              EXPECT_EQ(destroy(handle), 0);
              EXPECT_EQ(kernel::kref_read(fence.refcount), 1);
              dma::put_mock(fence);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, FileCloseDropsHandlesAndFences) {
  EXPECT_EQ(run({[this] {
              for (int i = 0; i < 70; ++i) submit(create());
            }}),
            "nothing");
}

// --- reset and signal ---

TEST_F(SyncobjTest, SignalAndResetActOnEveryHandle) {
  EXPECT_EQ(run({[this] {
              const uint32_t a = create(), b = create();
              submit(a);
              EXPECT_EQ(signal({a, b, a}), 0);
              for (uint32_t handle : {a, b}) {
                Fence* fence;
                ASSERT_EQ(drm::syncobj_find_fence(file(), handle, 0, &fence, kTest), 0);
                EXPECT_TRUE(dma::fence_is_signaled(*fence));
                dma::fence_put(fence, kTest);
              }
              EXPECT_EQ(reset({a, b, a}), 0);
              EXPECT_EQ(find(a, 0), -EINVAL);
              EXPECT_EQ(find(b, 0), -EINVAL);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, OneUnknownHandleAndNothingHappensToTheOthers) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              EXPECT_EQ(signal({handle, 77}), -ENOENT);
              EXPECT_EQ(find(handle, 0), -EINVAL);
              submit(handle);
              EXPECT_EQ(reset({handle, 77}), -ENOENT);
              EXPECT_EQ(find(handle, 0), 0);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, ArrayIoctlsRefuseBadArguments) {
  EXPECT_EQ(run({[this] {
              kernel::task().mm = &mm_[0];
              const uint32_t handle = create();
              for (ArrayIoctl ioctl : {drm::syncobj_signal_ioctl, drm::syncobj_reset_ioctl}) {
                drm::drm_syncobj_array none{kUserBase, 0, 0}, padded{kUserBase, 1, 1},
                    unmapped{kUserBase - 8, 1, 0};
                EXPECT_EQ(ioctl(file(), none), -EINVAL);
                EXPECT_EQ(ioctl(file(), padded), -EINVAL);
                EXPECT_EQ(ioctl(file(), unmapped), -EFAULT);
                for (uint32_t n = 1; n <= 2; ++n) {
                  kernel::task().fail_alloc = n;
                  EXPECT_EQ(array(ioctl, {handle}), -ENOMEM);
                }
              }
            }}),
            "nothing");
}

// --- find_fence ---

TEST_F(SyncobjTest, FindFenceRefusesUnknownFlagsAndHandles) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              submit(handle);
              EXPECT_EQ(find(handle, 1), -EINVAL);
              EXPECT_EQ(find(handle, kForSubmit | 4), -EINVAL);
              EXPECT_EQ(find(handle + 1, 0), -ENOENT);
              EXPECT_EQ(destroy(handle), 0);
              EXPECT_EQ(find(handle, kForSubmit), -ENOENT);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, FindFenceWithoutWaitingNeedsAFence) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              EXPECT_EQ(find(handle, 0), -EINVAL);
              submit(handle);
              EXPECT_EQ(find(handle, 0), 0);
              EXPECT_EQ(find(handle, kForSubmit), 0);
              EXPECT_EQ(sched::now(), 0u);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, FindFenceGivesUpAfterFiveSeconds) {
  EXPECT_EQ(run({[this] {
              const uint32_t handle = create();
              EXPECT_EQ(find(handle, kForSubmit), -ETIME);
              EXPECT_EQ(sched::now(), 5 * kSecond);
              submit(handle);  // finds no waiter left
            }}),
            "nothing");
}

TEST_F(SyncobjTest, FindFenceIsInterruptible) {
  EXPECT_EQ(run({[this] {
              kernel::task().signal_pending = true;
              const uint32_t handle = create();
              EXPECT_EQ(find(handle, kForSubmit), -kErestartsys);
              EXPECT_EQ(sched::now(), 0u);
              submit(handle);  // a fence that is there needs no sleep
              EXPECT_EQ(find(handle, kForSubmit), 0);
            }}),
            "nothing");
}

TEST_F(SyncobjTest, FindFenceWithASpinlockHeldIsReported) {
  EXPECT_EQ(run({[this] {
              kernel::SpinLock lock;
              kernel::spin_lock_init(lock, "lock");
              const uint32_t handle = create();
              kernel::spin_lock(lock);
              find(handle, kForSubmit);
            }}),
            "sleep-in-atomic syncobj submission");
}

TEST_F(SyncobjTest, SubmissionWakesEveryWaiter) {
  int results[3] = {1, 1, 1};
  std::vector<TestRun::Body> threads;
  for (int& result : results) {
    threads.push_back([this, &result] {
      if (sched::current()->id == 0) create();
      result = find(1, kForSubmit);
      EXPECT_EQ(sched::now(), kSecond);
    });
  }
  threads.push_back([this] {
    kernel::set_current_state();
    kernel::schedule_timeout("rest", kSecond);
    submit(1);
    EXPECT_EQ(sched::now(), kSecond);
  });
  EXPECT_EQ(run(threads), "nothing");
  for (int result : results) EXPECT_EQ(result, 0);
}

TEST_F(SyncobjTest, AResetDoesNotWakeAWaiter) {
  int result = 1;
  EXPECT_EQ(run({[&] { result = find(create(), kForSubmit); },
                 [this] {
                   reset({1});
                   kernel::set_current_state();
                   kernel::schedule_timeout("rest", kSecond);
                   signal({1});
                 }}),
            "nothing");
  EXPECT_EQ(result, 0);
}

TEST_F(SyncobjTest, DestroyWhileWaitedForKeepsTheObjectForTheWaiter) {
  int result = 1;
  EXPECT_EQ(
      run({[&] { result = find(create(), kForSubmit); }, [this] { EXPECT_EQ(destroy(1), 0); }}),
      "nothing");
  EXPECT_EQ(result, -ETIME);
  EXPECT_EQ(sched::now(), 5 * kSecond);
}

// A syncobj and its waiter, set up before the threads of a sweep.
class SyncobjRaceTest : public SyncobjTest {
 protected:
  SyncobjRaceTest() {
    run_.set_up = [this, open = run_.set_up] {
      open();
      handle_ = create();
    };
  }

  // One run of find_fence on t0. The ledger sees to it that no reference is lost.
  TestRun::Body waiter() {
    return [this] { result_ = find(handle_, kForSubmit); };
  }

  uint32_t handle_ = 0;
  int result_ = 1;
};

TEST_F(SyncobjRaceTest, ASubmissionIsFoundHoweverItMeetsTheWaiter) {
  EXPECT_EQ(sweep({waiter(), [this] { submit(handle_); }}, [this] { ASSERT_EQ(result_, 0); }),
            "nothing");
}

// At 5 s the waiter wakes up, and so does the submitter.
TEST_F(SyncobjRaceTest, ASubmissionAtTheTimeoutLosesNoReference) {
  static sched::Timer timer;
  int found = 0, timed_out = 0;
  EXPECT_EQ(sweep({[this] {
                     timer = {};
                     timer.fire = [](sched::Timer*) {
                       for (unsigned id : {0u, 1u}) sched::wake(sched::context(id));
                     };
                     sched::timer_start(timer, drm::kSyncobjWaitForSubmitTimeout);
                     waiter()();
                   },
                   [this] {
                     kernel::set_current_state();
                     kernel::schedule_timeout("five seconds", 6 * kSecond);
                     submit(handle_);
                   }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -ETIME) << result_;
                    ++(result_ == 0 ? found : timed_out);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(timed_out, 0);
}

TEST_F(SyncobjRaceTest, ASubmissionDuringAnInterruptionLosesNoReference) {
  int found = 0, interrupted = 0;
  EXPECT_EQ(sweep({waiter(),
                   [this] {
                     kernel::task(0).signal_pending = true;
                     sched::wake(sched::context(0));
                     submit(handle_);
                   }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -kErestartsys) << result_;
                    ++(result_ == 0 ? found : interrupted);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(interrupted, 0);
}

TEST_F(SyncobjRaceTest, FindAgainstDestroyGivesTheFenceOrNoSuchHandle) {
  int found = 0, gone = 0;
  run_.set_up = [this, before = run_.set_up] {
    before();
    submit(handle_);
  };
  EXPECT_EQ(sweep({waiter(), [this] { EXPECT_EQ(destroy(handle_), 0); }},
                  [&] {
                    ASSERT_TRUE(result_ == 0 || result_ == -ENOENT) << result_;
                    ++(result_ == 0 ? found : gone);
                  }),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_GT(gone, 0);
}

TEST_F(SyncobjRaceTest, FindAgainstReplaceGivesAFence) {
  run_.set_up = [this, before = run_.set_up] {
    before();
    submit(handle_);
  };
  EXPECT_EQ(sweep({waiter(), [this] { submit(handle_); }}, [this] { ASSERT_EQ(result_, 0); }),
            "nothing");
}

}  // namespace
