// The buffers that a signal or wait ioctl names: two arrays of GEM handles in user memory.
#pragma once

#include <cstdint>

#include "core/drm/exec.h"

namespace userq {

struct UserqBos {
  drm::GemObjects read;
  drm::GemObjects write;
};

// Looks up the handles, those to read from first. -ENOENT: one is unknown; -EFAULT, -ENOMEM.
// Nothing is held then. Process context.
int userq_bos_lookup(drm::File& file, uint64_t read_handles, uint32_t num_read,
                     uint64_t write_handles, uint32_t num_write, UserqBos& bos);
void userq_bos_free(UserqBos& bos);

// Locks all of them, with room for a fence in each. `exec` is initialised, and the caller ends it
// whatever comes back. -EALREADY: one is named twice, or two share a reservation; -EINTR; -ENOMEM.
int userq_bos_lock(drm::Exec& exec, const UserqBos& bos);

}  // namespace userq
