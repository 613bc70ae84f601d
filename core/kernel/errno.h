// Error numbers that exist only inside the kernel.
#pragma once

#include <cerrno>

namespace kernel {

inline constexpr int kErestartsys =
    512;  // ERESTARTSYS: a signal interrupted the call; userspace sees EINTR
inline constexpr int kEnotsupp = 524;  // ENOTSUPP; that userspace sees it is a bug of long standing

}  // namespace kernel
