// sync_file: a descriptor that stands for one fence.
#pragma once

#include "core/dma/fence.h"
#include "core/drm/descriptors.h"

namespace drm {

struct SyncFile {
  kernel::Kref refcount;
  dma::Fence* fence;  // holds a reference
};

inline constexpr char kSyncFileFence[] = "sync_file.fence";

// Of descriptors that stand for a SyncFile's refcount.
extern const DescriptorType kSyncFileType;

// One reference, for `creator`. nullptr: no memory. Mirrors sync_file_create.
SyncFile* sync_file_create(dma::Fence& fence, kernel::Holder creator);
// The fence behind a descriptor, with a reference for `holder`; nullptr: it is no sync file.
// Process context. Mirrors sync_file_get_fence.
dma::Fence* sync_file_get_fence(Descriptors* files, int fd, kernel::Holder holder);

}  // namespace drm
