// Whole programs through the door of core/sut.h, on the deterministic executor: the main target.
#include "fuzz/targets/program_target.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  program_target_initialize();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  program_target_run(data, size);
  return 0;
}
