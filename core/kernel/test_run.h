// For tests: runs functions as logical threads of one run of the kernel, and catches what is
// reported.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

struct TestRun {
  using Body = std::function<void()>;

  Body set_up;                  // on the main context, before the threads; not preempted
  std::vector<Body> threads;    // t0, t1, ...
  std::vector<Body> irqs;       // the interrupt lane, on CPU 0
  std::vector<Body> tear_down;  // on the main context, each when all before it has come to rest
  std::vector<sched::Preemption> preemptions;  // of the threads
  unsigned cpus = 2;

  struct Finding {
    Verdict verdict;
    std::string where;
  };

  // Runs to the end, then checks that nothing is left (ledger, slab). A finding ends the run at
  // once.
  std::optional<Finding> operator()();

  // Of the last run: scheduling points between the start of the threads and their end.
  uint64_t points = 0;
};

// "reference-leak fence held by x", or "nothing": what an EXPECT_EQ compares.
std::string to_string(const std::optional<TestRun::Finding>& finding);

// Runs one function on one thread.
std::string run_alone(std::function<void()> body);

// Runs `run` with one preemption, to `first`, at each of its scheduling points in turn, and with a
// second one, to `second`, at each point after that. `check` is called after each run that found
// nothing. Returns the first finding and its preemptions, or "nothing".
std::string sweep(TestRun& run, sched::Target first, sched::Target second,
                  const std::function<void()>& check = [] {});

}  // namespace kernel
