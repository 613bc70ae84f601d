#include "fuzz/targets/forbidden_calls.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/kernel/report.h"

// Headers that declare what is defined here are left out: their declarations carry attributes that
// differ between C libraries.

namespace {

bool forbidden;

constexpr const char* kUseVirtualTime =
    "A run has a time of its own: ask sched::now(), wait with sched::sleep() or a sched::Timer.";
constexpr const char* kUseTheInput =
    "A run has no randomness: draw from a generator that the input seeds (fuzz/program/rng.h), and "
    "leave who runs next to the sched::Decider.";

void refuse(const char* name, const char* what, const char* remedy) {
  if (!forbidden) return;
  forbidden = false;  // the report may call what it likes
  kernel::report(kernel::Verdict::kNondeterminism, name,
                 "a run calls %s(), which is %s\n  The same input would not always do the same. %s",
                 name, what, remedy);
}
void refuse_clock(const char* name) { refuse(name, "a clock of the machine", kUseVirtualTime); }
void refuse_random(const char* name) { refuse(name, "a source of random numbers", kUseTheInput); }

void refuse_random_file(const char* function, const char* path) {
  if (path == nullptr || !forbidden) return;
  if (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0)
    refuse(path, function, kUseTheInput);
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void forbid_calls(bool on) { forbidden = on; }

// The function behind: the sanitizer's, which keeps its shadow memory right, or the C library's.
#define DEFINE(check, type, name, parameters, ...)                                 \
  extern "C" __attribute__((weak)) type __interceptor_##name parameters;           \
  extern "C" __attribute__((visibility("default"))) type name parameters {         \
    check(#name);                                                                  \
    if (__interceptor_##name != nullptr) return __interceptor_##name(__VA_ARGS__); \
    static type(*const behind) parameters = next<type parameters>(#name);          \
    return behind(__VA_ARGS__);                                                    \
  }

struct timespec;
struct timeval;
struct tms;
struct _IO_FILE;

DEFINE(refuse_clock, int, clock_gettime, (int id, struct timespec* time), id, time)
DEFINE(refuse_clock, int, gettimeofday, (struct timeval * time, void* zone), time, zone)
DEFINE(refuse_clock, int, timespec_get, (struct timespec * time, int base), time, base)
DEFINE(refuse_clock, long, time, (long* result), result)
DEFINE(refuse_clock, long, clock, (void))
DEFINE(refuse_clock, long, times, (struct tms * result), result)

DEFINE(refuse_random, int, rand, (void))
DEFINE(refuse_random, long, random, (void))
DEFINE(refuse_random, double, drand48, (void))
DEFINE(refuse_random, long, lrand48, (void))
DEFINE(refuse_random, long, mrand48, (void))
DEFINE(refuse_random, uint32_t, arc4random, (void))
DEFINE(refuse_random, uint32_t, arc4random_uniform, (uint32_t limit), limit)
DEFINE(refuse_random, void, arc4random_buf, (void* buffer, size_t size), buffer, size)
DEFINE(refuse_random, long, getrandom, (void* buffer, size_t size, unsigned flags), buffer, size,
       flags)
DEFINE(refuse_random, int, getentropy, (void* buffer, size_t size), buffer, size)

#define CHECK_FOPEN(name) refuse_random_file("opened", path)
DEFINE(CHECK_FOPEN, struct _IO_FILE*, fopen, (const char* path, const char* mode), path, mode)

extern "C" __attribute__((visibility("default"))) int open(const char* path, int flags, ...) {
  refuse_random_file("opened", path);
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = va_arg(arguments, unsigned);
  va_end(arguments);
  static int (*const behind)(const char*, int, ...) = next<int(const char*, int, ...)>("open");
  return behind(path, flags, mode);
}

// std::random_device, which may ask the processor and no function at all.
extern "C" __attribute__((visibility("default"))) unsigned random_device_value(
    void* device) __asm__("_ZNSt13random_device9_M_getvalEv");
extern "C" unsigned random_device_value(void* device) {
  refuse_random("std::random_device");
  static unsigned (*const behind)(void*) =
      next<unsigned(void*)>("_ZNSt13random_device9_M_getvalEv");
  return behind(device);
}
