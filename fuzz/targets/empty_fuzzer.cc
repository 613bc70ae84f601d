// Does nothing: what libFuzzer itself costs, the baseline of every throughput figure.
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }
