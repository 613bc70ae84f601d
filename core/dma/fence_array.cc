#include "core/dma/fence_array.h"

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace dma {

namespace {

// base.error while no member had an error: an array that is complete must not show it.
constexpr int kPendingError = 1;

struct FenceArrayCb {
  FenceCb cb;
  FenceArray* array;
};

kernel::Holder array_holds(const FenceArray& array, const char* role) {
  return {role, fence_object(array.base)};
}

FenceArray& to_array(Fence& fence) { return *container_of(&fence, FenceArray, base); }

// They lie behind the array, one for each member.
FenceArrayCb* callbacks(FenceArray& array) { return reinterpret_cast<FenceArrayCb*>(&array + 1); }

// The first error wins.
void set_pending_error(FenceArray& array, int error) {
  if (error != 0) kernel::cmpxchg(array.base.error, kPendingError, error);
}

void clear_pending_error(FenceArray& array) { kernel::cmpxchg(array.base.error, kPendingError, 0); }

// Mirrors irq_dma_fence_array_work.
void irq_work_func(kernel::IrqWork& work) {
  FenceArray& array = *container_of(&work, FenceArray, work);
  clear_pending_error(array);
  fence_signal(array.base);
  fence_put(&array.base, array_holds(array, kArrayCallback));
}

// Under the lock of a member, which may be the lock of any of them and may be taken within the
// array's: the array is completed later.
void member_signaled(Fence& member, FenceCb& cb) {
  FenceArray& array = *container_of(&cb, FenceArrayCb, cb)->array;
  set_pending_error(array, member.error);
  if (kernel::atomic_dec_and_test(array.num_pending))
    kernel::irq_work_queue(array.work);
  else
    fence_put(&array.base, array_holds(array, kArrayCallback));
}

const char* get_driver_name(Fence&) { return "dma_fence_array"; }
const char* get_timeline_name(Fence&) { return "unbound"; }

bool enable_signaling(Fence& fence) {
  FenceArray& array = to_array(fence);
  FenceArrayCb* cbs = callbacks(array);
  for (unsigned i = 0; i < array.num_fences; ++i) {
    Fence& member = *array.fences[i];
    cbs[i].array = &array;
    // The array may be found complete before all its callbacks have run, and then be dropped.
    fence_get(&array.base, array_holds(array, kArrayCallback));
    if (fence_add_callback(member, cbs[i].cb, member_signaled) == 0) continue;
    kernel::load_acquire(member.flags);  // who sees the signaled flag sees the error
    set_pending_error(array, member.error);
    fence_put(&array.base, array_holds(array, kArrayCallback));
    if (kernel::atomic_dec_and_test(array.num_pending)) {
      clear_pending_error(array);
      return false;
    }
  }
  return true;
}

bool signaled(Fence& fence) {
  FenceArray& array = to_array(fence);
  // Read before the bit: enabling counts down members that this would then count again.
  int num_pending = kernel::load_acquire(array.num_pending);
  if (kernel::test_bit(kFenceEnableSignalBit, fence.flags)) {
    if (num_pending > 0) return false;
  } else {
    // Nobody counts: the members have to be asked.
    unsigned i = 0;
    while (i < array.num_fences && num_pending > 0)
      if (fence_is_signaled(*array.fences[i++])) --num_pending;
    if (num_pending > 0) return false;
  }
  clear_pending_error(array);
  return true;
}

void release(Fence& fence) {
  FenceArray& array = to_array(fence);
  for (unsigned i = 0; i < array.num_fences; ++i)
    fence_put(array.fences[i], array_holds(array, kArrayFences));
  kernel::kfree(array.fences);
  fence_free(fence);
}

void set_deadline(Fence& fence, uint64_t deadline) {
  FenceArray& array = to_array(fence);
  for (unsigned i = 0; i < array.num_fences; ++i) fence_set_deadline(*array.fences[i], deadline);
}

}  // namespace

const FenceOps kFenceArrayOps = {get_driver_name, get_timeline_name, signaled,    enable_signaling,
                                 release,         nullptr,           set_deadline};

FenceArray* to_fence_array(Fence* fence) {
  return fence != nullptr && fence_is_array(*fence) ? &to_array(*fence) : nullptr;
}

FenceArray* fence_array_create(unsigned num_fences, Fence** fences, uint64_t context,
                               uint64_t seqno, bool signal_on_any, kernel::Holder holder) {
  static_assert(sizeof(FenceArray) % alignof(FenceArrayCb) == 0);
  WARN_ON(num_fences == 0);
  void* memory = kernel::kzalloc(sizeof(FenceArray) + num_fences * sizeof(FenceArrayCb),
                                 kernel::Gfp::kKernel, "fence array");
  if (memory == nullptr) return nullptr;
  FenceArray& array = *new (memory) FenceArray();
  array.num_fences = num_fences;
  fence_init(array.base, kFenceArrayOps, nullptr, context, seqno, "fence array", holder);
  kernel::init_irq_work(array.work, irq_work_func);
  array.num_pending = signal_on_any ? 1 : static_cast<int>(num_fences);
  array.fences = fences;
  array.base.error = kPendingError;
  for (unsigned i = 0; i < num_fences; ++i) {
    kernel::kref_move(fences[i]->refcount, holder, array_holds(array, kArrayFences));
    WARN_ON(fence_is_container(*fences[i]));
  }
  return &array;
}

bool fence_match_context(Fence& fence, uint64_t context) {
  const FenceArray* array = to_fence_array(&fence);
  if (array == nullptr) return fence.context == context;
  for (unsigned i = 0; i < array->num_fences; ++i)
    if (array->fences[i]->context != context) return false;
  return true;
}

Fence* fence_array_first(Fence* head) {
  const FenceArray* array = to_fence_array(head);
  if (array == nullptr) return head;
  return array->num_fences > 0 ? array->fences[0] : nullptr;
}

Fence* fence_array_next(Fence* head, unsigned index) {
  const FenceArray* array = to_fence_array(head);
  return array != nullptr && index < array->num_fences ? array->fences[index] : nullptr;
}

}  // namespace dma
