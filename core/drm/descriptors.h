// File descriptors: small numbers that name what lives outside of an open file, for instance a
// syncobj on its way to another process.
//
// A table stands for all processes of a run: a descriptor that one of them makes, the others know,
// as if it had been sent to them.
#pragma once

#include "core/kernel/kref.h"
#include "core/kernel/spinlock.h"

namespace drm {

// Descriptors that a table has room for.
inline constexpr int kMaxDescriptors = 64;

// What a descriptor stands for; compared by address, as upstream compares file_operations.
struct DescriptorType {
  void (*release)(kernel::Kref& object);  // the last reference is gone; process context
};

struct Descriptors {
  kernel::SpinLock file_lock;
  struct {
    bool used;  // reserved, or installed
    const DescriptorType* type;
    kernel::Kref* object;  // holds a reference; nullptr: nothing installed
  } fd[kMaxDescriptors];
};

inline constexpr char kDescriptor[] = "descriptor";

void descriptors_init(Descriptors& files);
// Closes all descriptors and ends the table's life.
void descriptors_fini(Descriptors& files);

// All below: process context. `files` nullptr is a table without room.

// Reserves the lowest free number. -EMFILE.
int get_unused_fd(Descriptors* files);
// Gives back a reserved number.
void put_unused_fd(Descriptors& files, int fd);
// The reserved number comes to stand for `object`. The reference of `holder` goes to the table.
void fd_install(Descriptors& files, int fd, const DescriptorType& type, kernel::Kref& object,
                kernel::Holder holder);
// What a descriptor of `type` stands for, with a reference for `holder`. 0; -EBADF: it is not open;
// -EINVAL: it is of another type.
int fdget(Descriptors* files, int fd, const DescriptorType& type, kernel::Kref** object,
          kernel::Holder holder);
// close(2). 0 or -EBADF.
int close_fd(Descriptors* files, int fd);

}  // namespace drm
