// AddressSanitizer must report a heap-use-after-free here.

#include <cstdlib>

int main() {
  volatile int* value = static_cast<int*>(std::malloc(sizeof(int)));
  *value = 1;
  std::free(const_cast<int*>(value));
  return *value == 2;
}
