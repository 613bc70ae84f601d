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
#include "core/userq/evict.h"
#include "core/userq/fpriv.h"
#include "core/userq/gem_ioctls.h"
#include "core/userq/invariants.h"
#include "core/userq/lock_order.h"
#include "core/userq/queue.h"
#include "core/userq/queue_state.h"
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
  static constexpr char kTestRole[] = "test";  // by address: one for all files
  static constexpr kernel::Holder kTest{kTestRole};

  // Every queue has a write pointer of its own, by its doorbell.
  static constexpr uint64_t wptr_va(uint32_t doorbell) {
    return kGpuBase + kRingSize + doorbell * 16;
  }

  DeviceTest() {
    declare_lock_order();
    for (unsigned i = 0; i < 2; ++i) mm_[i] = {kUserBase, sizeof memory_[i], memory_[i]};
    run_.set_up = [this] {
      config_.num_seq64 = seq64_slots_;
      adev_ = device_init(config_);
      doorbell_bo_ = 0;
      for (unsigned i = 0; i < 2; ++i) {
        files_[i] = drm::file_alloc(&mm_[i]);
        ASSERT_EQ(fpriv_open(*adev_, *files_[i]), 0);
        queue_bos_[i] = create_bo(2 * kRingSize, 0, i);
        ASSERT_EQ(va(kVaOpMap, queue_bos_[i], kGpuBase, 2 * kRingSize, 0, i), 0);
        share_doorbells(i);
        arm(i);
      }
    };
    run_.tear_down = {[this] {
                        if (inspect_) inspect_();
                        check_invariants(*adev_);
                        for (unsigned i = 0; i < 2; ++i) close_file(i);
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
  // close(2): nothing runs on the file. Once is enough.
  void close_file(unsigned i) {
    drm::File* file = __atomic_exchange_n(&files_[i], nullptr, __ATOMIC_RELAXED);
    if (file != nullptr) drm::file_free(*file);
  }
  drm::File& file(unsigned i = 0) { return *files_[i]; }
  QueueMgr& mgr(unsigned i = 0) { return to_fpriv(file(i)).userq_mgr; }
  uint32_t slots_used() {
    int used = 0;
    for (uint32_t i = 0; i * 64 < adev_->seq64.num_sem; ++i)
      used += __builtin_popcountl(kernel::read_once(adev_->seq64.used[i]));
    return static_cast<uint32_t>(used);
  }
  bool is_mapped(uint32_t doorbell) {
    return gpu_queue_state(device().gpu, doorbell) == HwState::kRunning;
  }
  int queue_count(uint32_t ip_type) { return kernel::read_once(mgr().userq_count[ip_type]); }

  // --- buffers and addresses ---

  Vm& vm(unsigned on_file = 0) { return to_fpriv(file(on_file)).vm; }
  EvictionFenceMgr& evf_mgr(unsigned on_file = 0) { return to_fpriv(file(on_file)).evf_mgr; }
  // Makes it the running thread's ioctl.
  int gem_create(const drm_amdgpu_gem_create_in& in, uint32_t* handle, unsigned on_file = 0) {
    drm_amdgpu_gem_create args{};
    args.in = in;
    const int error = gem_create_ioctl(file(on_file), args);
    if (error == 0) *handle = args.out.handle;
    return done(error);
  }
  uint32_t create_bo(uint64_t size = kGpuPageSize, uint64_t flags = 0, unsigned on_file = 0) {
    uint32_t handle = 0;
    EXPECT_EQ(gem_create({size, 0, kGemDomainGtt, flags}, &handle, on_file), 0);
    return handle;
  }
  int close_bo(uint32_t handle, unsigned on_file = 0) {
    drm::drm_gem_close args{handle, 0};
    return done(drm::gem_close_ioctl(file(on_file), args));
  }
  int va(drm_amdgpu_gem_va args, unsigned on_file = 0) {
    return done(gem_va_ioctl(file(on_file), args));
  }
  int va(uint32_t operation, uint32_t handle, uint64_t address, uint64_t size, uint64_t offset = 0,
         unsigned on_file = 0) {
    drm_amdgpu_gem_va args{};
    args.handle = handle;
    args.operation = operation;
    args.va_address = address;
    args.offset_in_bo = offset;
    args.map_size = size;
    return va(args, on_file);
  }
  // Arms the eviction fence if it is not: creating a queue then needs no sleep.
  void arm(unsigned on_file = 0) {
    ASSERT_EQ(ensure_ev_fence(to_fpriv(file(on_file))), 0);
    kernel::mutex_unlock(mgr(on_file).userq_mutex);
  }
  // Gives the page of doorbells back that the queues' doorbells are on.
  void close_doorbells() {
    for (unsigned i = 0; i < 2; ++i) EXPECT_EQ(close_bo(doorbell_bo_, i), 0);
  }
  // The handle of what every queue of a file lives in.
  uint32_t queue_bo(unsigned on_file = 0) { return queue_bos_[on_file]; }
  // The object behind a handle, without a reference.
  Bo& bo(uint32_t handle, unsigned on_file = 0) {
    return to_bo(*static_cast<drm::GemObject*>(kernel::xa_load(file(on_file).object_idr, handle)));
  }

  static bool is_evicted(Bo& of) {
    bo_reserve(of, false);
    const bool evicted = of.evicted;
    bo_unreserve(of);
    return evicted;
  }

  // --- queues ---

  drm_amdgpu_userq_in create_args(uint32_t doorbell) {
    drm_amdgpu_userq_in in{};
    in.op = kUserqOpCreate;
    in.doorbell_handle = doorbell_bo_;
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
    const QueueState now = queue_state(queue(id));
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
    drm::syncobj_find_fence(file(), handle, 0, 0, &fence, kTest);
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
  void hang(uint32_t doorbell) { gpu_hang_queue(device().gpu, doorbell); }
  // The n-th firmware request from here on fails.
  void fail_request(uint32_t n) { gpu_fail_request(device().gpu, n); }
  HwState hardware(uint32_t doorbell) { return gpu_queue_state(device().gpu, doorbell); }
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
  DeviceConfig config_;

 private:
  static constexpr size_t kScratchSize = 512;  // of each thread

  // One page of doorbells for both files, by the same handle: doorbell indices are the device's.
  void share_doorbells(unsigned on_file) {
    uint32_t handle = 0;
    if (on_file == 0)
      ASSERT_EQ(gem_create({kGpuPageSize, 0, kGemDomainDoorbell, 0}, &handle), 0);
    else
      ASSERT_EQ(drm::gem_handle_create(file(on_file), bo(doorbell_bo_).gem, &handle), 0);
    ASSERT_EQ(doorbell_bo_ == 0 ? handle : doorbell_bo_, handle);
    doorbell_bo_ = handle;
  }
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
  uint32_t queue_bos_[2] = {};
  uint32_t doorbell_bo_ = 0;
  Device* adev_ = nullptr;
};

}  // namespace userq
