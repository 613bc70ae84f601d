// For tests: runs functions as logical threads of one run of the kernel, and catches what is reported.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

struct TestRun {
  std::vector<std::function<void()>> threads;  // t0, t1, ...
  std::vector<sched::Preemption> preemptions;
  unsigned cpus = 2;

  struct Finding {
    Verdict verdict;
    std::string where;
  };

  // Runs to the end, then checks that nothing is left (ledger, slab). A finding ends the run at once.
  std::optional<Finding> operator()();
};

// "reference-leak fence held by x", or "nothing": what an EXPECT_EQ compares.
std::string to_string(const std::optional<TestRun::Finding>& finding);

// Runs one function on one thread.
std::string run_alone(std::function<void()> body);

}  // namespace kernel
