// drm_file: one open file of the device, with its syncobj handles and the driver's private part.
#pragma once

#include <cstdint>

#include "core/kernel/kref.h"
#include "core/kernel/uaccess.h"
#include "core/kernel/xarray.h"

namespace drm {

struct File {
  kernel::Kref refcount;      // held by whoever opened it (struct file); counts for the ledger only
  kernel::XArray syncobj_xa;  // handle -> Syncobj, handles from 1
  kernel::UserMemory* mm;     // of the process that opened the file
  void* driver_priv;
  void (*driver_release)(File& file);
};

// nullptr: no memory. The driver fills in driver_priv and driver_release. Mirrors drm_file_alloc.
File* file_alloc(kernel::UserMemory* mm);
// No descriptor and no running ioctl is left: ends the driver's part, then the syncobj handles.
// Process context. Mirrors drm_file_free.
void file_free(File& file);
// The ledger's number of the file.
inline uint32_t file_object(const File& file) { return file.refcount.object; }

}  // namespace drm
