// drm_file: one open file of the device, with its syncobj and GEM handles and the driver's private
// part.
//
// The end of a file, in this order:
//   driver_release    the driver's file operation: its queues go, while handles and address space
//                     are still there
//   syncobj handles
//   GEM handles       calls GemObjectFuncs::close, which still finds the driver's private part
//   driver_postclose  the driver frees its private part
#pragma once

#include <cstdint>

#include "core/kernel/kref.h"
#include "core/kernel/uaccess.h"
#include "core/kernel/xarray.h"

namespace drm {

struct Descriptors;

struct File {
  kernel::Kref refcount;      // held by whoever opened it (struct file); counts for the ledger only
  kernel::XArray syncobj_xa;  // handle -> Syncobj, handles from 1
  kernel::XArray object_idr;  // handle -> GemObject, handles from 1; its lock is the table_lock
  kernel::UserMemory* mm;     // of the process that opened the file
  bool privileged;            // that has CAP_SYS_NICE, or is the master of the device
  Descriptors* files;         // of that process; set once the file is open. nullptr: it has none
  void* driver_priv;
  void (*driver_release)(File& file);    // nullptr: nothing to do
  void (*driver_postclose)(File& file);  // nullptr: nothing to do
};

// nullptr: no memory. The driver fills in driver_priv and its two functions. Mirrors
// drm_file_alloc.
File* file_alloc(kernel::UserMemory* mm);
// No descriptor and no running ioctl is left: ends the file as above. Process context. Mirrors
// drm_release and drm_file_free.
void file_free(File& file);
// The ledger's number of the file.
inline uint32_t file_object(const File& file) { return file.refcount.object; }

}  // namespace drm
