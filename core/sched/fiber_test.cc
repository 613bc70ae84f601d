// What switching stacks leaves as it was. The compiler's stack-depth coverage is played by hand, as
// our own builds leave it out.
#include "core/sched/fiber.h"

#include <gtest/gtest.h>

#include <cstdint>

extern "C" __thread uintptr_t __sancov_lowest_stack;

namespace {

sched::Fiber thread, first, second;
unsigned entered;

// What the compiler puts at the start of each function.
__attribute__((noinline)) void enter_function() {
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here < __sancov_lowest_stack) __sancov_lowest_stack = here;
  ++entered;
}

void run_first(void*) {
  for (;;) {
    enter_function();
    sched::fiber_switch(first, second);
  }
}
void run_second(void*) {
  for (;;) {
    enter_function();
    sched::fiber_switch(second, thread);
  }
}

TEST(Fiber, StacksOfFibersAreNoPartOfTheStackDepthOfARun) {
  sched::fiber_adopt_thread(thread);
  sched::fiber_create(first, "first", run_first, nullptr);
  sched::fiber_create(second, "second", run_second, nullptr);
  __sancov_lowest_stack = UINTPTR_MAX;
  enter_function();
  const uintptr_t of_thread = __sancov_lowest_stack;
  ASSERT_NE(of_thread, UINTPTR_MAX);
  for (unsigned run = 0; run < 3; ++run) {
    sched::fiber_switch(thread, first);
    EXPECT_EQ(__sancov_lowest_stack, of_thread);
  }
  EXPECT_EQ(entered, 7u);
}

}  // namespace
