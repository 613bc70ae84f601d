// The door: descriptors, addresses and faults. What the driver does behind it is tested in its own
// folders.
#include "core/sut.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <vector>

#include "core/drm/uapi_syncobj.h"
#include "core/kernel/errno.h"
#include "core/sched/decider.h"
#include "core/sched/sched.h"
#include "core/userq/uapi_gem.h"
#include "core/userq/uapi_userq.h"

namespace {

constexpr uint64_t kGpuBase = 0x100000;
constexpr uint64_t kRingSize = 0x1000;
constexpr uint64_t wptr_va(uint32_t doorbell) { return kGpuBase + kRingSize + doorbell * 16; }

constexpr uint32_t kDoorbellsPerPage = 16;

using Body = std::function<void()>;

uint32_t doorbells[SUT_MAX_FILES];  // handles of the doorbell buffers

// A device with both files open. A finding of a checker ends the process.
class SutTest : public testing::Test {
 protected:
  // Returns how many scheduling points the threads had.
  uint64_t run(std::vector<Body> threads, const std::vector<sched::Preemption>& list = {}) {
    sched::ReplayDecider replay(list.data(), list.size());
    const sut_config config{2, 8, &replay};
    sut_begin(&config, nullptr);
    phase([] {
      ASSERT_EQ(sut_device_open(), 0);
      for (uint32_t file = 0; file < SUT_MAX_FILES; ++file) {
        ASSERT_EQ(sut_file_open(file), 0);
        ASSERT_EQ(create_bo(file, userq::kGemDomainDoorbell, kRingSize, &doorbells[file]), 0);
        ASSERT_EQ(map(file, kGpuBase, 2 * kRingSize), 0);
        // The first queue arms the eviction fence; from then on creating one needs no sleep.
        uint32_t id;
        ASSERT_EQ(create_queue(file, 0, &id), 0);
        ASSERT_EQ(free_queue(file, id), 0);
      }
    });
    for (unsigned i = 0; i < threads.size(); ++i) sched::spawn(i, {call, &threads[i], i + 1});
    const uint64_t before = sched::trace().points;
    sched::set_preemptible(true);
    sched::run_all();
    sched::set_preemptible(false);
    const uint64_t points = sched::trace().points - before;
    phase(sut_device_close);
    phase(sut_device_fini);
    sut_end();
    return points;
  }

  static int create_bo(uint32_t file, uint64_t domains, uint64_t size, uint32_t* handle) {
    userq::drm_amdgpu_gem_create args{};
    args.in.bo_size = size;
    args.in.domains = domains;
    const int error = sut_ioctl(file, SUT_IOCTL_GEM_CREATE, &args);
    if (error == 0) *handle = args.out.handle;
    return error;
  }
  static int map(uint32_t file, uint64_t va, uint64_t size, uint32_t* handle = nullptr) {
    uint32_t created = 0;
    const int error = create_bo(file, userq::kGemDomainGtt, size, &created);
    if (error != 0) return error;
    if (handle != nullptr) *handle = created;
    userq::drm_amdgpu_gem_va args{};
    args.handle = created;
    args.operation = userq::kVaOpMap;
    args.flags = userq::kVmPageReadable | userq::kVmPageWriteable;
    args.va_address = va;
    args.map_size = size;
    return sut_ioctl(file, SUT_IOCTL_GEM_VA, &args);
  }
  static int create_queue(uint32_t file, uint32_t doorbell, uint32_t* id) {
    userq::drm_amdgpu_userq args{};
    args.in.op = userq::kUserqOpCreate;
    args.in.doorbell_handle = doorbells[file];
    args.in.doorbell_offset = doorbell;
    args.in.queue_va = kGpuBase;
    args.in.queue_size = kRingSize;
    args.in.wptr_va = wptr_va(doorbell);
    args.in.rptr_va = wptr_va(doorbell) + 8;
    const int error = sut_ioctl(file, SUT_IOCTL_USERQ, &args);
    if (error == 0) *id = args.out.queue_id;
    return error;
  }
  static int free_queue(uint32_t file, uint32_t id) {
    userq::drm_amdgpu_userq args{};
    args.in.op = userq::kUserqOpFree;
    args.in.queue_id = id;
    return sut_ioctl(file, SUT_IOCTL_USERQ, &args);
  }
  static int create_syncobj(uint32_t file, uint32_t* handle) {
    drm::drm_syncobj_create args{};
    const int error = sut_ioctl(file, SUT_IOCTL_SYNCOBJ_CREATE, &args);
    *handle = args.handle;
    return error;
  }
  static int destroy_syncobj(uint32_t file, uint32_t handle) {
    drm::drm_syncobj_destroy args{handle, 0};
    return sut_ioctl(file, SUT_IOCTL_SYNCOBJ_DESTROY, &args);
  }
  static int syncobj_array(uint32_t file, uint32_t number, uint32_t handle) {
    EXPECT_EQ(sut_user_write(file, SUT_USER_BASE, &handle, sizeof handle), 0);
    drm::drm_syncobj_array args{SUT_USER_BASE, 1, 0};
    return sut_ioctl(file, number, &args);
  }
  static int signal(uint32_t file, uint32_t queue, uint32_t syncobj) {
    EXPECT_EQ(sut_user_write(file, SUT_USER_BASE, &syncobj, sizeof syncobj), 0);
    userq::drm_amdgpu_userq_signal args{};
    args.queue_id = queue;
    args.syncobj_handles = SUT_USER_BASE;
    args.num_syncobj_handles = 1;
    return sut_ioctl(file, SUT_IOCTL_USERQ_SIGNAL, &args);
  }
  // The number of infos, or an error.
  static int wait(uint32_t file, uint32_t queue, uint32_t syncobj,
                  userq::drm_amdgpu_userq_fence_info* info) {
    constexpr uint64_t kOut = SUT_USER_BASE + 0x100;
    EXPECT_EQ(sut_user_write(file, SUT_USER_BASE, &syncobj, sizeof syncobj), 0);
    userq::drm_amdgpu_userq_wait args{};
    args.waitq_id = queue;
    args.syncobj_handles = SUT_USER_BASE;
    args.num_syncobj_handles = 1;
    args.num_fences = 1;
    args.out_fences = kOut;
    const int error = sut_ioctl(file, SUT_IOCTL_USERQ_WAIT, &args);
    EXPECT_EQ(sut_user_read(file, kOut, info, sizeof *info), 0);
    return error != 0 ? error : args.num_fences;
  }
  static void eop(uint32_t doorbell) {
    const auto handler = [](void* arg) {
      sut_irq_eop(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(arg)));
    };
    sched::raise_irq(0, {handler, reinterpret_cast<void*>(uintptr_t{doorbell}), 0});
    sched::point(sched::Point::kStep);
  }

 private:
  static void call(void* body) { (*static_cast<Body*>(body))(); }
  static void phase(Body body) {
    sched::spawn(sched::kMainThread, {call, &body, 0});
    sched::run_all();
  }
};

TEST_F(SutTest, QueuesAndSyncobjsWorkThroughTheDoor) {
  run({[] {
    uint32_t a, b, s;
    ASSERT_EQ(create_queue(0, 0, &a), 0);
    ASSERT_EQ(create_queue(0, 1, &b), 0);
    ASSERT_EQ(create_syncobj(0, &s), 0);
    ASSERT_EQ(sut_va_store64(0, wptr_va(0), 42), 0);
    ASSERT_EQ(signal(0, a, s), 0);
    userq::drm_amdgpu_userq_fence_info info;
    ASSERT_EQ(wait(0, b, s, &info), 1);
    EXPECT_EQ(info.value, 42u);
    EXPECT_NE(info.va, 0u);
    sut_gpu_write_rptr(0, 42);
    eop(0);
    EXPECT_EQ(free_queue(0, a), 0);
    EXPECT_EQ(sched::now(), 0u);  // nobody had to wait for the watchdog
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_RESET, s), 0);
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_SIGNAL, s), 0);
    EXPECT_EQ(destroy_syncobj(0, s), 0);
  }});
}

TEST_F(SutTest, ClosedFileIsABadDescriptor) {
  run({[] {
    uint32_t id, handle;
    EXPECT_EQ(create_queue(0, 0, &id), 0);
    EXPECT_EQ(create_syncobj(0, &handle), 0);
    EXPECT_EQ(sut_file_close(0), 0);
    EXPECT_EQ(sut_file_close(0), -EBADF);
    EXPECT_EQ(create_syncobj(0, &handle), -EBADF);
    EXPECT_EQ(sut_ioctl(0, 0xff, nullptr), -EBADF);
    EXPECT_EQ(map(0, 0x800000, 0x1000), -EBADF);
    EXPECT_EQ(sut_userptr_gone(0, 1), -EBADF);
    EXPECT_EQ(sut_bo_move(0, 1, 0), -EBADF);
    EXPECT_EQ(sut_doorbell(0, 1, 0), -EBADF);
    EXPECT_EQ(sut_eventfd(0), -EBADF);
    EXPECT_EQ(sut_fd_close(0, 0), -EBADF);
    EXPECT_EQ(sut_process_kill(0), -EBADF);
    EXPECT_EQ(sut_va_store64(0, wptr_va(0), 1), -EBADF);
    EXPECT_EQ(create_syncobj(1, &handle), 0);
  }});
}

TEST_F(SutTest, DescriptorThatNeverWasIsABadOne) {
  run({[] {
    uint32_t handle;
    EXPECT_EQ(create_syncobj(SUT_MAX_FILES, &handle), -EBADF);
    EXPECT_EQ(sut_file_close(SUT_MAX_FILES), -EBADF);
    EXPECT_EQ(sut_va_store64(SUT_MAX_FILES, wptr_va(0), 1), -EBADF);
  }});
}

TEST_F(SutTest, FileOpensAgainAfterItsClose) {
  run({[] {
    uint32_t handle;
    EXPECT_EQ(create_syncobj(0, &handle), 0);
    EXPECT_EQ(sut_file_close(0), 0);
    EXPECT_EQ(sut_file_open(0), 0);
    EXPECT_EQ(destroy_syncobj(0, handle), -EINVAL);
  }});
}

TEST_F(SutTest, OpenTakesOnlyAFreeDescriptor) {
  run({[] {
    uint32_t handle;
    EXPECT_EQ(create_syncobj(0, &handle), 0);
    EXPECT_EQ(sut_file_open(0), -EBUSY);
    EXPECT_EQ(sut_file_open(SUT_MAX_FILES), -EINVAL);
    EXPECT_EQ(destroy_syncobj(0, handle), 0);  // the open file is still the old one
  }});
}

TEST_F(SutTest, OpenThatFailsLeavesABadDescriptor) {
  run({[] {
    for (uint32_t n = 1; n <= 2; ++n) {
      uint32_t handle;
      sut_file_close(0);
      const sut_faults faults{n, 0, 0};
      sut_set_faults(&faults);
      EXPECT_EQ(sut_file_open(0), -ENOMEM);
      EXPECT_EQ(create_syncobj(0, &handle), -EBADF);
    }
  }});
}

TEST_F(SutTest, UnknownIoctlIsNone) {
  run({[] {
    uint64_t args[16] = {};
    EXPECT_EQ(sut_ioctl(0, 0, args), -ENOTTY);
    EXPECT_EQ(sut_ioctl(0, 0x19, args), -ENOTTY);
  }});
}

TEST_F(SutTest, FailedIoctlDoesNotTouchItsArguments) {
  run({[] {
    drm::drm_syncobj_create args{5, 8};
    EXPECT_EQ(sut_ioctl(0, SUT_IOCTL_SYNCOBJ_CREATE, &args), -EINVAL);
    EXPECT_EQ(args.handle, 5u);
  }});
}

TEST_F(SutTest, TwoFilesAreSeparateNameSpacesOnOneDevice) {
  run({[] {
    uint32_t id, other_id, handle, other_handle;
    ASSERT_EQ(create_queue(0, 0, &id), 0);
    ASSERT_EQ(create_queue(0, 1, &id), 0);
    ASSERT_EQ(create_syncobj(0, &handle), 0);
    ASSERT_EQ(create_syncobj(0, &handle), 0);
    EXPECT_EQ(free_queue(1, id), -ENOENT);
    EXPECT_EQ(destroy_syncobj(1, handle), -EINVAL);
    // Ids, handles and the doorbells of its buffers belong to the file.
    EXPECT_EQ(create_queue(0, 1, &other_id), -EBUSY);
    EXPECT_EQ(create_queue(1, 1, &other_id), 0);
    EXPECT_EQ(other_id, 1u);
    EXPECT_EQ(create_syncobj(1, &other_handle), 0);
    EXPECT_EQ(other_handle, 1u);
    EXPECT_EQ(sut_file_close(1), 0);
    EXPECT_EQ(free_queue(0, id), 0);
  }});
}

// --- addresses ---

TEST_F(SutTest, UserMemoryIsOneRangeOfEachProcess) {
  run({[] {
    uint64_t value = 42, read = 0;
    const uint64_t last = SUT_USER_BASE + SUT_USER_SIZE - sizeof value;
    EXPECT_EQ(sut_user_write(0, last, &value, sizeof value), 0);
    EXPECT_EQ(sut_user_read(0, last, &read, sizeof read), 0);
    EXPECT_EQ(read, 42u);
    EXPECT_EQ(sut_user_read(1, last, &read, sizeof read), 0);
    EXPECT_EQ(read, 0u);
    for (uint64_t address : {uint64_t{0}, uint64_t{SUT_USER_BASE - 1}, last + 1,
                             uint64_t{SUT_USER_BASE + SUT_USER_SIZE}, ~uint64_t{0}}) {
      EXPECT_EQ(sut_user_write(0, address, &value, sizeof value), -EFAULT) << address;
      EXPECT_EQ(sut_user_read(0, address, &read, sizeof read), -EFAULT) << address;
    }
    EXPECT_EQ(sut_user_write(SUT_MAX_FILES, last, &value, sizeof value), -EFAULT);
  }});
}

TEST_F(SutTest, IoctlArgumentsAreReadFromTheProcessOfTheFile) {
  run({[] {
    uint32_t handle, one = 1, none = 0;
    ASSERT_EQ(create_syncobj(0, &handle), 0);
    ASSERT_EQ(create_syncobj(1, &handle), 0);
    sut_user_write(0, SUT_USER_BASE, &one, sizeof one);
    sut_user_write(1, SUT_USER_BASE, &none, sizeof none);
    drm::drm_syncobj_array args{SUT_USER_BASE, 1, 0};
    EXPECT_EQ(sut_ioctl(0, SUT_IOCTL_SYNCOBJ_SIGNAL, &args), 0);
    EXPECT_EQ(sut_ioctl(1, SUT_IOCTL_SYNCOBJ_SIGNAL, &args), -ENOENT);
    args.handles = SUT_USER_BASE + SUT_USER_SIZE - 2;
    EXPECT_EQ(sut_ioctl(0, SUT_IOCTL_SYNCOBJ_SIGNAL, &args), -EFAULT);
  }});
}

TEST_F(SutTest, GpuMemoryIsMappedInPagesWithoutOverlap) {
  run({[] {
    EXPECT_EQ(map(0, 0x800000, 0x1000), 0);
    EXPECT_EQ(map(0, 0x800000, 0x1000), -EINVAL);
    EXPECT_EQ(map(0, 0x900001, 0x1000), -EINVAL);
    EXPECT_EQ(map(1, 0x800000, 0x1000), 0);  // an address space of its own
    EXPECT_EQ(sut_va_store64(0, 0x800000, 1), 0);
    EXPECT_EQ(sut_va_store64(0, 0x801000, 1), -EINVAL);
    EXPECT_EQ(sut_va_store64(0, 0x800004, 1), -EINVAL);
  }});
}

TEST_F(SutTest, DoorbellsBeyondTheLastReachNothing) {
  run({[] {
    sut_gpu_write_rptr(SUT_MAX_DOORBELLS, 1);
    sut_gpu_write_rptr(~0u, 1);
    eop(~0u);
    uint32_t id;
    sut_gpu_hang(SUT_MAX_DOORBELLS);
    EXPECT_EQ(create_queue(0, kDoorbellsPerPage, &id), -EINVAL);
    EXPECT_EQ(create_queue(0, kDoorbellsPerPage - 1, &id), 0);
  }});
}

TEST_F(SutTest, EachDoorbellBufferHasDoorbellsOfItsOwn) {
  run({[] {
    EXPECT_EQ(sut_doorbell(0, doorbells[0], 3), 3);
    EXPECT_EQ(sut_doorbell(1, doorbells[1], 3), static_cast<int>(kDoorbellsPerPage) + 3);
    EXPECT_EQ(sut_doorbell(0, doorbells[0], kDoorbellsPerPage), -EINVAL);
    EXPECT_EQ(sut_doorbell(0, 77, 0), -EINVAL);
    uint32_t memory;
    ASSERT_EQ(create_bo(0, userq::kGemDomainGtt, kRingSize, &memory), 0);
    EXPECT_EQ(sut_doorbell(0, memory, 0), -EINVAL);
  }});
}

TEST_F(SutTest, SizesOfArgumentStructs) {
  EXPECT_EQ(sut_ioctl_size(SUT_IOCTL_USERQ_WAIT), sizeof(userq::drm_amdgpu_userq_wait));
  EXPECT_EQ(sut_ioctl_size(SUT_IOCTL_SYNCOBJ_CREATE), sizeof(drm::drm_syncobj_create));
  EXPECT_EQ(sut_ioctl_size(0xff), 0u);
}

// --- memory management, the device, time ---

TEST_F(SutTest, MovingABufferTakesTheQueuesOffTheGpuAndTheyComeBack) {
  run({[] {
    uint32_t queue, syncobj, memory;
    ASSERT_EQ(create_queue(0, 1, &queue), 0);
    ASSERT_EQ(create_syncobj(0, &syncobj), 0);
    ASSERT_EQ(map(0, 0x800000, 0x1000, &memory), 0);
    EXPECT_EQ(sut_bo_move(0, memory, 1), 0);
    EXPECT_EQ(sut_bo_move(0, memory, 0), 0);
    EXPECT_EQ(sut_bo_move(0, 77, 0), -ENOENT);
    // The write pointer is at 0, so the fence is complete from the start.
    EXPECT_EQ(signal(0, queue, syncobj), 0);
    EXPECT_EQ(free_queue(0, queue), 0);
  }});
}

TEST_F(SutTest, PagesBehindAUserptrBufferGoOnlyOnce) {
  run({[] {
    userq::drm_amdgpu_gem_userptr args{SUT_USER_BASE, 0x1000, 0, 0};
    args.flags = userq::kGemUserptrAnononly | userq::kGemUserptrRegister;
    ASSERT_EQ(sut_ioctl(0, SUT_IOCTL_GEM_USERPTR, &args), 0);
    EXPECT_EQ(sut_userptr_gone(0, args.handle), 0);
    EXPECT_EQ(sut_userptr_gone(0, doorbells[0]), -EINVAL) << "no userptr buffer";
    EXPECT_EQ(sut_userptr_gone(0, 77), -ENOENT);
  }});
}

TEST_F(SutTest, AHangingQueueIsResetAndItsFenceHasAnError) {
  run({[] {
    uint32_t queue, syncobj;
    ASSERT_EQ(create_queue(0, 1, &queue), 0);
    ASSERT_EQ(create_syncobj(0, &syncobj), 0);
    ASSERT_EQ(sut_va_store64(0, wptr_va(1), 5), 0);
    ASSERT_EQ(signal(0, queue, syncobj), 0);
    sut_gpu_hang(1);
    sut_gpu_write_rptr(1, 5);
    eop(1);
    drm::drm_syncobj_wait wait{};
    wait.handles = SUT_USER_BASE;
    wait.count_handles = 1;
    EXPECT_EQ(sut_ioctl(0, SUT_IOCTL_SYNCOBJ_WAIT, &wait), -ETIME);
    wait.timeout_nsec = INT64_MAX;
    EXPECT_EQ(sut_ioctl(0, SUT_IOCTL_SYNCOBJ_WAIT, &wait), 0) << "the watchdog sees to it";
    EXPECT_EQ(free_queue(0, queue), 0);
  }});
}

TEST_F(SutTest, ResetSuspendAndIsolationComeAndGo) {
  run({[] {
    uint32_t queue;
    ASSERT_EQ(create_queue(0, 1, &queue), 0);
    sut_gpu_reset(0);
    sut_gpu_reset(1);
    for (int s0ix : {0, 1}) {
      EXPECT_EQ(sut_suspend(s0ix), 0);
      EXPECT_EQ(sut_resume(), 0);
    }
    EXPECT_EQ(sut_isolation(1), 0);
    EXPECT_EQ(sut_isolation(0), 0);
    EXPECT_EQ(free_queue(0, queue), 0);
  }});
}

TEST_F(SutTest, ARequestToTheFirmwareFails) {
  run({[] {
    uint32_t id;
    sut_firmware_fail(1);
    EXPECT_EQ(create_queue(0, 1, &id), -ETIMEDOUT);
    EXPECT_EQ(create_queue(0, 1, &id), 0);
    EXPECT_EQ(free_queue(0, id), 0);
  }});
}

TEST_F(SutTest, AnAllocationOfAWorkFails) {
  run({[] {
    uint32_t memory, id;
    ASSERT_EQ(map(0, kGpuBase + 2 * kRingSize, kRingSize, &memory), 0);
    sut_work_fail_alloc(1);
    EXPECT_EQ(sut_bo_move(0, memory, 0), 0);
    sut_rest(1);  // the resume fails here
    EXPECT_EQ(create_queue(0, 1, &id), 0);
    EXPECT_EQ(free_queue(0, id), 0);
  }});
}

TEST_F(SutTest, KillingAProcessEndsItsSleepAndClosesItsFile) {
  int result = 0;
  run({[&] {
         uint32_t syncobj;
         ASSERT_EQ(create_syncobj(0, &syncobj), 0);
         ASSERT_EQ(sut_user_write(0, SUT_USER_BASE, &syncobj, sizeof syncobj), 0);
         drm::drm_syncobj_wait wait{};
         wait.handles = SUT_USER_BASE;
         wait.count_handles = 1;
         wait.timeout_nsec = INT64_MAX;
         wait.flags = drm::kSyncobjWaitFlagsWaitForSubmit;
         result = sut_ioctl(0, SUT_IOCTL_SYNCOBJ_WAIT, &wait);
         EXPECT_EQ(create_syncobj(0, &syncobj), -EBADF);
         EXPECT_EQ(sut_file_open(0), 0) << "a new process";
         EXPECT_EQ(create_syncobj(0, &syncobj), 0);
       },
       [] {
         sut_rest(1);
         EXPECT_EQ(sut_process_kill(0), 0);
       }});
  EXPECT_EQ(result, -kernel::kErestartsys);
}

TEST_F(SutTest, EventCountersAreDescriptorsOfAllProcesses) {
  run({[] {
    const int fd = sut_eventfd(0);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(sut_fd_close(1, fd), 0);
    EXPECT_EQ(sut_fd_close(0, fd), -EBADF);
  }});
}

// --- faults ---

TEST_F(SutTest, FaultsLastUntilTheyAreReplaced) {
  run({[] {
    uint32_t handle;
    ASSERT_EQ(create_syncobj(0, &handle), 0);
    const sut_faults no_memory{1, 0, 0}, no_copy{0, 1, 0}, second_allocation{2, 0, 0}, none{};
    sut_set_faults(&no_memory);
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_SIGNAL, handle), -ENOMEM);
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_SIGNAL, handle), 0);  // the n-th is over
    sut_set_faults(&no_copy);
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_SIGNAL, handle), -EFAULT);
    sut_set_faults(&second_allocation);
    EXPECT_EQ(syncobj_array(0, SUT_IOCTL_SYNCOBJ_SIGNAL, handle), -ENOMEM);
    const sut_faults interrupted{0, 0, 1};
    uint32_t queue;
    ASSERT_EQ(create_queue(0, 0, &queue), 0);
    ASSERT_EQ(create_syncobj(0, &handle), 0);
    userq::drm_amdgpu_userq_fence_info info;
    sut_set_faults(&interrupted);
    EXPECT_EQ(wait(0, queue, handle, &info), -512);
    sut_set_faults(&none);
    EXPECT_EQ(wait(0, queue, handle, &info), -ETIME);
  }});
}

// --- close while a call runs ---

// The call either comes too late, or runs to its end on a file that is then closed.
void expect_ran_or_came_too_late(int result, unsigned* ran, unsigned* late) {
  ASSERT_TRUE(result == 0 || result == -EBADF) << result;
  ++*(result == 0 ? ran : late);
}

TEST_F(SutTest, CloseDuringAnIoctlLetsItEnd) {
  uint32_t id = 0;
  unsigned ran = 0, late = 0;
  int result = 1;
  uint64_t points = 1;
  for (uint32_t after = 1; after <= points; ++after) {
    points =
        run({[&] { result = create_queue(0, 0, &id); }, [] { EXPECT_EQ(sut_file_close(0), 0); }},
            {{after, sched::Target{1}}});
    expect_ran_or_came_too_late(result, &ran, &late);
  }
  // From the other side: the close is under way when the ioctl comes.
  for (uint32_t after = 1; after <= 40; ++after) {
    run({[] { EXPECT_EQ(sut_file_close(0), 0); }, [&] { result = create_queue(0, 0, &id); }},
        {{after, sched::Target{1}}});
    expect_ran_or_came_too_late(result, &ran, &late);
  }
  EXPECT_GT(ran, 0u);
  EXPECT_GT(late, 0u);
}

TEST_F(SutTest, CloseWakesNobodyButTheSleepingIoctlEndsAllTheSame) {
  int result = 1;
  run({[&] {
         uint32_t queue, handle;
         ASSERT_EQ(create_queue(0, 0, &queue), 0);
         ASSERT_EQ(create_syncobj(0, &handle), 0);
         userq::drm_amdgpu_userq_fence_info info;
         result = wait(0, queue, handle, &info);
         EXPECT_EQ(create_syncobj(0, &handle), -EBADF);
       },
       [] { EXPECT_EQ(sut_file_close(0), 0); }});
  EXPECT_EQ(result, -ETIME);
}

TEST_F(SutTest, CloseDuringAStoreLetsItEnd) {
  uint64_t points = 1;
  for (uint32_t after = 1; after <= points; ++after) {
    points =
        run({[] { sut_va_store64(0, wptr_va(0), 1); }, [] { EXPECT_EQ(sut_file_close(0), 0); }},
            {{after, sched::Target{1}}});
  }
  EXPECT_GT(points, 2u);
}

}  // namespace
