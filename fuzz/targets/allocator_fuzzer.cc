// The allocators of the driver against flat models: the XArray against an array of (index, entry),
// in ascending order, and seq64 slots against a bitmap. Beside the steps an RCU reader walks the
// XArray and must never see an entry at an index that is not its own.
#include <cerrno>
#include <cstring>

#include "core/kernel/list.h"
#include "core/kernel/task.h"
#include "core/kernel/xarray.h"
#include "core/userq/seq64.h"
#include "fuzz/targets/step_target.h"

namespace {

enum Kind : unsigned {
  kFirst = steps::kCommon - 1,
#define STEP(enumerator, name, operands) enumerator,
#include "fuzz/targets/allocator_steps.def"
#undef STEP
};

constexpr unsigned kMaxEntries = steps::kMaxSteps;  // a step stores one at most
constexpr uint32_t kSlots = 70;                     // more than one word of the bitmap
constexpr unsigned kReaderWalks = 4;

struct Entry {
  uint64_t index;
  void* value;
};

struct Model {
  Entry entries[kMaxEntries];  // ascending
  unsigned count;
  bool slots[kSlots];
};

kernel::XArray xa;
userq::Seq64 seq64;
Model model;

uint64_t index_of(uint8_t level, uint8_t digit) { return uint64_t{digit} << (6 * (level % 11)); }
// What is stored at an index: tells which index it belongs to. Never dereferenced.
void* entry_of(uint64_t index) {
  return reinterpret_cast<void*>((index * 0x9e3779b97f4a7c15 >> 8) << 3 | uintptr_t{1} << 62);
}

// The first entry of the model at or after an index.
unsigned lower_bound(uint64_t index) {
  unsigned i = 0;
  while (i < model.count && model.entries[i].index < index) ++i;
  return i;
}
bool holds(unsigned i, uint64_t index) {
  return i < model.count && model.entries[i].index == index;
}
void insert(uint64_t index) {
  const unsigned i = lower_bound(index);
  std::memmove(&model.entries[i + 1], &model.entries[i], (model.count++ - i) * sizeof(Entry));
  model.entries[i] = {index, entry_of(index)};
}
void remove(unsigned i) {
  std::memmove(&model.entries[i], &model.entries[i + 1], (--model.count - i) * sizeof(Entry));
}

// Whether a failed allocation excuses the result.
bool out_of_memory(int error) { return error == -ENOMEM && kernel::task().fail_alloc == 0; }

void xa_insert(uint64_t index, bool may_fail) {
  const bool present = holds(lower_bound(index), index);
  const int error = kernel::xa_insert(xa, index, entry_of(index));
  if (may_fail && !present && out_of_memory(error)) return;
  expect_result(error == (present ? -EBUSY : 0), "xa_insert", "%d, the index is %s", error,
                present ? "taken" : "free");
  if (!present) insert(index);
}

void xa_alloc(uint32_t min, uint32_t room, bool may_fail) {
  const uint32_t max = room > UINT32_MAX - min ? UINT32_MAX : min + room;
  uint64_t expected = min;
  for (unsigned i = lower_bound(min); holds(i, expected); ++i) ++expected;
  uint32_t id = 0;
  const int error = kernel::xa_alloc(xa, &id, entry_of(expected), min, max);
  if (may_fail && expected <= max && out_of_memory(error)) return;
  expect_result(error == (expected <= max ? 0 : -EBUSY), "xa_alloc", "%d for %u..%u", error, min,
                max);
  if (error != 0) return;
  expect_result(id == expected, "xa_alloc", "%u, the first free one is %llu", id,
                static_cast<unsigned long long>(expected));
  insert(id);
}

void xa_erase(uint64_t index) {
  const unsigned i = lower_bound(index);
  void* expected = holds(i, index) ? model.entries[i].value : nullptr;
  expect_result(kernel::xa_erase(xa, index) == expected, "xa_erase", "not the entry stored there");
  if (expected != nullptr) remove(i);
}

void xa_load(uint64_t index) {
  const unsigned i = lower_bound(index);
  kernel::rcu_read_lock();
  void* entry = kernel::xa_load(xa, index);
  kernel::rcu_read_unlock();
  expect_result(entry == (holds(i, index) ? model.entries[i].value : nullptr), "xa_load",
                "not the entry stored there");
}

void xa_find(uint64_t index) {
  const unsigned i = lower_bound(index);
  kernel::rcu_read_lock();
  void* entry = kernel::xa_find(xa, &index);
  kernel::rcu_read_unlock();
  if (i == model.count)
    expect_result(entry == nullptr, "xa_find", "an entry, there is none");
  else
    expect_result(entry == model.entries[i].value && index == model.entries[i].index, "xa_find",
                  "not the first entry from there on");
}

// Walks all entries and erases each n-th on the way.
void xa_walk(unsigned erase_every) {
  uint64_t index;
  void* entry;
  unsigned i = 0, seen = 0;
  xa_for_each(xa, index, entry) {
    expect_result(holds(i, index) && entry == model.entries[i].value, "xa_for_each",
                  "entry %u of the walk is not that of the model", seen);
    if (erase_every != 0 && ++seen % erase_every == 0) {
      kernel::xa_erase(xa, index);
      remove(i);
    } else {
      ++i;
    }
  }
  expect_result(i == model.count, "xa_for_each", "%u entries, %u are stored", i, model.count);
  expect_result(kernel::xa_empty(xa) == (model.count == 0), "xa_empty", "with %u entries",
                model.count);
}

void xa_clear() {
  kernel::xa_lock(xa);
  kernel::xa_clear_locked(xa);
  kernel::xa_unlock(xa);
  model.count = 0;
}

void seq64_alloc() {
  uint32_t expected = 0;
  while (expected < kSlots && model.slots[expected]) ++expected;
  uint64_t va = 0;
  uint64_t* cpu_addr = nullptr;
  const int error = userq::seq64_alloc(seq64, &va, &cpu_addr);
  expect_result(error == (expected < kSlots ? 0 : -ENOSPC), "seq64_alloc", "%d", error);
  if (error != 0) return;
  expect_result(va == userq::kSeq64VaStart + expected * sizeof(uint64_t) &&
                    cpu_addr == seq64.cpu_base + expected,
                "seq64_alloc", "not slot %u, the first free one", expected);
  model.slots[expected] = true;
}

void seq64_free(uint32_t slot) {
  if (!model.slots[slot]) return;
  userq::seq64_free(seq64, userq::kSeq64VaStart + slot * sizeof(uint64_t));
  model.slots[slot] = false;
}

// --- phases ---

void set_up() {
  kernel::xa_init(xa, "xa_lock");
  userq::seq64_init(seq64, kSlots);
  model.count = 0;
  for (bool& slot : model.slots) slot = false;
}

void step(const steps::Step& step) {
  const bool may_fail = kernel::task().fail_alloc != 0;
  switch (step.op) {
    case kXaInsert:
      return xa_insert(index_of(step.a, step.b), may_fail);
    case kXaAlloc:
      return xa_alloc(static_cast<uint32_t>(index_of(step.a % 6, step.b)), step.c, may_fail);
    case kXaErase:
      return xa_erase(index_of(step.a, step.b));
    case kXaLoad:
      return xa_load(index_of(step.a, step.b));
    case kXaFind:
      return xa_find(index_of(step.a, step.b));
    case kXaWalk:
      return xa_walk(step.a);
    case kXaClear:
      return xa_clear();
    case kSeq64Alloc:
      return seq64_alloc();
    case kSeq64Free:
      return seq64_free(step.a % kSlots);
  }
}

void reader() {
  for (unsigned walk = 0; walk < kReaderWalks; ++walk) {
    kernel::rcu_read_lock();
    uint64_t index;
    void* entry;
    xa_for_each(xa, index, entry)
      expect_result(entry == entry_of(index), "xa_find", "a reader sees an entry of another index");
    kernel::rcu_read_unlock();
  }
}

void tear_down() {
  uint32_t used = 0;
  for (const bool slot : model.slots) used += slot;
  expect_result(userq::seq64_used(seq64) == used, "seq64", "not %u slots in use", used);
  kernel::xa_destroy(xa);
  userq::seq64_fini(seq64);
}

constexpr StepTarget kTarget = {"allocator_fuzzer", set_up, step, reader, tear_down};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  step_target_initialize(kTarget);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  step_target_run(kTarget, data, size);
  return 0;
}
