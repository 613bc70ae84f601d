#include "core/sched/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/sched/sanitizer.h"

// The deepest stack address of a run, where the compiler's stack-depth coverage keeps it. Flags
// that are not ours may ask for it (OSS-Fuzz's do): libFuzzer takes the distance to the OS thread's
// stack for a feature of the run. libFuzzer's own and the sanitizers' definition stand above this
// weak one.
extern "C" {
__attribute__((weak, tls_model("initial-exec"))) __thread uintptr_t __sancov_lowest_stack;
}

namespace sched {

namespace {

namespace context = boost::context::detail;

// ASan frames are several times the size of plain ones; untouched pages cost nothing.
constexpr size_t kStackSize = 256 * 1024;

// The fiber that runs; a fresh fiber finds itself here.
Fiber* running;

// First code on a fresh stack: complete the switch that led here, then run the body.
NO_SANITIZE void entry(context::transfer_t from) {
  Fiber* previous = static_cast<Fiber*>(from.data);
  previous->context = from.fctx;
  Fiber* self = running;
  const void* bottom = nullptr;
  size_t size = 0;
  finish_switch(nullptr, &bottom, &size);
  // The bounds of the OS thread's own stack are only known to the sanitizer, which tells them here.
  if (previous->stack_bottom == nullptr) {
    previous->stack_bottom = const_cast<void*>(bottom);
    previous->stack_size = size;
  }
  self->main(self->arg);
  std::fputs("fencebench: internal error: a fiber's body returned\n", stderr);
  std::abort();
}

void prepare(Fiber& fiber) {
  char* top = static_cast<char*>(fiber.stack_bottom) + fiber.stack_size;
  fiber.context = context::make_fcontext(top, fiber.stack_size, entry);
  fiber.fake_stack = nullptr;
  fiber.tsan = create_tsan_fiber(fiber.name);
}

}  // namespace

void fiber_adopt_thread(Fiber& fiber) {
  fiber.name = "main";
  fiber.tsan = current_tsan_fiber();
  running = &fiber;
}

void fiber_create(Fiber& fiber, const char* name, FiberMain main, void* arg) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* map = mmap(nullptr, kStackSize + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED || mprotect(map, page, PROT_NONE) != 0) {
    std::perror("fencebench: cannot map a fiber stack");
    std::abort();
  }
  fiber.stack_bottom = static_cast<char*>(map) + page;
  fiber.stack_size = kStackSize;
  fiber.name = name;
  fiber.main = main;
  fiber.arg = arg;
  prepare(fiber);
}

void fiber_reset(Fiber& fiber) {
  unpoison_stack(fiber.stack_bottom, fiber.stack_size);
  destroy_tsan_fiber(fiber.tsan);
  prepare(fiber);
}

NO_SANITIZE void fiber_switch(Fiber& from, Fiber& to) {
  running = &to;
  // How far a fiber's stack is from the OS thread's depends on where the machine mapped it, not on
  // the run.
  const uintptr_t lowest = __sancov_lowest_stack;
  start_switch(&from.fake_stack, to.stack_bottom, to.stack_size);
  switch_tsan_fiber(to.tsan);  // the last act before the jump: TSan's shadow stack changes here
  context::transfer_t back = context::jump_fcontext(to.context, &from);
  static_cast<Fiber*>(back.data)->context = back.fctx;
  const void* bottom = nullptr;
  size_t size = 0;
  finish_switch(from.fake_stack, &bottom, &size);
  if (from.main == nullptr) __sancov_lowest_stack = lowest;
}

}  // namespace sched
