// The driver's private part of a file (amdgpu_fpriv). Each queue holds a reference: a queue can
// outlive the file.
#pragma once

#include "core/drm/file.h"
#include "core/userq/eviction_fence.h"
#include "core/userq/queue.h"
#include "core/userq/vm.h"

namespace userq {

struct Fpriv {
  kernel::Kref refcount;
  QueueMgr userq_mgr;
  EvictionFenceMgr evf_mgr;
  Vm vm;
};

// Roles of those who hold an fpriv.
inline constexpr char kQueueFpriv[] = "queue.fpriv";
inline constexpr char kFileFpriv[] = "file.driver_priv";

// Private part of a new file; -ENOMEM.
int fpriv_open(Device& adev, drm::File& file);
Fpriv& to_fpriv(drm::File& file);
void fpriv_get(Fpriv& fpriv, kernel::Holder holder);
void fpriv_put(Fpriv& fpriv, kernel::Holder holder);

}  // namespace userq
