// The errors that an ioctl may return.
#pragma once

#include <cstddef>

namespace kernel {

// Reports wrong-errno unless `result` is 0 or one of the `count` negative errors in `allowed`.
// `where` names the ioctl.
void check_errno(const char* where, int result, const int* allowed, size_t count);

// The same unless `result` is `error`: an ioctl whose arguments alone decide that.
void check_refused(const char* where, int result, int error);

// The name of an errno value, "ENOENT"; also of those that only the kernel has. "E?": none known.
const char* errno_name(int error);

}  // namespace kernel
