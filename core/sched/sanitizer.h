// What the executor tells the sanitizers about fiber switches. Each function is nothing in a build
// without the sanitizer that it speaks to.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCEBENCH_ASAN 1
#endif
#if __has_feature(memory_sanitizer)
#define FENCEBENCH_MSAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FENCEBENCH_TSAN 1
#endif
#endif
// The executor is compiled without TSan instrumentation even in a TSan build, where the feature
// test is then false; the build says so by hand.
#if defined(FENCEBENCH_TSAN_RUNTIME)
#define FENCEBENCH_TSAN 1
#endif

#if defined(FENCEBENCH_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(FENCEBENCH_MSAN)
#include <sanitizer/msan_interface.h>
#endif
#if defined(FENCEBENCH_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" void __tsan_ignore_thread_begin();
extern "C" void __tsan_ignore_thread_end();
#endif

#define NO_SANITIZE __attribute__((no_sanitize("address", "memory", "thread", "undefined")))

namespace sched {

NO_SANITIZE inline void start_switch([[maybe_unused]] void** fake_stack,
                                     [[maybe_unused]] const void* bottom,
                                     [[maybe_unused]] size_t size) {
#if defined(FENCEBENCH_ASAN)
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#endif
#if defined(FENCEBENCH_MSAN)
  __msan_start_switch_fiber(bottom, size);
#endif
}

NO_SANITIZE inline void finish_switch([[maybe_unused]] void* fake_stack,
                                      [[maybe_unused]] const void** bottom_old,
                                      [[maybe_unused]] size_t* size_old) {
#if defined(FENCEBENCH_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack, bottom_old, size_old);
#endif
#if defined(FENCEBENCH_MSAN)
  __msan_finish_switch_fiber(bottom_old, size_old);
#endif
}

inline void unpoison_stack([[maybe_unused]] void* bottom, [[maybe_unused]] size_t size) {
#if defined(FENCEBENCH_ASAN)
  __asan_unpoison_memory_region(bottom, size);
#endif
#if defined(FENCEBENCH_MSAN)
  __msan_unpoison(bottom, size);
#endif
}

inline void* create_tsan_fiber([[maybe_unused]] const char* name) {
#if defined(FENCEBENCH_TSAN)
  void* fiber = __tsan_create_fiber(0);
  __tsan_set_fiber_name(fiber, name);
  return fiber;
#else
  return nullptr;
#endif
}

inline void destroy_tsan_fiber([[maybe_unused]] void* fiber) {
#if defined(FENCEBENCH_TSAN)
  __tsan_destroy_fiber(fiber);
#endif
}

inline void* current_tsan_fiber() {
#if defined(FENCEBENCH_TSAN)
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

// Without the no-sync flag every switch would order memory and hide every race.
NO_SANITIZE inline void switch_tsan_fiber([[maybe_unused]] void* fiber) {
#if defined(FENCEBENCH_TSAN)
  __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
#endif
}

// In between TSan sees no access and no allocation of the present fiber, those of the functions
// that it intercepts included.
inline void tsan_look_away() {
#if defined(FENCEBENCH_TSAN)
  __tsan_ignore_thread_begin();
#endif
}
inline void tsan_look_again() {
#if defined(FENCEBENCH_TSAN)
  __tsan_ignore_thread_end();
#endif
}

// Happens-before edges that the executor itself makes: spawn and join.
inline void tsan_acquire([[maybe_unused]] void* object) {
#if defined(FENCEBENCH_TSAN)
  __tsan_acquire(object);
#endif
}
inline void tsan_release([[maybe_unused]] void* object) {
#if defined(FENCEBENCH_TSAN)
  __tsan_release(object);
#endif
}

}  // namespace sched
