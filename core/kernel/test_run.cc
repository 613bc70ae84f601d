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
  sched::release_contexts(~0u, &abandon_edge);
  sched::abandon();
}

void call(void* function) { (*static_cast<std::function<void()>*>(function))(); }

bool run_on_main_thread(std::function<void()> body) {
  if (body == nullptr) return true;
  sched::set_preemptible(false);
  sched::spawn(sched::kMainThread, {call, &body, 0});
  return sched::run_all();
}

// Runs with `preemptions`, which take `used` points, and with those that extend them.
void place(Preemptions& preemptions, uint64_t used, const sched::Target* target,
           const sched::Target* end, const std::function<void(const Preemptions&)>& run) {
  run(preemptions);
  if (target == end) return;
  const uint64_t points = sched::trace().points;
  for (uint32_t after = 1; used + after <= points; ++after) {
    preemptions.push_back({after, *target});
    place(preemptions, used + after, target + 1, end, run);
    preemptions.pop_back();
  }
}

// An interrupt that a thread brings upon itself goes on where the thread is, for TSan too.
struct Interrupt {
  const std::function<void()>& body;
  bool done = false;

  static void run(void* arg) {
    sched::tsan_acquire(arg);
    static_cast<Interrupt*>(arg)->body();
    static_cast<Interrupt*>(arg)->done = true;
    sched::tsan_release(arg);
  }
};

}  // namespace

std::optional<TestRun::Finding> TestRun::operator()() {
  caught.reset();
  set_report_handler(print ? nullptr : catch_report);
  sched::ReplayDecider replay(preemptions.data(), preemptions.size());
  runtime_begin(cpus, &replay);
  bool goes_on = run_on_main_thread(setup);
  if (goes_on) {
    for (unsigned i = 0; i < threads.size(); ++i) sched::spawn(i, {call, &threads[i], i + 1});
    sched::set_preemptible(true);
    goes_on = sched::run_all();
  }
  // The checks at the end run in a context, too, so that their findings can give up the run.
  if (goes_on && run_on_main_thread(teardown)) run_on_main_thread([] { runtime_end(0); });
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
  Preemptions preemptions;
  place(preemptions, 0, targets.begin(), targets.end(), run);
}

void in_interrupt(const std::function<void()>& body) {
  Interrupt interrupt{.body = body};
  const sched::Context& self = *sched::current();
  sched::tsan_release(&interrupt);
  sched::raise_irq(self.cpu, {Interrupt::run, &interrupt, self.tag});
  while (!interrupt.done) sched::point(sched::Point::kStep);  // a preemption may come before it
  sched::tsan_acquire(&interrupt);
}

}  // namespace kernel
