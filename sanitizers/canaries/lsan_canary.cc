// LeakSanitizer must report one lost block of 48 bytes here.

#include <cstdlib>
#include <cstring>

namespace {

// Not inlined, so that no register or stack slot of main ever holds the pointer.
__attribute__((noinline)) void lose_one() {
  void* volatile block = std::malloc(48);
  block = nullptr;
  (void)block;
}

// Overwrites the stack that lose_one() used.
__attribute__((noinline)) void clear_stack() {
  char bytes[4096];
  std::memset(bytes, 0, sizeof bytes);
  asm volatile("" : : "r"(bytes) : "memory");
}

}  // namespace

int main() {
  lose_one();
  clear_stack();
  return 0;
}
