// Fibers: stacks of their own on one OS thread, switched by Boost.Context, known to every
// sanitizer.
//
// A fiber is made once and lives as long as the process: making a TSan fiber per run is slow and
// grows without bound. Switching orders no memory for TSan, so two fibers race exactly where two
// threads would.
#pragma once

#include <cstddef>

namespace sched {

// Body of a fiber. Must never return: an idle fiber switches away and is resumed with new work.
using FiberMain = void (*)(void* arg);

struct Fiber {
  void* context = nullptr;  // fcontext of the suspended stack
  void* stack_bottom = nullptr;
  size_t stack_size = 0;
  void* fake_stack = nullptr;  // ASan's use-after-return frames while suspended
  void* tsan = nullptr;        // TSan's idea of this thread
  FiberMain main = nullptr;
  void* arg = nullptr;
  const char* name = "";
};

// Turns the calling OS thread's own stack into a fiber, so that it can be switched back to.
void fiber_adopt_thread(Fiber& fiber);

// Maps a stack with a guard page and prepares `main(arg)` to run at the first switch to the fiber.
// Aborts when the machine has no memory for a stack.
void fiber_create(Fiber& fiber, const char* name, FiberMain main, void* arg);

// Forgets whatever the suspended fiber was doing: the next switch to it starts `main(arg)` again.
// Frames on its stack are dropped without unwinding.
void fiber_reset(Fiber& fiber);

// Suspends `from`, which must be the running fiber, and resumes `to`. Returns when somebody
// switches back.
void fiber_switch(Fiber& from, Fiber& to);

}  // namespace sched
