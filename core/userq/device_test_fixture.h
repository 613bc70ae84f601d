// For tests: a device with two open files of two processes, and the driver's calls in few words.
// Everything but run() and sweep() is called from the threads and phases of a run.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/drm/syncobj.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/userq/device.h"
#include "core/userq/queue.h"
#include "core/userq/signal_ioctl.h"
#include "core/userq/wait_ioctl.h"

namespace userq {

// Lets everything else go on: pending interrupts, RCU callbacks, workers, and time, by `time`.
inline void rest(uint64_t time = 1) {
  kernel::set_current_state();
  kernel::schedule_timeout("rest", time);
}

class DeviceTest : public testing::Test {
 protected:
  using Body = kernel::TestRun::Body;
  using Handles = std::vector<uint32_t>;
  using Info = drm_amdgpu_userq_fence_info;

  static constexpr uint64_t kUserBase = 0x10000;  // of each process's memory
  static constexpr uint64_t kNowhere = 0x8;       // an address that faults
  static constexpr uint64_t kGpuBase = 0x100000;  // the ring of every queue
  static constexpr uint64_t kRingSize = 0x1000;
  static constexpr kernel::Holder kTest{"test"};

  // Every queue has a write pointer of its own, by its doorbell.
  static constexpr uint64_t wptr_va(uint32_t doorbell) {
    return kGpuBase + kRingSize + doorbell * 16;
  }

  DeviceTest() {
    for (unsigned i = 0; i < 2; ++i) mm_[i] = {kUserBase, sizeof memory_[i], memory_[i]};
    run_.set_up = [this] {
      adev_ = device_init(seq64_slots_);
      for (unsigned i = 0; i < 2; ++i) {
        files_[i] = drm::file_alloc(&mm_[i]);
        ASSERT_EQ(fpriv_open(*adev_, *files_[i]), 0);
        ASSERT_EQ(vm_map(to_fpriv(*files_[i]).vm, kGpuBase, 2 * kRingSize), 0);
      }
    };
    run_.tear_down = {[this] {
                        if (inspect_) inspect_();
                        for (drm::File* file : files_) drm::file_free(*file);
                      },
                      [this] { EXPECT_EQ(device_fini(adev_), 0u) << "slots still taken"; }};
  }

  // What a run does before its threads (must not sleep), and after them while the device is there.
  void prepare(Body body) { run_.prepare = std::move(body); }
  void inspect(Body body) { inspect_ = std::move(body); }

  std::string run(std::vector<Body> threads) {
    run_.threads = std::move(threads);
    return run_();
  }
  // Every way of going to the first of `targets` and on to the second; `check` looks at the outcome
  // of each.
  std::string sweep(std::vector<Body> threads, const Body& check = {},
                    std::initializer_list<sched::Target> targets = {kernel::kT1, kernel::kT0}) {
    run_.threads = std::move(threads);
    return run_.sweep(targets, check);
  }

  Device& device() { return *adev_; }
  drm::File& file(unsigned i = 0) { return *files_[i]; }
  QueueMgr& mgr(unsigned i = 0) { return to_fpriv(file(i)).userq_mgr; }
  uint32_t slots_used() {
    int used = 0;
    for (uint32_t i = 0; i * 64 < adev_->seq64.num_sem; ++i)
      used += __builtin_popcountl(kernel::read_once(adev_->seq64.used[i]));
    return static_cast<uint32_t>(used);
  }
  bool is_mapped(uint32_t doorbell) {
    return kernel::read_once(device().gpu.queues[doorbell].fence_addr) != nullptr;
  }
  int mapped_queues(uint32_t ip_type) { return kernel::read_once(mgr().userq_count[ip_type]); }

  // --- queues ---

  static drm_amdgpu_userq_in create_args(uint32_t doorbell) {
    drm_amdgpu_userq_in in{};
    in.op = kUserqOpCreate;
    in.doorbell_offset = doorbell;
    in.queue_va = kGpuBase;
    in.queue_size = kRingSize;
    in.rptr_va = wptr_va(doorbell) + 8;
    in.wptr_va = wptr_va(doorbell);
    return in;
  }
  // Makes `in` the running thread's ioctl; the new queue's id goes to *id.
  int userq(const drm_amdgpu_userq_in& in, uint32_t* id = nullptr, unsigned on_file = 0) {
    drm_amdgpu_userq args{};
    args.in = in;
    const int error = userq_ioctl(file(on_file), args);
    if (error == 0 && id != nullptr) *id = args.out.queue_id;
    return done(error);
  }
  uint32_t create(uint32_t doorbell, unsigned on_file = 0) {
    uint32_t id = 0;
    EXPECT_EQ(userq(create_args(doorbell), &id, on_file), 0);
    return id;
  }
  int free(uint32_t id, unsigned on_file = 0) {
    drm_amdgpu_userq_in in{};
    in.op = kUserqOpFree;
    in.queue_id = id;
    return userq(in, nullptr, on_file);
  }
  // The objects behind an id, without a reference.
  Queue& queue(uint32_t id, unsigned on_file = 0) {
    return *static_cast<Queue*>(kernel::xa_load(mgr(on_file).userq_xa, id));
  }
  QueueState state(uint32_t id) {
    kernel::mutex_lock(mgr().userq_mutex);
    const QueueState now = queue(id).state;
    kernel::mutex_unlock(mgr().userq_mutex);
    return now;
  }
  FenceDriver& driver(uint32_t id) { return *queue(id).fence_drv; }
  static int refs(const FenceDriver& fence_drv) { return kernel::kref_read(fence_drv.refcount); }
  static int refs(const dma::Fence& fence) { return kernel::kref_read(fence.refcount); }

  // --- syncobjs ---

  uint32_t syncobj(unsigned on_file = 0) {
    drm::drm_syncobj_create args{};
    EXPECT_EQ(drm::syncobj_create_ioctl(file(on_file), args), 0);
    return args.handle;
  }
  void destroy_syncobj(uint32_t handle) {
    drm::drm_syncobj_destroy args{handle, 0};
    EXPECT_EQ(drm::syncobj_destroy_ioctl(file(), args), 0);
  }
  void signal_syncobj(uint32_t handle) {
    drm::drm_syncobj_array args{put_handles({handle}), 1, 0};
    EXPECT_EQ(drm::syncobj_signal_ioctl(file(), args), 0);
  }
  // The fence in a syncobj, with a reference for kTest; nullptr: none.
  dma::Fence* fence_of(uint32_t handle) {
    dma::Fence* fence = nullptr;
    drm::syncobj_find_fence(file(), handle, 0, &fence, kTest);
    return fence;
  }
  // Status of the fence in a syncobj: the flag and the error, without asking the hardware.
  int flagged_status(uint32_t handle) {
    dma::Fence* fence = fence_of(handle);
    unsigned long flags;
    kernel::spin_lock_irqsave(*fence->lock, flags);
    const int status = !dma::fence_test_signaled_flag(*fence) ? 0
                       : fence->error != 0                    ? fence->error
                                                              : 1;
    kernel::spin_unlock_irqrestore(*fence->lock, flags);
    dma::fence_put(fence, kTest);
    return status;
  }

  // --- signal and wait ---

  // Writes handles to the running thread's part of the user memory; returns the address.
  uint64_t put_handles(const Handles& handles, unsigned on_file = 0) {
    kernel::task().mm = &mm_[on_file];
    if (!handles.empty())
      std::memcpy(&memory_[on_file][scratch()], handles.data(), handles.size() * sizeof handles[0]);
    return kUserBase + scratch();
  }
  drm_amdgpu_userq_signal signal_args(uint32_t id, const Handles& syncobjs) {
    drm_amdgpu_userq_signal args{};
    args.queue_id = id;
    args.syncobj_handles = put_handles(syncobjs);
    args.num_syncobj_handles = static_cast<uint16_t>(syncobjs.size());
    return args;
  }
  int signal(drm_amdgpu_userq_signal args) { return done(userq::signal_ioctl(file(), args)); }
  // Sets the write pointer, then signals.
  int signal(uint32_t id, uint64_t wptr, const Handles& syncobjs) {
    EXPECT_EQ(vm_user_store64(to_fpriv(file()).vm, queue(id).wptr_va, wptr), 0);
    return signal(signal_args(id, syncobjs));
  }

  drm_amdgpu_userq_wait wait_args(uint32_t id, const Handles& syncobjs, uint16_t room) {
    drm_amdgpu_userq_wait args{};
    args.waitq_id = id;
    args.syncobj_handles = put_handles(syncobjs);
    args.num_syncobj_handles = static_cast<uint16_t>(syncobjs.size());
    args.num_fences = room;
    args.out_fences = kUserBase + scratch() + kScratchSize / 2;
    return args;
  }
  // Changes args as the ioctl does.
  int wait(drm_amdgpu_userq_wait& args) { return done(wait_ioctl(file(), args)); }
  // Waits with room for `room` infos; those filled in go to *infos.
  int wait(uint32_t id, const Handles& syncobjs, uint16_t room, std::vector<Info>* infos) {
    drm_amdgpu_userq_wait args = wait_args(id, syncobjs, room);
    const int error = wait(args);
    infos->assign(error == 0 ? args.num_fences : 0u, {});
    if (!infos->empty())
      std::memcpy(infos->data(), &memory_[0][args.out_fences - kUserBase],
                  infos->size() * sizeof(Info));
    return error;
  }
  int wait(uint32_t id, const Handles& syncobjs, uint16_t room = 4) {
    std::vector<Info> ignored;
    return wait(id, syncobjs, room, &ignored);
  }

  // --- the GPU ---

  void gpu_write(uint32_t doorbell, uint64_t value) {
    gpu_write_rptr(device().gpu, doorbell, value);
  }
  // The interrupt of a doorbell, here and now. To TSan it is a part of the thread; interrupts that
  // race with threads are those of run_.irqs.
  void eop(uint32_t doorbell) {
    kernel::in_interrupt([this, doorbell] {
      process_fence_irq(device(), doorbell);
      kernel::check_context_at_return("interrupt");
    });
  }
  void complete(uint32_t doorbell, uint64_t value) {
    gpu_write(doorbell, value);
    eop(doorbell);
  }

  kernel::TestRun run_;
  uint32_t seq64_slots_ = 16;

 private:
  static constexpr size_t kScratchSize = 512;  // of each thread

  static size_t scratch() {
    return sched::current()->kind == sched::Kind::kThread ? sched::current()->id * kScratchSize : 0;
  }
  static int done(int error) {
    kernel::check_context_at_return("ioctl");
    return error;
  }

  Body inspect_;
  kernel::UserMemory mm_[2];
  uint8_t memory_[2][(sched::kMaxThreads + 1) * kScratchSize] = {};
  drm::File* files_[2] = {};
  Device* adev_ = nullptr;
};

}  // namespace userq
