// Works that do what the test says, and queues for them.
#pragma once

#include <functional>

#include "core/kernel/wait.h"
#include "core/kernel/workqueue.h"

namespace kernel {

inline Workqueue ordered{"ordered_wq", true};
inline Workqueue unordered{"unordered_wq", false};

struct TestWork : Work {
  std::function<void()> body;

  explicit TestWork(std::function<void()> b, const char* work_name = "work") : body(std::move(b)) {
    init_work(*this, run, work_name);
  }
  static void run(Work& work) { static_cast<TestWork&>(work).body(); }
};

struct TestDelayedWork : DelayedWork {
  std::function<void()> body;

  explicit TestDelayedWork(std::function<void()> b) : body(std::move(b)) {
    init_delayed_work(*this, run, "delayed_work");
  }
  static void run(Work& work) { static_cast<TestDelayedWork&>(to_delayed_work(work)).body(); }
};

inline void step() { sched::point(sched::Point::kStep); }

inline void sleep_for(uint64_t time) {
  set_current_state();
  schedule_timeout("time", time);
}

}  // namespace kernel
