// MemorySanitizer must report a use-of-uninitialized-value here: a branch on memory never written.

#include <cstdlib>

int main() {
  volatile int* value = static_cast<int*>(std::malloc(sizeof(int)));
  if (*value == 42) return 1;
  std::free(const_cast<int*>(value));
  return 0;
}
