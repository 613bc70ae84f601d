#include "core/kernel/errno_check.h"

#include <cstdio>
#include <cstring>

#include "core/kernel/errno.h"
#include "core/kernel/report.h"

namespace kernel {

const char* errno_name(int error) {
  if (error == kErestartsys) return "ERESTARTSYS";
  if (error == kEnotsupp) return "ENOTSUPP";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "E?";
}

namespace {

void wrong_errno(const char* where, int result, const char* detail) {
  const char* name = result < 0    ? errno_name(-result)
                     : result == 0 ? "success"
                                   : "a positive value";
  char place[160];
  std::snprintf(place, sizeof place, "%s %s", where, name);
  report(Verdict::kWrongErrno, place, "%s returned %d (%s), %s", where, result, name, detail);
}

}  // namespace

void check_errno(const char* where, int result, const int* allowed, size_t count) {
  if (result == 0 || !checks_enabled) return;
  for (size_t i = 0; i < count; ++i)
    if (result == allowed[i]) return;
  wrong_errno(where, result, "which it does not document");
}

void check_refused(const char* where, int result, int error) {
  if (result == error || !checks_enabled) return;
  char detail[80];
  std::snprintf(detail, sizeof detail, "and its arguments call for %d (%s)", error,
                errno_name(-error));
  wrong_errno(where, result, detail);
}

}  // namespace kernel
