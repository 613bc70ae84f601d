#include "core/userq/gem_object.h"

#include <cerrno>
#include <utility>

#include "core/userq/fpriv.h"

namespace userq {

namespace {

int add_to_vm(Fpriv& fpriv, Bo& bo) {
  BoVa* bo_va = vm_bo_find(fpriv.vm, bo);
  if (bo_va != nullptr) {
    ++bo_va->ref_count;
    return 0;
  }
  bo_va = vm_bo_add(fpriv.vm, bo);
  if (bo_va == nullptr) return -ENOMEM;
  const int error = evf_mgr_attach_fence(fpriv.evf_mgr, bo);
  if (error != 0) vm_bo_del(*bo_va);
  return error;
}

void remove_from_vm(Fpriv& fpriv, Bo& bo) {
  BoVa* bo_va = vm_bo_find(fpriv.vm, bo);
  if (--bo_va->ref_count > 0) return;
  vm_bo_del(*bo_va);
  if (!vm_is_bo_always_valid(fpriv.vm, bo)) evf_mgr_detach_fence(fpriv.evf_mgr, bo);
}

// Two reservations, or one twice, without the memory that drm_exec needs.
struct ReservedPair {
  kernel::WwAcquireCtx ticket;
  dma::Resv* first;
  dma::Resv* second;  // nullptr: the same
};

void reserve_pair(ReservedPair& pair, dma::Resv& a, dma::Resv& b) {
  kernel::ww_acquire_init(pair.ticket, dma::reservation_ww_class);
  pair.first = &a;
  pair.second = &a != &b ? &b : nullptr;
  dma::resv_lock(*pair.first, &pair.ticket);
  while (pair.second != nullptr && dma::resv_lock(*pair.second, &pair.ticket) == -EDEADLK) {
    dma::resv_unlock(*pair.first);
    dma::resv_lock_slow(*pair.second, pair.ticket);
    std::swap(pair.first, pair.second);
  }
  kernel::ww_acquire_done(pair.ticket);
}

void unreserve_pair(ReservedPair& pair) {
  dma::resv_unlock(*pair.first);
  if (pair.second != nullptr) dma::resv_unlock(*pair.second);
  kernel::ww_acquire_fini(pair.ticket);
}

}  // namespace

const drm::GemObjectFuncs kGemObjectFuncs = {bo_free, gem_object_open, gem_object_close};

int gem_object_open(drm::GemObject& obj, drm::File& file) {
  Bo& bo = to_bo(obj);
  Fpriv& fpriv = to_fpriv(file);
  if (bo.usermm != nullptr && bo.usermm != file.mm) return -EPERM;
  if (bo.vm_root != nullptr && !vm_is_bo_always_valid(fpriv.vm, bo)) return -EPERM;
  drm::Exec exec;
  drm::exec_init(exec, drm::kExecInterruptibleWait | drm::kExecIgnoreDuplicates);
  int error = 0;
  drm_exec_until_all_locked(exec) {
    error = drm::exec_prepare_obj(exec, obj, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
    error = vm_lock_pd(fpriv.vm, exec, 0);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  if (error == 0) error = add_to_vm(fpriv, bo);
  drm::exec_fini(exec);
  return error;
}

void gem_object_close(drm::GemObject& obj, drm::File& file) {
  Fpriv& fpriv = to_fpriv(file);
  ReservedPair pair;
  reserve_pair(pair, *obj.resv, *fpriv.vm.root->gem.resv);
  remove_from_vm(fpriv, to_bo(obj));
  unreserve_pair(pair);
}

}  // namespace userq
