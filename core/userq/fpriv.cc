#include "core/userq/fpriv.h"

#include <cerrno>

#include "core/kernel/slab.h"
#include "core/userq/device.h"
#include "core/userq/evict.h"
#include "core/userq/reset.h"

namespace userq {

namespace {

void release(kernel::Kref& kref) {
  Fpriv& fpriv = *container_of(&kref, Fpriv, refcount);
  kernel::debug_work_free(fpriv.userq_mgr.resume_work);
  kernel::debug_work_free(fpriv.userq_mgr.reset_work);
  kernel::debug_work_free(fpriv.evf_mgr.suspend_work);
  kernel::xa_destroy(fpriv.userq_mgr.userq_xa);
  kernel::mutex_destroy(fpriv.userq_mgr.userq_mutex);
  evf_mgr_fini(fpriv.evf_mgr);
  vm_fini(fpriv.vm);
  kernel::kfree(&fpriv);
}

// Mirrors amdgpu_userq_mgr_fini: every queue loses its id; those that nobody uses are destroyed
// now.
void driver_release(drm::File& file) {
  Fpriv& fpriv = to_fpriv(file);
  evf_mgr_shutdown(fpriv.evf_mgr);
  kernel::cancel_delayed_work_sync(fpriv.userq_mgr.resume_work);
  evf_mgr_flush_suspend(fpriv.evf_mgr);
  uint64_t id;
  Queue* queue;
  xa_for_each(fpriv.userq_mgr.userq_xa, id, queue) {
    if (kernel::xa_erase(fpriv.userq_mgr.userq_xa, id) == queue) queue_put(*queue, kUserqXa);
  }
  kernel::cancel_work_sync(fpriv.userq_mgr.reset_work);
}

// Mirrors amdgpu_driver_postclose_kms.
void driver_postclose(drm::File& file) {
  fpriv_put(to_fpriv(file), {kFileFpriv, drm::file_object(file)});
}

}  // namespace

Fpriv& to_fpriv(drm::File& file) { return *static_cast<Fpriv*>(file.driver_priv); }

int fpriv_open(Device& adev, drm::File& file) {
  Fpriv* fpriv = kernel::kzalloc_obj<Fpriv>("fpriv");
  if (fpriv == nullptr) return -ENOMEM;
  const int error = vm_init(fpriv->vm, adev);
  if (error != 0) {
    kernel::kfree(fpriv);
    return error;
  }
  kernel::kref_init(fpriv->refcount, "fpriv", {kFileFpriv, drm::file_object(file)});
  kernel::xa_init(fpriv->userq_mgr.userq_xa, "xa_lock(userq_xa)");
  kernel::mutex_init(fpriv->userq_mgr.userq_mutex, "userq_mutex");
  kernel::init_list_head(fpriv->userq_mgr.queues);
  kernel::init_delayed_work(fpriv->userq_mgr.resume_work, restore_worker, "resume_work");
  kernel::init_work(fpriv->userq_mgr.reset_work, reset_work, "reset_work");
  fpriv->userq_mgr.adev = &adev;
  evf_mgr_init(fpriv->evf_mgr);
  file.driver_priv = fpriv;
  file.driver_release = driver_release;
  file.driver_postclose = driver_postclose;
  return 0;
}

void fpriv_get(Fpriv& fpriv, kernel::Holder holder) { kernel::kref_get(fpriv.refcount, holder); }

void fpriv_put(Fpriv& fpriv, kernel::Holder holder) {
  kernel::kref_put(fpriv.refcount, holder, release);
}

}  // namespace userq
