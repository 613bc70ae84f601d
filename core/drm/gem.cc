#include "core/drm/gem.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/list.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace drm {

namespace {

constexpr kernel::Holder kHandles{kGemHandle};

// Stands in object_idr for a handle that is taken but names nothing: before open(), after close().
alignas(8) char no_object;

void release(kernel::Kref& kref) {
  GemObject& obj = *container_of(&kref, GemObject, refcount);
  obj.funcs->free(obj);
}

// The object behind a handle, or nullptr. Lock of object_idr held.
GemObject* find(const File& file, uint32_t handle) {
  void* entry = kernel::xa_load(file.object_idr, handle);
  return entry != &no_object ? static_cast<GemObject*>(entry) : nullptr;
}

// Mirrors drm_gem_object_handle_put_unlocked.
void handle_put(GemObject& obj) {
  if (kernel::atomic_add_return(-1, obj.handle_count) == 0) gem_object_put(&obj, kHandles);
}

// Mirrors drm_gem_object_release_handle.
void release_handle(File& file, GemObject& obj) {
  if (obj.funcs->close != nullptr) obj.funcs->close(obj, file);
  handle_put(obj);
}

// Mirrors objects_lookup.
int objects_lookup(File& file, const uint32_t* handles, uint32_t count, GemObjects& objects,
                   kernel::Holder holder) {
  int error = 0;
  kernel::xa_lock(file.object_idr);
  for (; objects.count < count; ++objects.count) {
    GemObject* obj = find(file, handles[objects.count]);
    if (obj == nullptr) {
      error = -ENOENT;
      break;
    }
    gem_object_get(*obj, holder);
    objects.objects[objects.count] = obj;
  }
  kernel::xa_unlock(file.object_idr);
  return error;
}

}  // namespace

void gem_object_init(GemObject& obj, const GemObjectFuncs& funcs, uint64_t size, dma::Resv* resv,
                     kernel::Holder creator) {
  kernel::kref_init(obj.refcount, "gem object", creator);
  obj.funcs = &funcs;
  obj.size = size;
  obj.handle_count = 0;
  dma::resv_init(obj.own_resv, gem_object(obj));
  obj.resv = resv != nullptr ? resv : &obj.own_resv;
}

void gem_object_release(GemObject& obj) { dma::resv_fini(obj.own_resv); }

void gem_object_get(GemObject& obj, kernel::Holder holder) {
  kernel::kref_get(obj.refcount, holder);
}

void gem_object_put(GemObject* obj, kernel::Holder holder) {
  if (obj != nullptr) kernel::kref_put(obj->refcount, holder, release);
}

int gem_handle_create(File& file, GemObject& obj, uint32_t* handle) {
  if (kernel::atomic_add_return(1, obj.handle_count) == 1) gem_object_get(obj, kHandles);
  uint32_t id;
  int error = kernel::xa_alloc(file.object_idr, &id, &no_object, 1, INT32_MAX);
  if (error != 0) {
    handle_put(obj);
    return error;
  }
  if (obj.funcs->open != nullptr) error = obj.funcs->open(obj, file);
  if (error != 0) {
    kernel::xa_erase(file.object_idr, id);
    handle_put(obj);
    return error;
  }
  kernel::xa_lock(file.object_idr);
  kernel::xa_store_locked(file.object_idr, id, &obj);
  kernel::xa_unlock(file.object_idr);
  *handle = id;
  return 0;
}

int gem_handle_delete(File& file, uint32_t handle) {
  kernel::xa_lock(file.object_idr);
  GemObject* obj = find(file, handle);
  if (obj != nullptr) kernel::xa_store_locked(file.object_idr, handle, &no_object);
  kernel::xa_unlock(file.object_idr);
  if (obj == nullptr) return -EINVAL;
  release_handle(file, *obj);
  kernel::xa_erase(file.object_idr, handle);
  return 0;
}

GemObject* gem_object_lookup(File& file, uint32_t handle, kernel::Holder holder) {
  kernel::xa_lock(file.object_idr);
  GemObject* obj = find(file, handle);
  if (obj != nullptr) gem_object_get(*obj, holder);
  kernel::xa_unlock(file.object_idr);
  return obj;
}

int gem_objects_lookup(File& file, uint64_t user_handles, uint32_t count, GemObjects& objects,
                       kernel::Holder holder) {
  objects = {nullptr, 0};
  if (count == 0) return 0;
  if (!kernel::kvmalloc_array(objects.objects, count, "gem object array")) return -ENOMEM;
  uint32_t* handles;
  int error = kernel::memdup_array_user(handles, user_handles, count);
  if (error == 0) error = objects_lookup(file, handles, count, objects, holder);
  kernel::kfree(handles);
  if (error != 0) gem_objects_free(objects, holder);
  return error;
}

void gem_objects_free(GemObjects& objects, kernel::Holder holder) {
  for (uint32_t i = 0; i < objects.count; ++i) gem_object_put(objects.objects[i], holder);
  kernel::kvfree(objects.objects);
  objects = {nullptr, 0};
}

int gem_close_ioctl(File& file, drm_gem_close& args) {
  return gem_handle_delete(file, args.handle);
}

void gem_release_all(File& file) {
  uint64_t handle;
  GemObject* obj;
  xa_for_each(file.object_idr, handle, obj) {
    kernel::xa_erase(file.object_idr, handle);
    release_handle(file, *obj);
  }
}

}  // namespace drm
