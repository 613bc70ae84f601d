#include "core/kernel/list.h"

#include "core/kernel/report.h"

namespace kernel {

void report_list_corruption(const char* operation) {
  report(Verdict::kListCorruption, operation,
         "%s: the neighbours of the entry do not point back at it", operation);
}

}  // namespace kernel
