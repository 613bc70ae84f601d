#include "fuzz/targets/leak_check.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// From the sanitizers; not in every build.
extern "C" __attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void*, size_t), void (*on_free)(const volatile void*));
extern "C" __attribute__((weak)) int __lsan_do_recoverable_leak_check();

namespace {

bool enabled;
int64_t balance;  // blocks allocated less blocks freed

void on_malloc(const volatile void*, size_t) { ++balance; }
void on_free(const volatile void* block) { balance -= block != nullptr; }

}  // namespace

void check_leaks(const TargetOptions& options) {
  if (!options.leak_check || __lsan_do_recoverable_leak_check == nullptr ||
      __sanitizer_install_malloc_and_free_hooks == nullptr)
    return;
  enabled = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0;
}

void leak_check_begins() { balance = 0; }

void leak_check_ends() {
  if (enabled && balance > 0 && __lsan_do_recoverable_leak_check() != 0) std::abort();
}
