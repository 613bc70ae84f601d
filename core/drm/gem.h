// GEM: buffer objects that userspace names by handle, file by file.
#pragma once

#include <cstdint>

#include "core/dma/resv.h"
#include "core/drm/file.h"

namespace drm {

struct GemObject;

struct GemObjectFuncs {
  // The last reference is gone: the driver ends its part and frees the object. Process context.
  void (*free)(GemObject& obj);
  // `file` is about to get a handle to the object; an error refuses it. Process context. May be
  // nullptr.
  int (*open)(GemObject& obj, File& file);
  // A handle of `file` to it goes away; once for each open(). Process context. May be nullptr.
  void (*close)(GemObject& obj, File& file);
};

// Embedded in the driver's buffer object.
struct GemObject {
  kernel::Kref refcount;
  const GemObjectFuncs* funcs;
  uint64_t size;    // bytes
  dma::Resv* resv;  // `own_resv`, or that of a group of objects which share one
  dma::Resv own_resv;
  int handle_count;  // over all files; under the device's object_name_lock upstream, atomic here
};

// Role of all handles to an object together: the first one takes a reference, the last one drops
// it.
inline constexpr char kGemHandle[] = "object_idr";

// One reference, for `creator`. `resv` nullptr: its own. Mirrors drm_gem_private_object_init.
void gem_object_init(GemObject& obj, const GemObjectFuncs& funcs, uint64_t size, dma::Resv* resv,
                     kernel::Holder creator);
// For the driver's free(): ends what gem_object_init() began. Mirrors drm_gem_object_release.
void gem_object_release(GemObject& obj);
void gem_object_get(GemObject& obj, kernel::Holder holder);
// nullptr is allowed. Process context, no reservation held that free() takes.
void gem_object_put(GemObject* obj, kernel::Holder holder);
// The ledger's number of the object.
inline uint32_t gem_object(const GemObject& obj) { return obj.refcount.object; }

// Gives the object, of which the caller holds a reference, a new handle in the file. Nobody finds
// the object by it before open() agreed. -ENOMEM, or the error of open(): all is as before. Process
// context. Mirrors drm_gem_handle_create.
int gem_handle_create(File& file, GemObject& obj, uint32_t* handle);
// -EINVAL: no such handle. The number is free again only after close(). Process context. Mirrors
// drm_gem_handle_delete.
int gem_handle_delete(File& file, uint32_t handle);

// The object behind a handle, with a reference; nullptr: none. Mirrors drm_gem_object_lookup.
GemObject* gem_object_lookup(File& file, uint32_t handle, kernel::Holder holder);

// The objects behind an array of handles in user memory, each with a reference.
struct GemObjects {
  GemObject** objects;
  uint32_t count;
};
// -ENOENT: a handle is unknown; -EFAULT, -ENOMEM. Nothing is held then, and 0 handles give an empty
// array. The caller bounds `count`. Freed with gem_objects_free(). Mirrors drm_gem_objects_lookup.
int gem_objects_lookup(File& file, uint64_t user_handles, uint32_t count, GemObjects& objects,
                       kernel::Holder holder);
void gem_objects_free(GemObjects& objects, kernel::Holder holder);

struct drm_gem_close {
  uint32_t handle;
  uint32_t pad;  // not looked at
};
// -EINVAL: no such handle. Mirrors drm_gem_close_ioctl.
int gem_close_ioctl(File& file, drm_gem_close& args);

// File close: drops every handle. Mirrors drm_gem_release.
void gem_release_all(File& file);

}  // namespace drm
