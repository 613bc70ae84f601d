// For tests: runs functions as logical threads of one run of the kernel, and catches what is
// reported. What the threads share lives in the test, is initialised before the run and is captured
// by reference.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

inline constexpr sched::Target kT0{0}, kT1{1}, kT2{2};

struct TestRun {
  std::function<void()> setup;                 // runs before the threads, on the main thread
  std::vector<std::function<void()>> threads;  // t0, t1, ...; operations 1, 2, ...
  std::function<void()> teardown;              // runs when all of them and their work is done
  std::vector<sched::Preemption> preemptions;
  unsigned cpus = 2;
  bool print = false;  // a finding is printed and ends the process, for death tests

  struct Finding {
    Verdict verdict;
    std::string where;
  };

  // Runs all of it, then checks that nothing is left (ledger, slab). A finding ends the run at
  // once; what its threads keep in local variables is dropped without destructors.
  std::optional<Finding> operator()();
};

// "reference-leak fence held by x", or "nothing": what an EXPECT_EQ compares.
std::string to_string(const std::optional<TestRun::Finding>& finding);

// Runs one function on one thread.
std::string run_alone(std::function<void()> body);

// Calls `run` with no preemption, with one to the first of `targets` at each scheduling point in
// turn, each time with another one to the second at each point after that, and so on. `run`
// executes one TestRun with them.
using Preemptions = std::vector<sched::Preemption>;
void sweep(std::initializer_list<sched::Target> targets,
           const std::function<void(const Preemptions& preemptions)>& run);

// Runs `body` as an interrupt on top of the running thread, here and now; interrupts must be on.
void in_interrupt(const std::function<void()>& body);

// A lock, or what contains one, of a test that may end with it held. On the heap: TSan forgets a
// lock with its memory, but would take the next one on the same stack for held.
template <typename Lock>
struct OnHeap {
  std::unique_ptr<Lock> lock = std::make_unique<Lock>();

  operator Lock&() { return *lock; }
  Lock* operator->() { return lock.get(); }
};

// All checkers are off while it lives.
struct ChecksOff {
  ChecksOff() { checks_enabled = false; }
  ~ChecksOff() { checks_enabled = true; }
  ChecksOff(const ChecksOff&) = delete;
  ChecksOff& operator=(const ChecksOff&) = delete;
};

}  // namespace kernel
