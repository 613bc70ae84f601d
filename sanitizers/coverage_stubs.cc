// Empty receivers for the coverage callbacks of the compiler, for programs that have neither an
// engine nor a sanitizer's runtime: tests and the command in the release build, tools of the build
// with foreign flags. Weak, because an engine's driver that is linked with everything (AFL++'s
// compiler does that) brings its own. The signatures are the compiler's (clang's SanitizerCoverage
// documentation).

#include <cstdint>

#define STUB(name, ...) \
  __attribute__((weak)) void name(__VA_ARGS__) {}

extern "C" {

STUB(__sanitizer_cov_8bit_counters_init, char*, char*)
STUB(__sanitizer_cov_pcs_init, const uintptr_t*, const uintptr_t*)
STUB(__sanitizer_cov_trace_pc_guard_init, uint32_t*, uint32_t*)
STUB(__sanitizer_cov_trace_pc_guard, uint32_t*)
STUB(__sanitizer_cov_trace_pc_indir, uintptr_t)
STUB(__sanitizer_cov_trace_cmp1, uint8_t, uint8_t)
STUB(__sanitizer_cov_trace_cmp2, uint16_t, uint16_t)
STUB(__sanitizer_cov_trace_cmp4, uint32_t, uint32_t)
STUB(__sanitizer_cov_trace_cmp8, uint64_t, uint64_t)
STUB(__sanitizer_cov_trace_const_cmp1, uint8_t, uint8_t)
STUB(__sanitizer_cov_trace_const_cmp2, uint16_t, uint16_t)
STUB(__sanitizer_cov_trace_const_cmp4, uint32_t, uint32_t)
STUB(__sanitizer_cov_trace_const_cmp8, uint64_t, uint64_t)
STUB(__sanitizer_cov_trace_switch, uint64_t, uint64_t*)
STUB(__sanitizer_cov_trace_div4, uint32_t)
STUB(__sanitizer_cov_trace_div8, uint64_t)
STUB(__sanitizer_cov_trace_gep, uintptr_t)
STUB(__sanitizer_cov_load1, uint8_t*)
STUB(__sanitizer_cov_load2, uint16_t*)
STUB(__sanitizer_cov_load4, uint32_t*)
STUB(__sanitizer_cov_load8, uint64_t*)
STUB(__sanitizer_cov_load16, void*)
STUB(__sanitizer_cov_trace_pc)

}  // extern "C"
