// Accesses that several contexts may make at once on purpose. Each is a scheduling point; for TSan
// they are atomics with exactly the ordering that the kernel's namesakes give.
#pragma once

#include <type_traits>

#include "core/sched/sched.h"

namespace kernel {

template <typename T>
inline T read_once(const T& location) {
  sched::access(sched::Point::kRead, &location);
  return __atomic_load_n(&location, __ATOMIC_RELAXED);
}

template <typename T>
inline void write_once(T& location, T value) {
  sched::access(sched::Point::kWrite, &location);
  __atomic_store_n(&location, value, __ATOMIC_RELAXED);
}

// smp_load_acquire / smp_store_release.
template <typename T>
inline T load_acquire(const T& location) {
  sched::access(sched::Point::kRead, &location);
  return __atomic_load_n(&location, __ATOMIC_ACQUIRE);
}
template <typename T>
inline void store_release(T& location, T value) {
  sched::access(sched::Point::kWrite, &location);
  __atomic_store_n(&location, value, __ATOMIC_RELEASE);
}

// Fully ordered read-modify-writes.
inline bool test_and_set_bit(unsigned bit, unsigned long& word) {
  sched::access(sched::Point::kAtomic, &word);
  const unsigned long mask = 1ul << bit;
  return (__atomic_fetch_or(&word, mask, __ATOMIC_SEQ_CST) & mask) != 0;
}
inline void set_bit(unsigned bit, unsigned long& word) {
  sched::access(sched::Point::kAtomic, &word);
  __atomic_fetch_or(&word, 1ul << bit, __ATOMIC_RELAXED);
}
inline void clear_bit(unsigned bit, unsigned long& word) {
  sched::access(sched::Point::kAtomic, &word);
  __atomic_fetch_and(&word, ~(1ul << bit), __ATOMIC_RELAXED);
}
inline bool test_bit(unsigned bit, const unsigned long& word) {
  return (read_once(word) >> bit & 1) != 0;
}
// Stores `desired` if `location` holds `expected`; returns what it held before. Orders nothing if
// it stores nothing.
template <typename T>
inline T cmpxchg(T& location, std::type_identity_t<T> expected, std::type_identity_t<T> desired) {
  sched::access(sched::Point::kAtomic, &location);
  __atomic_compare_exchange_n(&location, &expected, desired, false, __ATOMIC_SEQ_CST,
                              __ATOMIC_RELAXED);
  return expected;
}
inline int atomic_add_return(int delta, int& value) {
  sched::access(sched::Point::kAtomic, &value);
  return __atomic_add_fetch(&value, delta, __ATOMIC_SEQ_CST);
}
inline bool atomic_dec_and_test(int& value) { return atomic_add_return(-1, value) == 0; }
// These two order nothing.
inline int atomic_read(const int& value) { return read_once(value); }
inline void atomic_set(int& value, int to) { write_once(value, to); }
inline uint64_t atomic64_fetch_add(uint64_t delta, uint64_t& value) {
  sched::access(sched::Point::kAtomic, &value);
  return __atomic_fetch_add(&value, delta, __ATOMIC_SEQ_CST);
}

}  // namespace kernel
