#include "core/kernel/slab.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>

#include "core/kernel/lockdep.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

// A hash table of live objects with linear probing. Addresses are stored complemented: to
// LeakSanitizer this table must not look like a reference to the object.
struct Live {
  uintptr_t key;  // ~address; 0: empty
  const char* type;
  uint32_t tag;
  uint32_t serial;
  bool virt;  // of kvmalloc()
};

Live* table;
size_t capacity;  // a power of two
size_t live;
uint32_t serial;

// The latest ones that were freed: what a second free is told about.
struct Freed {
  uintptr_t key;  // ~address
  const char* type;
  uint32_t tag;  // of the operation that freed it
};
constexpr size_t kFreedKept = 64;
Freed freed[kFreedKept];
size_t frees;

size_t slot_of(uintptr_t key) { return (key * 0x9e3779b97f4a7c15 >> 20) & (capacity - 1); }

size_t find(uintptr_t key) {
  size_t i = slot_of(key);
  while (table[i].key != key && table[i].key != 0) i = (i + 1) & (capacity - 1);
  return i;
}

void grow() {
  Live* old = table;
  const size_t old_capacity = capacity;
  capacity = capacity ? capacity * 2 : 1024;
  table = static_cast<Live*>(std::calloc(capacity, sizeof(Live)));
  if (table == nullptr) std::abort();
  for (size_t i = 0; i < old_capacity; ++i)
    if (old[i].key != 0) table[find(old[i].key)] = old[i];
  std::free(old);
}

uint32_t present_tag() {
  const sched::Context* context = sched::current();
  return context ? context->tag : 0;
}

void remember(void* object, const char* type, bool virt) {
  if (live * 2 >= capacity) grow();
  const uintptr_t key = ~reinterpret_cast<uintptr_t>(object);
  table[find(key)] = {key, type, present_tag(), ++serial, virt};
  ++live;
}

const Live* live_object(void* object) {
  if (capacity == 0) return nullptr;
  const Live& entry = table[find(~reinterpret_cast<uintptr_t>(object))];
  return entry.key != 0 ? &entry : nullptr;
}

// Closes the gap, so that probing never needs tombstones. False if it is not live.
bool forget(void* object) {
  if (capacity == 0) return false;
  size_t gap = find(~reinterpret_cast<uintptr_t>(object));
  if (table[gap].key == 0) return false;
  freed[frees++ % kFreedKept] = {table[gap].key, table[gap].type, present_tag()};
  --live;
  for (size_t i = (gap + 1) & (capacity - 1); table[i].key != 0; i = (i + 1) & (capacity - 1)) {
    const size_t home = slot_of(table[i].key);
    if (((i - home) & (capacity - 1)) < ((i - gap) & (capacity - 1))) continue;
    table[gap] = table[i];
    gap = i;
  }
  table[gap].key = 0;
  return true;
}

void report_double_free(void* object) {
  const uintptr_t key = ~reinterpret_cast<uintptr_t>(object);
  for (size_t i = 1; i <= kFreedKept && i <= frees; ++i) {
    const Freed& before = freed[(frees - i) % kFreedKept];
    if (before.key != key) continue;
    report(Verdict::kDoubleFree, before.type, "%s is freed, and was freed before\n  first by %s",
           before.type, describe_operation(before.tag));
    return;
  }
  report(Verdict::kDoubleFree, "unknown object", "what is freed is not allocated");
}

bool injected_failure() {
  Task& t = task();
  sched::touch(&t.fail_alloc, true);
  return t.fail_alloc > 0 && --t.fail_alloc == 0;
}

// glibc's calloc() makes no use of its cache of freed objects, malloc() does; but the pages of a
// large object come zeroed from calloc(). The attribute keeps the compiler from calling it anyway.
__attribute__((no_builtin("malloc"))) void* zeroed_memory(size_t size) {
  constexpr size_t kLarge = 4096;
  if (size > kLarge) return std::calloc(1, size);
  void* object = std::malloc(size);
  if (object != nullptr) std::memset(object, 0, size);
  return object;
}

// The sanitizers tell memory of new from memory of malloc().
void release(void* object, bool virt) {
  if (virt)
    ::operator delete(object);
  else
    std::free(object);
}

enum class Kind : uint8_t { kPlain, kZeroed, kVirtual };

void* allocate(size_t size, Gfp gfp, const char* type, Kind kind) {
  if (gfp == Gfp::kKernel) {
    might_sleep("kmalloc");
    lockdep_might_reclaim("kmalloc");
  }
  sched::point(sched::Point::kAlloc);
  if (injected_failure() || size > kMaxAllocation) return nullptr;
  void* object = kind == Kind::kZeroed    ? zeroed_memory(size)
                 : kind == Kind::kVirtual ? ::operator new(size, std::nothrow)
                                          : std::malloc(size);
  if (object != nullptr) remember(object, type, kind == Kind::kVirtual);
  return object;
}

}  // namespace

void* kmalloc(size_t size, Gfp gfp, const char* type) {
  return allocate(size, gfp, type, Kind::kPlain);
}
void* kzalloc(size_t size, Gfp gfp, const char* type) {
  return allocate(size, gfp, type, Kind::kZeroed);
}
void* kvmalloc(size_t size, const char* type) {
  return allocate(size, Gfp::kKernel, type, Kind::kVirtual);
}

void kfree(void* object) {
  if (object == nullptr) return;
  sched::point(sched::Point::kFree);
  const Live* entry = live_object(object);
  if (entry != nullptr && entry->virt && checks_enabled) {
    report(Verdict::kDoubleFree, entry->type, "%s is memory of kvmalloc(), and freed with kfree()",
           entry->type);
    return kvfree(object);
  }
  if (!forget(object) && checks_enabled) return report_double_free(object);
  if (sched::touches_wanted()) sched::forget(object, malloc_usable_size(object));
  std::free(object);
}

void kvfree(void* object) {
  const Live* entry = object != nullptr ? live_object(object) : nullptr;
  if (entry == nullptr || !entry->virt) return kfree(object);
  sched::point(sched::Point::kFree);
  forget(object);
  if (sched::touches_wanted()) sched::forget(object, malloc_usable_size(object));
  release(object, true);
}

size_t slab_live_objects() { return live; }

// The oldest object comes first; those after it are looked at only if its leak is suppressed.
void slab_check_empty() {
  if (!checks_enabled) return;
  for (uint32_t after = 0;;) {
    const Live* oldest = nullptr;
    for (size_t i = 0; live > 0 && i < capacity; ++i)
      if (table[i].key != 0 && table[i].serial > after &&
          (oldest == nullptr || table[i].serial < oldest->serial))
        oldest = &table[i];
    if (oldest == nullptr) return;
    after = oldest->serial;
    report(Verdict::kObjectLeak, oldest->type,
           "%s was never freed\n  allocated by %s\n  objects leaked in all: %zu", oldest->type,
           describe_operation(oldest->tag), live);
  }
}

void slab_reset(bool free_live) {
  for (size_t i = 0; live > 0 && i < capacity; ++i) {
    if (table[i].key == 0) continue;
    if (free_live) release(reinterpret_cast<void*>(~table[i].key), table[i].virt);
    table[i].key = 0;
  }
  live = 0;
  serial = 0;
  frees = 0;
}

}  // namespace kernel
