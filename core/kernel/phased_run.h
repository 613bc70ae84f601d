// For tests of the layers above: a TestRun with a set-up before the threads and a teardown after
// them, as a device needs, and with interrupts whose time the preemptions choose.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel/report.h"
#include "core/kernel/runtime.h"
#include "core/kernel/test_run.h"
#include "core/sched/sanitizer.h"
#include "core/sched/sched.h"

namespace kernel {

struct PhasedRun {
  using Body = std::function<void()>;

  Body set_up;   // on the main context; all that it starts, timers too, ends before the next phase
  Body prepare;  // at the start of t0, before anything else; must not sleep
  std::vector<Body> threads;    // t0, t1, ...; the only ones that are preempted
  std::vector<Body> irqs;       // the interrupt lane, on CPU 0
  std::vector<Body> tear_down;  // on the main context, each when all before it has come to rest
  Preemptions preemptions;
  uint64_t points = 0;  // of the last run: scheduling points while the threads ran

  // Runs to the end, then checks that nothing is left. Returns the first finding, which ends the
  // run at once, or "nothing".
  std::string operator()() {
    caught().reset();
    set_report_handler(catch_report);
    sched::ReplayDecider replay(preemptions.data(), preemptions.size());
    runtime_begin(2, &replay);
    Body check_end = [] { runtime_end(0); };
    bool going = !set_up || run_on_main(set_up);
    going = going && run_threads();
    for (Body& phase : tear_down) going = going && run_on_main(phase);
    if (going) run_on_main(check_end);
    runtime_discard();
    set_report_handler(nullptr);
    return to_string(caught());
  }

  // Runs with no preemption; with one, to `first`, at each scheduling point in turn; and each time
  // with a second one, to `second`, at each point after that. `check` is called after each run that
  // found nothing. Returns the first finding and its preemptions, or "nothing".
  std::string sweep(sched::Target first, sched::Target second, const Body& check) {
    std::string found = once({}, check);
    uint64_t end = points;
    for (uint32_t a = 1; a <= end && found == "nothing"; ++a) {
      found = once({{a, first}}, check);
      end = points;
      for (uint32_t b = 1; a + b <= end && found == "nothing"; ++b)
        found = once({{a, first}, {b, second}}, check);
    }
    return found;
  }

 private:
  static std::optional<TestRun::Finding>& caught() {
    static std::optional<TestRun::Finding> finding;
    return finding;
  }
  static void catch_report(Verdict verdict, const char* where) {
    caught() = TestRun::Finding{verdict, where};
    sched::abandon();
  }
  static void call(void* body) { (*static_cast<Body*>(body))(); }

  // To TSan, what prepare() did happens before everything that comes after it.
  static char& prepared() {
    static char edge;
    return edge;
  }
  static void call_prepared(void* body) {
    sched::tsan_acquire(&prepared());
    call(body);
  }

  static bool run_on_main(Body& body) {
    sched::spawn(sched::kMainThread, {call, &body, 0});
    return sched::run_all();
  }

  bool run_threads() {
    std::vector<sched::Job> jobs;
    for (Body& irq : irqs) jobs.push_back({call_prepared, &irq, 0});
    const std::vector<uint8_t> cpus(irqs.size(), 0);
    sched::set_irq_lane(jobs.data(), cpus.data(), static_cast<unsigned>(jobs.size()));
    uint64_t before = 0;
    Body first = [&] {
      if (prepare) prepare();
      sched::tsan_release(&prepared());
      before = sched::trace().points;
      sched::set_preemptible(true);
      threads[0]();
    };
    sched::spawn(0, {call, &first, 1});
    for (unsigned i = 1; i < threads.size(); ++i)
      sched::spawn(i, {call_prepared, &threads[i], i + 1});
    const bool ended = sched::run_all();
    sched::set_preemptible(false);
    points = sched::trace().points - before;
    return ended;
  }

  std::string once(Preemptions list, const Body& check) {
    preemptions = std::move(list);
    std::string found = (*this)();
    if (found == "nothing") {
      check();
      return found;
    }
    found += ", preempted after";
    for (const sched::Preemption& p : preemptions) found += " " + std::to_string(p.after);
    return found;
  }
};

}  // namespace kernel
