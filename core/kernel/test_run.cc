#include "core/kernel/test_run.h"

#include "core/kernel/runtime.h"
#include "core/sched/sanitizer.h"

namespace kernel {

namespace {

std::optional<TestRun::Finding> caught;

// The contexts of an abandoned run are never joined: what they did is ordered before the rest of
// the test here.
char abandon_edge;

void catch_report(Verdict verdict, const char* where) {
  caught = TestRun::Finding{verdict, where};
  sched::order_after_others(~0u, &abandon_edge);
  sched::tsan_release(&abandon_edge);
  sched::abandon();
}

void check_end(void*) { runtime_end(0); }
void call(void* function) { (*static_cast<std::function<void()>*>(function))(); }

// Extends `preemptions` by one towards each of the targets left, at most `points` points later.
void place(Preemptions& preemptions, const sched::Target* target, const sched::Target* end,
           uint64_t points, const std::function<void(const Preemptions&)>& run) {
  if (target == end) return run(preemptions);
  for (uint32_t after = 1; after <= points; ++after) {
    preemptions.push_back({after, *target});
    place(preemptions, target + 1, end, points - after, run);
    preemptions.pop_back();
  }
}

// An interrupt that a thread brings upon itself goes on where the thread is, for TSan too.
struct Interrupt {
  const std::function<void()>& body;

  static void run(void* arg) {
    sched::tsan_acquire(arg);
    static_cast<Interrupt*>(arg)->body();
    sched::tsan_release(arg);
  }
};

}  // namespace

std::optional<TestRun::Finding> TestRun::operator()() {
  caught.reset();
  set_report_handler(print ? nullptr : catch_report);
  sched::ReplayDecider replay(preemptions.data(), preemptions.size());
  runtime_begin(cpus, &replay);
  for (unsigned i = 0; i < threads.size(); ++i) sched::spawn(i, {call, &threads[i], i + 1});
  sched::set_preemptible(true);
  if (sched::run_all()) {
    // In a context, too, so that its findings can give up the run.
    sched::set_preemptible(false);
    sched::spawn(sched::kMainThread, {check_end, nullptr, 0});
    sched::run_all();
  }
  sched::tsan_acquire(&abandon_edge);
  runtime_discard();
  set_report_handler(nullptr);
  return caught;
}

std::string to_string(const std::optional<TestRun::Finding>& finding) {
  if (!finding) return "nothing";
  return std::string(verdict_name(finding->verdict)) + (finding->where.empty() ? "" : " ") +
         finding->where;
}

std::string run_alone(std::function<void()> body) {
  TestRun run;
  run.threads = {std::move(body)};
  return to_string(run());
}

void sweep(std::initializer_list<sched::Target> targets,
           const std::function<void(const Preemptions& preemptions)>& run) {
  run({});
  Preemptions preemptions;
  place(preemptions, targets.begin(), targets.end(), sched::trace().points, run);
}

void in_interrupt(const std::function<void()>& body) {
  Interrupt interrupt{body};
  const sched::Context& self = *sched::current();
  sched::tsan_release(&interrupt);
  sched::raise_irq(self.cpu, {Interrupt::run, &interrupt, self.tag});
  sched::point(sched::Point::kStep);
  sched::tsan_acquire(&interrupt);
}

}  // namespace kernel
