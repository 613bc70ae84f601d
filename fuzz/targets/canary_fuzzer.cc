// Fails on purpose, after some hundred runs: proves that the way from a finding to its report
// works.
#include <cstddef>
#include <cstdint>

#include "core/kernel/report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == '!')
    kernel::report(kernel::Verdict::kCanary, "canary_fuzzer", "the input begins with '!'");
  return 0;
}
