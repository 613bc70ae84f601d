// For tests: runs functions as the threads and interrupts of one run of the kernel, and catches
// what is reported. What they share lives in the test and is captured by reference.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

inline constexpr sched::Target kT0{0}, kT1{1}, kT2{2};

struct TestRun {
  using Body = std::function<void()>;

  Body set_up;   // on the main thread; all that it starts, timers too, ends before the next phase
  Body prepare;  // at the start of t0, before anything else; must not sleep
  std::vector<Body> threads;    // t0, t1, ...; operations 1, 2, ...; here preemptions take effect
  std::vector<Body> irqs;       // the interrupt lane, on CPU 0
  std::vector<Body> tear_down;  // on the main thread, each when all before it has come to rest
  std::vector<sched::Preemption> preemptions;
  unsigned cpus = 2;
  bool print = false;  // a finding is printed and ends the process, for death tests

  // Runs all of it, then checks that nothing is left (ledger, slab). Returns "nothing", or what was
  // found: "reference-leak fence held by x". A finding ends the run at once; what its threads keep
  // in local variables is dropped without destructors.
  std::string operator()();

  // Runs with no preemption, with one to the first of `targets` at each scheduling point in turn,
  // each time with another one to the second at each point after that, and so on. What one run
  // leaves in the test's variables is there in the next: `set_up` initialises them. `check` looks
  // at them after each run. Ends at the first finding, and returns it with its preemptions.
  std::string sweep(std::initializer_list<sched::Target> targets, const Body& check = {});
};

// Runs one function on one thread.
std::string run_alone(TestRun::Body body);

// Runs `body` as an interrupt on top of the running thread, here and now; interrupts must be on.
void in_interrupt(const TestRun::Body& body);

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

// Findings "verdict:place" are suppressed while it lives.
struct Suppressed {
  explicit Suppressed(std::initializer_list<const char*> findings);
  ~Suppressed();
  Suppressed(const Suppressed&) = delete;
  Suppressed& operator=(const Suppressed&) = delete;
};

}  // namespace kernel
