// RCU: readers, grace periods, callbacks.
//
// A callback runs, in softirq context, after every context that was a reader when call_rcu() was
// called has stopped being one for a moment. Readers are RCU read sections and everything that runs
// with preemption or interrupts off. Callbacks run in the order of their call_rcu().
#pragma once

#include <cstdint>

#include <type_traits>

#include "core/kernel/atomic.h"
#include "core/kernel/list.h"
#include "core/kernel/slab.h"
#include "core/sched/sched.h"

namespace kernel {

struct RcuHead {
  RcuHead* next;
  void (*func)(RcuHead& head);
  sched::Mask readers;  // contexts that were readers and have not been seen out of it yet
  uint32_t tag;         // the operation that called call_rcu()
};

void rcu_read_lock();
void rcu_read_unlock();
// Reports rcu-misuse unless the running context is an RCU reader.
void rcu_assert_reader(const char* what);

// `func` runs after a grace period and may free the object that contains `head`. Any context. A
// head that still waits for its callback is reported as rcu-misuse and not taken again.
void call_rcu(RcuHead& head, void (*func)(RcuHead& head));

// Sleeps until a grace period is over: reported as rcu-misuse within a reader. Callbacks may still
// have to run.
void synchronize_rcu();
// Sleeps until all callbacks of earlier call_rcu() have run.
void rcu_barrier();

// rcu_dereference / rcu_assign_pointer.
template <typename T>
inline T* rcu_dereference(T* const& pointer) {
  return load_acquire(pointer);
}
template <typename T>
inline void rcu_assign_pointer(T*& pointer, T* value) {
  store_release(pointer, value);
}

// Hands the executor the callbacks whose grace period has ended.
bool rcu_take_softirq(sched::Job* job);
bool rcu_has_softirq();
// Starts a new run.
void rcu_reset();

}  // namespace kernel

// Frees the object that `pointer` points to, whose RcuHead is `member`, after a grace period. Any
// context.
#define kfree_rcu(pointer, member)                                                    \
  ::kernel::call_rcu((pointer)->member, [](::kernel::RcuHead& head) {                 \
    using Object = std::remove_pointer_t<std::remove_reference_t<decltype(pointer)>>; \
    ::kernel::kfree(container_of(&head, Object, member));                             \
  })
