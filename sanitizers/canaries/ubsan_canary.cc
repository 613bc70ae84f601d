// UndefinedBehaviorSanitizer must report a signed-integer-overflow here.

#include <climits>

int main() {
  volatile int number = INT_MAX;
  number = number + 1;
  return number == 0;
}
