// What a GEM handle means to the driver: an object is in the file's address space for as long as
// the file has a handle to it.
#pragma once

#include "core/drm/gem.h"

namespace userq {

// Of all buffer objects. Mirrors amdgpu_gem_object_funcs.
extern const drm::GemObjectFuncs kGemObjectFuncs;

// The first handle brings the object into the address space and puts the eviction fence onto it.
// -EPERM: memory of another process, or always valid in another address space; -EINTR, -ENOMEM.
// Nothing is left behind then. Mirrors amdgpu_gem_object_open.
int gem_object_open(drm::GemObject& obj, drm::File& file);
// The last handle takes the object out again, with its mappings and its eviction fence; if a user
// queue lives in it, after the queues have left the GPU (upstream does not wait for that). Cannot
// fail: allocates nothing. Mirrors amdgpu_gem_object_close.
void gem_object_close(drm::GemObject& obj, drm::File& file);

}  // namespace userq
