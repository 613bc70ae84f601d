#include "core/kernel/list.h"

#include "core/kernel/report.h"

namespace kernel {

void report_list_corruption(const char* operation) {
  if (!checks_enabled) return;
  report(Verdict::kListCorruption, operation,
         "%s: the entry is in no list, or its neighbours do not point back at it", operation);
}

}  // namespace kernel
