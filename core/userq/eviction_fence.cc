#include "core/userq/eviction_fence.h"

#include <cerrno>
#include <cstring>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/userq/bo.h"
#include "core/userq/evict.h"

namespace userq {

struct EvictionFence {
  dma::Fence base;  // first: the memory goes with it
  kernel::SpinLock lock;
  char timeline_name[16];
  EvictionFenceMgr* evf_mgr;  // outlives the fence's unsignaled life
};

namespace {

constexpr kernel::Holder kMgr{kEvfMgr};
constexpr kernel::Holder kAsking{"looking at the eviction fence"};
constexpr kernel::Holder kDetach{"evf_mgr_detach_fence"};

EvictionFence& to_ev_fence(dma::Fence& base) { return *container_of(&base, EvictionFence, base); }

const char* get_driver_name(dma::Fence&) { return "amdgpu_eviction_fence"; }
const char* get_timeline_name(dma::Fence& base) { return to_ev_fence(base).timeline_name; }

bool enable_signaling(dma::Fence& base) {
  kernel::queue_work(system_wq, to_ev_fence(base).evf_mgr->suspend_work);
  return true;
}

// No release op: a signaled fence needs nothing of its manager, which may be gone by then.
const dma::FenceOps kEvictionFenceOps = {get_driver_name, get_timeline_name, nullptr,
                                         enable_signaling, nullptr};

// Two objects may share a reservation: the second time adds nothing.
void add_to(Bo& bo, dma::Fence& ev_fence) {
  dma::resv_add_fence(*bo.gem.resv, ev_fence, dma::ResvUsage::kBookkeep);
}

}  // namespace

void evf_mgr_init(EvictionFenceMgr& evf_mgr) {
  evf_mgr.ev_fence_seq = 0;
  evf_mgr.ev_fence_ctx = dma::fence_context_alloc(1);
  evf_mgr.ev_fence = dma::fence_get_stub(kMgr);
  evf_mgr.shutdown = false;
  kernel::init_work(evf_mgr.suspend_work, suspend_worker, "suspend_work");
}

dma::Fence* evf_mgr_get_fence(EvictionFenceMgr& evf_mgr, kernel::Holder holder) {
  kernel::rcu_read_lock();
  dma::Fence* ev_fence = dma::fence_get_rcu_safe(evf_mgr.ev_fence, holder);
  kernel::rcu_read_unlock();
  return ev_fence;
}

bool evf_mgr_is_armed(EvictionFenceMgr& evf_mgr) {
  dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr, kAsking);
  const bool armed = !dma::fence_is_signaled(*ev_fence);
  dma::fence_put(ev_fence, kAsking);
  return armed;
}

EvictionFence* evf_mgr_alloc_fence() {
  return kernel::kzalloc_obj<EvictionFence>("eviction_fence");
}

void evf_mgr_rearm(EvictionFenceMgr& evf_mgr, drm::Exec& exec, EvictionFence& ev_fence) {
  ev_fence.evf_mgr = &evf_mgr;
  std::strncpy(ev_fence.timeline_name, sched::current()->name, sizeof ev_fence.timeline_name - 1);
  kernel::spin_lock_init(ev_fence.lock, "eviction_fence.lock");
  const uint64_t seq = kernel::atomic64_fetch_add(1, evf_mgr.ev_fence_seq) + 1;
  dma::fence_init64(ev_fence.base, kEvictionFenceOps, &ev_fence.lock, evf_mgr.ev_fence_ctx, seq,
                    "eviction_fence", kMgr);

  dma::Fence* old = evf_mgr.ev_fence;
  if (kernel::checks_enabled && !dma::fence_peek_signaled(*old))
    kernel::report(kernel::Verdict::kFenceContract, "eviction-fence-replaced-before-its-signal",
                   "the eviction fence is replaced while it is pending: nobody will signal it");
  kernel::rcu_assign_pointer(evf_mgr.ev_fence, &ev_fence.base);
  dma::fence_put(old, kMgr);

  // Somebody may ask for its signaling as soon as it is on the first object; it stays ours to add,
  // because only the next rearm, which needs the same locks, replaces it.
  for (unsigned i = 0; i < exec.num_objects; ++i) {
    // One that was contended, and had left the address space before the next round: upstream adds
    // the fence to it all the same, without a slot.
    if (exec.objects[i] == exec.prelocked) continue;
    add_to(to_bo(*exec.objects[i]), ev_fence.base);
  }
}

int evf_mgr_attach_fence(EvictionFenceMgr& evf_mgr, Bo& bo) {
  dma::Fence* ev_fence = evf_mgr_get_fence(evf_mgr, kAsking);
  int error = 0;
  if (!dma::fence_is_signaled(*ev_fence)) {
    error = bo_validate(bo);
    if (error == 0) add_to(bo, *ev_fence);
  }
  dma::fence_put(ev_fence, kAsking);
  return error;
}

void evf_mgr_detach_fence(EvictionFenceMgr& evf_mgr, Bo& bo) {
  dma::Fence* stub = dma::fence_get_stub(kDetach);
  dma::resv_replace_fences(*bo.gem.resv, evf_mgr.ev_fence_ctx, *stub, dma::ResvUsage::kBookkeep);
  dma::fence_put(stub, kDetach);
}

void evf_mgr_shutdown(EvictionFenceMgr& evf_mgr) {
  kernel::write_once(evf_mgr.shutdown, true);
  kernel::flush_work(evf_mgr.suspend_work);
}

bool evf_mgr_is_shutdown(const EvictionFenceMgr& evf_mgr) {
  return kernel::read_once(evf_mgr.shutdown);
}

void evf_mgr_flush_suspend(EvictionFenceMgr& evf_mgr) {
  dma::fence_wait(*evf_mgr.ev_fence, false);
  kernel::flush_work(evf_mgr.suspend_work);
}

void evf_mgr_fini(EvictionFenceMgr& evf_mgr) {
  dma::fence_put(evf_mgr.ev_fence, kMgr);
  evf_mgr.ev_fence = nullptr;
}

}  // namespace userq
