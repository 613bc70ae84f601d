// The fences that a wait ioctl has to do with: those of syncobjs, timeline points and buffers.
#pragma once

#include <cstdint>

#include "core/dma/fence.h"
#include "core/userq/userq_bos.h"

namespace userq {

// What the ioctl names; the arrays are copies in kernel memory.
struct WaitSources {
  drm::File* file;
  const uint32_t* timeline_handles;
  const uint64_t* timeline_points;
  uint32_t num_timelines;
  const uint32_t* handles;
  uint32_t num_handles;
  UserqBos bos;
};

inline constexpr char kCollectedRole[] = "collected by wait ioctl";
inline constexpr kernel::Holder kCollected{kCollectedRole};

// Fences on their way to the user; each holds a reference.
struct Collected {
  dma::Fence** fences;
  uint32_t count;
  uint32_t room;
};

// Visits the fences in this order: of timeline points, of syncobjs, of buffers to read from (which
// wait for all users), of buffers to write to (which wait for writers). Chains and arrays are taken
// apart; complete fences are not left out. Syncobjs come before the buffers are locked, because
// their submission is waited for, and whoever submits may need those locks. Errors of
// syncobj_find_fence() and of userq_bos_lock(). May sleep, no lock held.

// How many there are.
int count_fences(const WaitSources& sources, uint64_t* count);
// The fences, as many as there is room for; those beyond are waited for here, buffers locked or
// not. Also -ERESTARTSYS. Collected ones are the caller's to put whatever comes back.
int collect_fences(const WaitSources& sources, Collected& collected);

}  // namespace userq
