#include "core/drm/exec.h"

#include <cerrno>

#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kObjects{kExecObjects};
constexpr kernel::Holder kContended{kExecContended};
constexpr kernel::Holder kPrelocked{kExecPrelocked};

// Objects that the array grows by. A page of pointers upstream; few here, so that programs get
// there.
constexpr unsigned kGrowth = 4;

// Mirrors drm_exec_unlock_all.
void unlock_all(Exec& exec) {
  while (exec.num_objects > 0) {
    GemObject* obj = exec.objects[--exec.num_objects];
    dma::resv_unlock(*obj->resv);
    gem_object_put(obj, kObjects);
  }
  gem_object_put(exec.prelocked, kPrelocked);
  exec.prelocked = nullptr;
}

int grow(Exec& exec) {
  GemObject** larger;
  if (!kernel::kmalloc_array(larger, exec.max_objects + kGrowth, "drm_exec objects"))
    return -ENOMEM;
  for (unsigned i = 0; i < exec.num_objects; ++i) larger[i] = exec.objects[i];
  kernel::kfree(exec.objects);
  exec.objects = larger;
  exec.max_objects += kGrowth;
  return 0;
}

// Keeps an object that was just locked; if that fails, it is unlocked. Mirrors drm_exec_obj_locked.
int obj_locked(Exec& exec, GemObject& obj) {
  if (exec.num_objects == exec.max_objects) {
    const int error = grow(exec);
    if (error != 0) {
      dma::resv_unlock(*obj.resv);
      return error;
    }
  }
  gem_object_get(obj, kObjects);
  exec.objects[exec.num_objects++] = &obj;
  return 0;
}

// Locks the object for which the round before was given up. Mirrors drm_exec_lock_contended.
int lock_contended(Exec& exec) {
  GemObject* obj = exec.contended;
  if (obj == nullptr) return 0;
  // Even if it fails: an error has to reach the caller, not another round.
  exec.contended = nullptr;
  int error = 0;
  if ((exec.flags & kExecInterruptibleWait) != 0)
    error = dma::resv_lock_slow_interruptible(*obj->resv, exec.ticket);
  else
    dma::resv_lock_slow(*obj->resv, exec.ticket);
  if (error == 0) error = obj_locked(exec, *obj);
  if (error != 0) {
    gem_object_put(obj, kContended);
    return error;
  }
  kernel::kref_move(obj->refcount, kContended, kPrelocked);
  exec.prelocked = obj;
  return 0;
}

}  // namespace

void exec_init(Exec& exec, uint32_t flags) {
  exec = {};
  exec.flags = flags;
}

void exec_fini(Exec& exec) {
  unlock_all(exec);
  kernel::kfree(exec.objects);
  if (!exec.started) return;
  gem_object_put(exec.contended, kContended);
  kernel::ww_acquire_fini(exec.ticket);
}

bool exec_cleanup(Exec& exec) {
  if (!exec.started) {
    exec.started = true;
    kernel::ww_acquire_init(exec.ticket, dma::reservation_ww_class);
    return true;
  }
  if (exec.contended == nullptr) {
    kernel::ww_acquire_done(exec.ticket);
    return false;
  }
  unlock_all(exec);
  sched::point(sched::Point::kStep);  // a loop that gets nowhere is to be found
  return true;
}

int exec_lock_obj(Exec& exec, GemObject& obj) {
  int error = lock_contended(exec);
  if (error != 0) return error;
  if (exec.prelocked == &obj) {
    gem_object_put(exec.prelocked, kPrelocked);
    exec.prelocked = nullptr;
    return 0;
  }
  if ((exec.flags & kExecInterruptibleWait) != 0)
    error = dma::resv_lock_interruptible(*obj.resv, &exec.ticket);
  else
    error = dma::resv_lock(*obj.resv, &exec.ticket);
  if (error == -EDEADLK) {
    gem_object_get(obj, kContended);
    exec.contended = &obj;
    return error;
  }
  if (error == -EALREADY && (exec.flags & kExecIgnoreDuplicates) != 0) return 0;
  if (error != 0) return error;
  return obj_locked(exec, obj);
}

void exec_unlock_obj(Exec& exec, GemObject& obj) {
  for (unsigned i = exec.num_objects; i-- > 0;) {
    if (exec.objects[i] != &obj) continue;
    dma::resv_unlock(*obj.resv);
    for (++i; i < exec.num_objects; ++i) exec.objects[i - 1] = exec.objects[i];
    --exec.num_objects;
    gem_object_put(&obj, kObjects);
    return;
  }
}

int exec_prepare_obj(Exec& exec, GemObject& obj, unsigned num_fences) {
  int error = exec_lock_obj(exec, obj);
  if (error != 0) return error;
  error = dma::resv_reserve_fences(*obj.resv, num_fences);
  if (error != 0) exec_unlock_obj(exec, obj);
  return error;
}

int exec_prepare_array(Exec& exec, GemObject* const* objects, unsigned num_objects,
                       unsigned num_fences) {
  if (num_objects == 0) return lock_contended(exec);
  for (unsigned i = 0; i < num_objects; ++i) {
    const int error = exec_prepare_obj(exec, *objects[i], num_fences);
    if (error != 0) return error;
  }
  return 0;
}

}  // namespace drm
