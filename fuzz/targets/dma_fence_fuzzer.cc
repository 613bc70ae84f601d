// Fences, arrays, chains, merging and reservations against the model in fence_model.h. Beside the
// steps a companion walks the reservations without their locks, and replaces their lists.
#include <cerrno>
#include <cstring>

#include "core/dma/fence_array.h"
#include "core/dma/fence_chain.h"
#include "core/dma/fence_unwrap.h"
#include "core/dma/resv.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "fuzz/targets/fence_model.h"
#include "fuzz/targets/step_target.h"

namespace {

enum StepKind : unsigned {
  kFirst = steps::kCommon - 1,
#define STEP(enumerator, name, operands) enumerator,
#include "fuzz/targets/dma_fence_steps.def"
#undef STEP
};

namespace model = fence_model;
using model::kNone;
using model::Tri;
using Kind = model::Fence::Kind;

constexpr unsigned kVars = 16;
constexpr unsigned kContexts = 4;  // with 32-bit sequence numbers, and as many with 64
constexpr unsigned kResvs = 2;
constexpr unsigned kMaxCallbacks = steps::kMaxSteps;
constexpr unsigned kUsages = 4;
constexpr unsigned kReaderWalks = 4;
constexpr unsigned kReaderRoom = 8;  // more than a new list has
constexpr kernel::Holder kVar{"variable"};
constexpr kernel::Holder kStep{"step"};
constexpr kernel::Holder kKept{"kept to the end"};

// A fence that the "hardware" completes: polling finds out.
struct HwFence {
  dma::Fence base;
  bool done;
};

struct Callback {
  dma::FenceCb cb;
  uint16_t fence;
  bool removed;
  unsigned calls;
};

struct Slot {
  uint16_t fence;
  uint8_t usage;
  bool superseded;  // a later fence took this slot, or that of a complete one, or another's
};

struct Reservation {
  dma::Resv resv;
  Slot slots[steps::kMaxSteps];
  unsigned count;
  bool has_stubs;  // and complete they are
};

dma::Fence* vars[kVars];
dma::Fence* kept[model::kMaxFences];  // all leaves, with a reference: in the end they are completed
unsigned num_kept;
uint16_t model_of[kVars];
Callback callbacks[kMaxCallbacks];
unsigned num_callbacks;
uint64_t contexts;  // the first of 2 * kContexts
Reservation reservations[kResvs];

const char* driver_name(dma::Fence&) { return "dma_fence_fuzzer"; }
const char* timeline_name(dma::Fence&) { return "hardware"; }
bool hw_signaled(dma::Fence& fence) {
  return kernel::read_once(container_of(&fence, HwFence, base)->done);
}
const dma::FenceOps kOps = {driver_name, timeline_name, hw_signaled, nullptr, nullptr};

// Compares what a function says with the model; what was a "maybe" is known from then on.
void expect_signaled(uint16_t fence, bool signaled, const char* where) {
  const Tri expected = model::is_signaled(fence);
  expect_result(expected == Tri::kMaybe || (expected == Tri::kYes) == signaled, where,
                "%s, the model says %s", signaled ? "complete" : "pending",
                expected == Tri::kYes ? "complete" : "pending");
  if (signaled) model::saw_signaled(fence);
}

void drop(unsigned var) {
  dma::fence_put(vars[var], kVar);
  vars[var] = nullptr;
  model_of[var] = kNone;
}

// The variable takes over the step's reference.
void store(unsigned var, dma::Fence* fence, uint16_t index) {
  dma::fence_put(vars[var], kVar);
  if (fence != nullptr) kernel::kref_move(fence->refcount, kStep, kVar);
  vars[var] = fence;
  model_of[var] = index;
}

bool is_leaf(unsigned var) {
  return vars[var] != nullptr && model::fences[model_of[var]].kind == Kind::kLeaf;
}
// Completed by its steps; a stub is complete, and has no `done`.
bool is_hw(unsigned var) { return is_leaf(var) && dma::fence_has_ops(*vars[var], kOps); }

// --- leaves ---

void create(unsigned var, uint8_t context, uint8_t seqno) {
  if (model::count == model::kMaxFences) return;
  HwFence* fence = kernel::kzalloc_obj<HwFence>("fence");
  if (fence == nullptr) return;
  const bool is_64 = context % (2 * kContexts) >= kContexts;
  const uint64_t number = is_64 ? seqno : static_cast<uint32_t>(seqno - 8);  // wraps at 8
  const uint64_t id = contexts + context % (2 * kContexts);
  (is_64 ? dma::fence_init64 : dma::fence_init)(fence->base, kOps, nullptr, id, number, "fence",
                                                kStep);
  kept[num_kept++] = dma::fence_get(&fence->base, kKept);
  store(var, &fence->base, model::add(Kind::kLeaf, &fence->base, id, number, is_64));
}

void stub(unsigned var) {
  if (model::count == model::kMaxFences) return;
  dma::Fence* fence = dma::fence_get_stub(kStep);
  const uint16_t index = model::add(Kind::kLeaf, fence, 0, 0, false);
  model::saw_signaled(index);
  store(var, fence, index);
}

void signal(unsigned var, int error) {
  if (!is_leaf(var)) return;
  model::Fence& fence = model::fences[model_of[var]];
  if (error != 0 && !fence.signaled && !dma::fence_is_signaled(*vars[var])) {
    dma::fence_set_error(*vars[var], error);
    fence.error = error;
  }
  const bool was = model::is_signaled(model_of[var]) == Tri::kYes && fence.signaled;
  const bool before = dma::fence_check_and_signal(*vars[var]);
  expect_result(before == was || fence.hw_done, "dma_fence_check_and_signal", "was %s before",
                before ? "complete" : "pending");
  model::saw_signaled(model_of[var]);
}

void hw_done(unsigned var) {
  if (!is_hw(var) || model::fences[model_of[var]].signaled) return;
  kernel::write_once(container_of(vars[var], HwFence, base)->done, true);
  model::fences[model_of[var]].hw_done = true;
}

// A name is the maker's, or that of a complete fence.
void expect_name(const char* name, const char* makers, const char* completes, Tri complete,
                 const char* where) {
  const bool is_makers = std::strcmp(name, makers) == 0;
  expect_result(is_makers || std::strcmp(name, completes) == 0, where, "'%s', not '%s' or '%s'",
                name, makers, completes);
  expect_result(complete == Tri::kMaybe || is_makers == (complete == Tri::kNo), where,
                "'%s' of a fence that is %s", name, complete == Tri::kYes ? "complete" : "pending");
}

void expect_names(dma::Fence& fence, const char* driver, const char* timeline, Tri complete) {
  kernel::rcu_read_lock();
  expect_name(dma::fence_driver_name(fence), driver, "detached-driver", complete,
              "dma_fence_driver_name");
  expect_name(dma::fence_timeline_name(fence), timeline, "signaled-timeline", complete,
              "dma_fence_timeline_name");
  kernel::rcu_read_unlock();
}

void names(unsigned var) {
  const model::Fence& fence = model::fences[model_of[var]];
  // Nobody polls here: a fence that is done may be pending.
  const Tri complete = fence.known_done                                ? Tri::kYes
                       : model::is_signaled(model_of[var]) == Tri::kNo ? Tri::kNo
                                                                       : Tri::kMaybe;
  switch (fence.kind) {
    case Kind::kLeaf:
      return expect_names(*vars[var], "dma_fence_fuzzer", "hardware", complete);
    case Kind::kArray:
      return expect_names(*vars[var], "dma_fence_array", "unbound", complete);
    case Kind::kChain:
      return expect_names(*vars[var], "dma_fence_chain", "unbound", complete);
  }
}

// --- callbacks and waiting ---

unsigned calls(const Callback& callback) {
  return __atomic_load_n(&callback.calls, __ATOMIC_RELAXED);
}

void called(dma::Fence& fence, dma::FenceCb& cb) {
  kernel::lockdep_assert_held(*fence.lock);
  __atomic_add_fetch(&container_of(&cb, Callback, cb)->calls, 1, __ATOMIC_RELAXED);
}

// An array that was asked to signal counts its members from then on.
void now_enabled(uint16_t index) {
  for (; index != kNone; index = model::fences[index].prev) {
    model::Fence& fence = model::fences[index];
    if (fence.kind == Kind::kArray) fence.enabled = true;
    if (fence.kind != Kind::kChain) return;
    if (model::fences[fence.contained].kind == Kind::kArray)
      model::fences[fence.contained].enabled = true;
  }
}

void add_callback(unsigned var) {
  if (num_callbacks == kMaxCallbacks) return;
  Callback& callback = callbacks[num_callbacks++];
  callback = {{}, model_of[var], false, 0};
  const Tri before = model::is_signaled(model_of[var]);
  const int error = dma::fence_add_callback(*vars[var], callback.cb, called);
  now_enabled(model_of[var]);
  expect_result(error == 0 || error == -ENOENT, "dma_fence_add_callback", "%d", error);
  expect_result(error == 0 || before != Tri::kNo, "dma_fence_add_callback",
                "refused by a pending fence");
  const model::Fence& fence = model::fences[model_of[var]];
  expect_result(error == -ENOENT || fence.kind != Kind::kLeaf || !fence.signaled,
                "dma_fence_add_callback", "taken by a complete fence");
  if (error != 0) callback.removed = true;  // it will not run
}

void remove_callback(unsigned which) {
  Callback& callback = callbacks[which];
  if (callback.removed || model::fences[callback.fence].known_done) return;
  for (unsigned var = 0; var < kVars; ++var) {
    if (model_of[var] != callback.fence) continue;
    const bool queued = dma::fence_remove_callback(*vars[var], callback.cb);
    expect_result(queued == (calls(callback) == 0), "dma_fence_remove_callback",
                  "%d after %u calls", queued, calls(callback));
    callback.removed = queued;
    return;
  }
}

void status(unsigned var) {
  const int got = dma::fence_get_status(*vars[var]);
  expect_signaled(model_of[var], got != 0, "dma_fence_get_status");
  const model::Fence& fence = model::fences[model_of[var]];
  if (fence.kind == Kind::kLeaf && got != 0)
    expect_result(got == (fence.error != 0 ? fence.error : 1), "dma_fence_get_status",
                  "%d, the error is %d", got, fence.error);
}

void wait(unsigned var) {
  const Tri before = model::is_signaled(model_of[var]);
  const int64_t left = dma::fence_wait_timeout(*vars[var], true, 0);
  now_enabled(model_of[var]);
  expect_result(left == 0 || left == 1, "dma_fence_wait_timeout", "%lld", (long long)left);
  expect_result(left == 0 || before != Tri::kNo, "dma_fence_wait_timeout", "over a pending fence");
  if (left == 1) model::saw_signaled(model_of[var]);
}

// Collects the fences of the variables first..; returns how many.
unsigned range(unsigned first, unsigned count, bool leaves_only, unsigned* which) {
  unsigned n = 0;
  for (unsigned i = 0; i < count && i < model::kMaxMembers; ++i) {
    const unsigned var = (first + i) % kVars;
    if (vars[var] != nullptr && (!leaves_only || is_leaf(var))) which[n++] = var;
  }
  return n;
}

void wait_any(unsigned first, unsigned count) {
  unsigned which[model::kMaxMembers];
  const unsigned n = range(first, count, false, which);
  if (n == 0) return;  // the kernel warns of that
  dma::Fence* fences[model::kMaxMembers];
  for (unsigned i = 0; i < n; ++i) fences[i] = vars[which[i]];
  uint32_t index = 0;
  const int64_t left = dma::fence_wait_any_timeout(fences, n, true, 0, &index);
  expect_result(left == 0 || (left == 1 && index < n), "dma_fence_wait_any_timeout", "%lld",
                (long long)left);
  for (unsigned i = 0; i < n; ++i) {
    if (left != 1 || i <= index)
      expect_signaled(model_of[which[i]], left == 1 && i == index, "dma_fence_wait_any_timeout");
  }
}

// --- containers ---

void array(unsigned var, unsigned first, uint8_t count_and_any) {
  unsigned which[model::kMaxMembers];
  const unsigned n = range(first, count_and_any & 0xf, true, which);
  if (n == 0 || model::count == model::kMaxFences) return;
  dma::Fence** fences;
  if (!kernel::kmalloc_array(fences, n, "members")) return;
  for (unsigned i = 0; i < n; ++i) fences[i] = dma::fence_get(vars[which[i]], kStep);
  const bool any = (count_and_any & 0x10) != 0;
  const uint64_t context = dma::fence_context_alloc(1);
  dma::FenceArray* created = dma::fence_array_create(n, fences, context, 1, any, kStep);
  if (created == nullptr) {
    for (unsigned i = 0; i < n; ++i) dma::fence_put(fences[i], kStep);
    return kernel::kfree(fences);
  }
  const uint16_t index = model::add(Kind::kArray, &created->base, context, 1, false);
  model::Fence& fence = model::fences[index];
  fence.num_members = n;
  fence.any = any;
  for (unsigned i = 0; i < n; ++i) fence.members[i] = model_of[which[i]];
  store(var, &created->base, index);
}

// A new node on top of what the variable holds.
void chain(unsigned var, unsigned from, uint8_t point) {
  if (vars[from] == nullptr || model::count == model::kMaxFences) return;
  const uint16_t contained = model_of[from];
  if (model::fences[contained].kind == Kind::kChain) return;
  dma::FenceChain* node = dma::fence_chain_alloc();
  if (node == nullptr) return;
  const uint16_t prev = model_of[var];
  const bool joins = prev != kNone && model::fences[prev].kind == Kind::kChain;
  const uint64_t prev_seqno = joins ? model::fences[prev].seqno : 0;
  dma::fence_chain_init(*node, dma::fence_get(vars[var], kStep), dma::fence_get(vars[from], kStep),
                        point, kStep);
  const bool in_order = joins && point > prev_seqno;
  const uint64_t seqno = joins && point < prev_seqno ? prev_seqno : point;
  expect_result(node->base.seqno == seqno, "dma_fence_chain_init", "point %llu, not %llu",
                (unsigned long long)node->base.seqno, (unsigned long long)seqno);
  expect_result(!joins || (node->base.context == model::fences[prev].context) == in_order,
                "dma_fence_chain_init", "point %u after %llu", point,
                (unsigned long long)prev_seqno);
  const uint16_t index = model::add(Kind::kChain, &node->base, node->base.context, seqno, true);
  model::fences[index].prev = prev;
  model::fences[index].contained = contained;
  model::fences[index].prev_seqno = in_order ? prev_seqno : 0;
  store(var, &node->base, index);
}

void find_seqno(unsigned var, unsigned from, uint8_t point) {
  if (vars[from] == nullptr) return;
  const model::Fence& head = model::fences[model_of[from]];
  dma::Fence* fence = dma::fence_get(vars[from], kStep);
  bool sure = true;
  const bool refused = point != 0 && (head.kind != Kind::kChain || head.seqno < point);
  const uint16_t expected =
      point == 0 || refused ? model_of[from] : model::find_seqno(model_of[from], point, &sure);
  const int error = dma::fence_chain_find_seqno(&fence, point, kStep);
  expect_result(error == (refused ? -EINVAL : 0), "dma_fence_chain_find_seqno",
                "%d for point %u of %llu", error, point, (unsigned long long)head.seqno);
  if (!sure) return dma::fence_put(fence, kStep);
  expect_result(fence == (expected == kNone ? nullptr : model::fences[expected].real),
                "dma_fence_chain_find_seqno", "not the node that point %u needs", point);
  store(var, fence, expected);
}

void unwrap(unsigned var) {
  uint16_t expected[model::kMaxFences];
  bool sure = true;
  const unsigned n = model::leaves(model_of[var], expected, model::kMaxFences, &sure);
  dma::FenceUnwrap cursor;
  dma::Fence* leaf;
  unsigned i = 0;
  fence_unwrap_for_each(leaf, cursor, vars[var], kStep) {
    expect_result(!sure || (i < n && model::fences[expected[i]].real == leaf), "dma_fence_unwrap",
                  "leaf %u is not the one it should be", i);
    ++i;
  }
  expect_result(!sure || i == n, "dma_fence_unwrap", "%u leaves, not %u", i, n);
}

// The pending leaves, of each context the latest and of equals the one made last, by context.
unsigned merged(const unsigned* which, unsigned count, uint16_t* out, bool* sure) {
  unsigned n = 0;
  for (unsigned v = 0; v < count; ++v) {
    uint16_t leaves[model::kMaxFences];
    const unsigned found = model::leaves(model_of[which[v]], leaves, model::kMaxFences, sure);
    for (unsigned l = 0; l < found; ++l) {
      const model::Fence& leaf = model::fences[leaves[l]];
      if (model::is_signaled(leaves[l]) == Tri::kYes) continue;
      unsigned at = 0;
      while (at < n && model::fences[out[at]].context < leaf.context) ++at;
      if (at < n && model::fences[out[at]].context == leaf.context) {
        if (model::later(leaf, model::fences[out[at]]) ||
            (leaf.seqno == model::fences[out[at]].seqno && leaves[l] > out[at]))
          out[at] = leaves[l];
        continue;
      }
      if (n == model::kMaxMembers) {
        *sure = false;
        return n;
      }
      std::memmove(&out[at + 1], &out[at], (n++ - at) * sizeof out[0]);
      out[at] = leaves[l];
    }
  }
  return n;
}

void merge(unsigned var, unsigned first, unsigned count) {
  unsigned which[model::kMaxMembers];
  const unsigned given = range(first, count % (model::kMaxMembers + 1), false, which);
  if (model::count == model::kMaxFences) return;
  dma::Fence* fences[model::kMaxMembers];
  for (unsigned i = 0; i < given; ++i) fences[i] = vars[which[i]];
  uint16_t expected[model::kMaxMembers + 1];
  bool sure = true;
  const unsigned n = merged(which, given, expected, &sure);
  dma::Fence* result = dma::fence_unwrap_merge(fences, given, kStep);
  if (result == nullptr)
    return expect_result(kernel::task().fail_alloc == 0, "dma_fence_unwrap_merge", "nothing");
  if (!sure) return dma::fence_put(result, kStep);
  if (n == 1) {
    expect_result(result == model::fences[expected[0]].real, "dma_fence_unwrap_merge",
                  "not the only pending leaf");
    return store(var, result, expected[0]);
  }
  expect_result(dma::fence_is_array(*result) == (n > 1), "dma_fence_unwrap_merge",
                "%u pending leaves", n);
  const uint16_t index =
      model::add(n > 1 ? Kind::kArray : Kind::kLeaf, result, result->context, result->seqno, false);
  model::Fence& fence = model::fences[index];
  if (n == 0) model::saw_signaled(index);
  fence.num_members = n;
  for (unsigned i = 0; i < n; ++i) {
    fence.members[i] = expected[i];
    expect_result(dma::to_fence_array(result)->fences[i] == model::fences[expected[i]].real,
                  "dma_fence_unwrap_merge", "member %u is not the one it should be", i);
  }
  store(var, result, index);
}

// --- reservations ---

// Whether a new fence may take the slot.
bool gives_way(const Slot& slot, const model::Fence& fence, uint8_t usage) {
  const model::Fence& old = model::fences[slot.fence];
  return old.context == fence.context && slot.usage >= usage &&
         (old.real == fence.real || model::later(fence, old));
}

void resv_add(Reservation& reservation, uint8_t usage, unsigned var) {
  if (!is_leaf(var)) return;
  dma::resv_lock(reservation.resv, nullptr);
  const int error = dma::resv_reserve_fences(reservation.resv, 1);
  if (error == 0)
    dma::resv_add_fence(reservation.resv, *vars[var], static_cast<dma::ResvUsage>(usage));
  dma::resv_unlock(reservation.resv);
  if (error != 0) return;
  const model::Fence& fence = model::fences[model_of[var]];
  bool any_complete = reservation.has_stubs;
  unsigned superseded = 0;
  Slot* place = nullptr;
  for (unsigned i = 0; i < reservation.count; ++i) {
    Slot& slot = reservation.slots[i];
    any_complete |= model::is_signaled(slot.fence) != Tri::kNo;
    if (!gives_way(slot, fence, usage)) continue;
    ++superseded;
    place = &slot;
  }
  const Slot added = {model_of[var], usage, false};
  // The one place that it can have taken.
  if (superseded == 1 && !any_complete) {
    *place = added;
    return;
  }
  for (unsigned i = 0; i < reservation.count; ++i)
    reservation.slots[i].superseded |= gives_way(reservation.slots[i], fence, usage);
  reservation.slots[reservation.count++] = added;
}

void resv_replace(Reservation& reservation, uint8_t usage, unsigned var) {
  if (!is_leaf(var)) return;
  // What a context's fences give way to comes after them all, so: a complete one.
  const uint64_t context = vars[var]->context;
  dma::Fence* stub = dma::fence_get_stub(kStep);
  dma::resv_lock(reservation.resv, nullptr);
  dma::resv_replace_fences(reservation.resv, context, *stub, static_cast<dma::ResvUsage>(usage));
  dma::resv_unlock(reservation.resv);
  dma::fence_put(stub, kStep);
  unsigned left = 0;
  for (unsigned i = 0; i < reservation.count; ++i)
    if (model::fences[reservation.slots[i].fence].context != context)
      reservation.slots[left++] = reservation.slots[i];
  reservation.has_stubs |= left != reservation.count;
  reservation.count = left;
}

struct Pending {
  unsigned least, most;  // a superseded fence may still be there
};

Pending pending_slots(const Reservation& reservation, unsigned usage) {
  Pending pending{};
  for (unsigned i = 0; i < reservation.count; ++i) {
    const Slot& slot = reservation.slots[i];
    if (slot.usage > usage || model::is_signaled(slot.fence) != Tri::kNo) continue;
    ++pending.most;
    pending.least += !slot.superseded;
  }
  return pending;
}

bool has_slot(const Reservation& reservation, const dma::Fence* fence, dma::ResvUsage usage) {
  for (unsigned i = 0; i < reservation.count; ++i)
    if (model::fences[reservation.slots[i].fence].real == fence &&
        reservation.slots[i].usage == static_cast<uint8_t>(usage))
      return true;
  return false;
}

void resv_check(Reservation& reservation) {
  for (unsigned usage = 0; usage < kUsages; ++usage) {
    const auto asked = static_cast<dma::ResvUsage>(usage);
    const Pending expected = pending_slots(reservation, usage);
    dma::resv_lock(reservation.resv, nullptr);
    dma::ResvIter cursor;
    dma::Fence* fence;
    unsigned pending = 0;
    resv_for_each_fence(cursor, reservation.resv, asked, fence) {
      if (dma::fence_is_signaled(*fence)) continue;
      ++pending;
      expect_result(has_slot(reservation, fence, cursor.fence_usage), "dma_resv_for_each_fence",
                    "a fence that was not added with this usage");
    }
    dma::resv_unlock(reservation.resv);
    expect_result(pending >= expected.least && pending <= expected.most, "dma_resv_for_each_fence",
                  "%u pending fences, not %u to %u", pending, expected.least, expected.most);
    expect_result(dma::resv_test_signaled(reservation.resv, asked) == (pending == 0),
                  "dma_resv_test_signaled", "with %u pending fences", pending);
    const uint64_t before = sched::now();
    expect_result(dma::resv_wait_timeout(reservation.resv, asked, true, 0) == (pending == 0),
                  "dma_resv_wait_timeout", "with %u pending fences", pending);
    expect_result(sched::now() == before, "dma_resv_wait_timeout", "a poll that takes time");
  }
}

// All that is pending, as one fence.
void resv_get(unsigned var, Reservation& reservation, uint8_t usage) {
  if (model::count == model::kMaxFences) return;
  const Pending expected = pending_slots(reservation, usage);
  dma::Fence* fence;
  const int error =
      dma::resv_get_singleton(reservation.resv, static_cast<dma::ResvUsage>(usage), &fence, kStep);
  if (error != 0)
    return expect_result(error == -ENOMEM && kernel::task().fail_alloc == 0,
                         "dma_resv_get_singleton", "%d", error);
  unsigned n = 0, index;
  uint16_t members[model::kMaxMembers];
  dma::Fence* member;
  fence_array_for_each(member, index, fence) {
    uint16_t found = kNone;
    for (unsigned i = 0; i < reservation.count; ++i) {
      const Slot& slot = reservation.slots[i];
      if (slot.usage <= usage && model::fences[slot.fence].real == member) found = slot.fence;
    }
    expect_result(found != kNone, "dma_resv_get_singleton",
                  "a fence that was not added with this usage");
    if (n < model::kMaxMembers) members[n] = found;
    ++n;
  }
  expect_result(n >= expected.least && n <= expected.most, "dma_resv_get_singleton",
                "%u pending fences, not %u to %u", n, expected.least, expected.most);
  if (n == 1) return store(var, fence, members[0]);
  if (n == 0 || n > model::kMaxMembers) return dma::fence_put(fence, kStep);
  const uint16_t array = model::add(Kind::kArray, fence, fence->context, fence->seqno, false);
  model::fences[array].num_members = n;
  std::memcpy(model::fences[array].members, members, n * sizeof members[0]);
  store(var, fence, array);
}

void resv_copy(Reservation& to, Reservation& from) {
  if (&to == &from) return;
  dma::resv_lock(to.resv, nullptr);
  const int error = dma::resv_copy_fences(to.resv, from.resv);
  dma::resv_unlock(to.resv);
  if (error != 0) return;
  to.count = from.count;
  to.has_stubs = from.has_stubs;
  std::memcpy(to.slots, from.slots, from.count * sizeof from.slots[0]);
}

// --- phases ---

void set_up() {
  model::reset();
  num_callbacks = num_kept = 0;
  dma::fence_reset();
  dma::resv_reset();
  dma::stub_init();
  contexts = dma::fence_context_alloc(2 * kContexts);
  for (unsigned var = 0; var < kVars; ++var) {
    vars[var] = nullptr;
    model_of[var] = kNone;
  }
  for (unsigned i = 0; i < kResvs; ++i) {
    dma::resv_init(reservations[i].resv, i + 1);
    reservations[i].count = 0;
    reservations[i].has_stubs = false;
  }
}

void step(const steps::Step& step) {
  const unsigned var = step.a % kVars;
  const unsigned from = step.b % kVars;
  Reservation& reservation = reservations[step.a % kResvs];
  const auto usage = static_cast<uint8_t>(step.b % kUsages);
  // Steps that need a fence in their variable.
  switch (step.op) {
    case kSignal:
    case kSignalError:
    case kHwDone:
    case kEnable:
    case kAddCallback:
    case kPoll:
    case kStatus:
    case kWait:
    case kUnwrap:
    case kNames:
      if (vars[var] == nullptr) return;
      break;
  }
  switch (step.op) {
    case kCreate:
      return create(var, step.b, step.c);
    case kStub:
      return stub(var);
    case kCopy:
      return store(var, dma::fence_get(vars[from], kStep), model_of[from]);
    case kDrop:
      return drop(var);
    case kSignal:
      return signal(var, 0);
    case kSignalError:
      return signal(var, -1 - step.b);
    case kHwDone:
      return hw_done(var);
    case kEnable:
      dma::fence_enable_sw_signaling(*vars[var]);
      return now_enabled(model_of[var]);
    case kAddCallback:
      return add_callback(var);
    case kRemoveCallback:
      if (num_callbacks > 0) remove_callback(step.a % num_callbacks);
      return;
    case kPoll:
      return expect_signaled(model_of[var], dma::fence_is_signaled(*vars[var]),
                             "dma_fence_is_signaled");
    case kStatus:
      return status(var);
    case kWait:
      return wait(var);
    case kWaitAny:
      return wait_any(var, step.b);
    case kArray:
      return array(var, from, step.c);
    case kChain:
      return chain(var, from, step.c);
    case kFindSeqno:
      return find_seqno(var, from, step.c);
    case kMerge:
      return merge(var, from, step.c);
    case kUnwrap:
      return unwrap(var);
    case kResvAdd:
      return resv_add(reservation, usage, step.c % kVars);
    case kResvReplace:
      return resv_replace(reservation, usage, step.c % kVars);
    case kResvCheck:
      return resv_check(reservation);
    case kResvCopy:
      return resv_copy(reservation, reservations[step.b % kResvs]);
    case kNames:
      return names(var);
    case kResvGet:
      return resv_get(var, reservations[step.b % kResvs], step.c % kUsages);
  }
}

void reader() {
  for (unsigned walk = 0; walk < kReaderWalks; ++walk) {
    for (Reservation& reservation : reservations) {
      dma::ResvIter cursor;
      dma::Fence* fence;
      dma::resv_iter_begin(cursor, reservation.resv, dma::ResvUsage::kBookkeep);
      resv_for_each_fence_unlocked(cursor, fence)
        expect_result(fence == cursor.fence, "dma_resv_iter", "a fence that the cursor lacks");
      dma::resv_iter_end(cursor);
    }
  }
  // Then it asks them who they are, and makes room for more.
  for (Reservation& reservation : reservations) {
    dma::ResvIter cursor;
    dma::Fence* fence;
    dma::resv_iter_begin(cursor, reservation.resv, dma::ResvUsage::kBookkeep);
    resv_for_each_fence_unlocked(cursor, fence)
      expect_names(*fence, "dma_fence_fuzzer", "hardware", Tri::kMaybe);
    dma::resv_iter_end(cursor);
  }
  for (Reservation& reservation : reservations) {
    dma::resv_lock(reservation.resv, nullptr);
    dma::resv_reserve_fences(reservation.resv, kReaderRoom);
    dma::resv_unlock(reservation.resv);
  }
}

// Everything completes, so every callback that was taken and not removed must run, once.
void tear_down() {
  for (unsigned i = 0; i < num_kept; ++i) {
    dma::fence_signal(*kept[i]);
    dma::fence_put(kept[i], kKept);
  }
  // Arrays and chains complete in interrupts of their own.
  kernel::set_current_state();
  kernel::schedule_timeout("interrupts", 1);
  for (unsigned i = 0; i < num_callbacks; ++i)
    expect_result(calls(callbacks[i]) == (callbacks[i].removed ? 0u : 1u), "dma_fence callback",
                  "ran %u times", calls(callbacks[i]));
  for (unsigned var = 0; var < kVars; ++var) drop(var);
  for (Reservation& reservation : reservations) dma::resv_fini(reservation.resv);
  dma::stub_fini();
}

constexpr StepTarget kTarget = {"dma_fence_fuzzer", set_up, step, reader, tear_down};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  step_target_initialize(kTarget);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  step_target_run(kTarget, data, size);
  return 0;
}
