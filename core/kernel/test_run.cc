#include "core/kernel/test_run.h"

#include <cstdio>
#include <cstdlib>

#include "core/kernel/runtime.h"
#include "core/kernel/suppress.h"
#include "core/sched/sanitizer.h"

namespace kernel {

namespace {

using Body = TestRun::Body;

constexpr const char* kNothing = "nothing";

// Of the last run: what operator() returns, and the points at which it could have been preempted.
std::string finding;
uint64_t points;

void catch_report(Verdict verdict, const char* where) {
  finding = verdict_name(verdict);
  if (*where != 0) finding.append(" ").append(where);
  sched::abandon();
}

void call(void* body) { (*static_cast<Body*>(body))(); }

// To TSan, what prepare() did happens before all that comes after it.
char prepared;

void call_prepared(void* body) {
  sched::tsan_acquire(&prepared);
  call(body);
}

// Runs `body` and all that it starts. False: there was a finding.
bool run_on_main_thread(Body body) {
  sched::spawn(sched::kMainThread, {call, &body, 0});
  return sched::run_all();
}

bool run_threads(TestRun& run) {
  std::vector<sched::Job> irqs;
  for (Body& irq : run.irqs) irqs.push_back({call_prepared, &irq, 0});
  const std::vector<uint8_t> cpus(irqs.size(), 0);
  sched::set_irq_lane(irqs.data(), cpus.data(), static_cast<unsigned>(irqs.size()));
  uint64_t points_before = 0;
  Body t0 = [&] {
    if (run.prepare) run.prepare();
    sched::tsan_release(&prepared);
    points_before = sched::trace().points;
    sched::set_preemptible(true);
    run.threads[0]();
  };
  sched::spawn(0, {call, &t0, 1});
  for (unsigned i = 1; i < run.threads.size(); ++i)
    sched::spawn(i, {call_prepared, &run.threads[i], i + 1});
  const bool ended = sched::run_all();
  sched::set_preemptible(false);
  sched::set_irq_lane(nullptr, nullptr, 0);
  points = sched::trace().points - points_before;
  return ended;
}

// Runs with the run's preemptions, which take `used` points, and with those that extend them.
std::string sweep_on(TestRun& run, uint64_t used, const sched::Target* target,
                     const sched::Target* end, const Body& check) {
  std::string found = run();
  if (found != kNothing) {
    if (!run.preemptions.empty()) found += ", preempted after";
    for (const sched::Preemption& p : run.preemptions) found += " " + std::to_string(p.after);
    return found;
  }
  if (check) check();
  if (target == end) return found;
  const uint64_t last = points;
  for (uint32_t after = 1; used + after <= last && found == kNothing; ++after) {
    run.preemptions.push_back({after, *target});
    found = sweep_on(run, used + after, target + 1, end, check);
    run.preemptions.pop_back();
  }
  return found;
}

// An interrupt that a thread brings upon itself goes on where the thread is, for TSan too.
struct Interrupt {
  const Body& body;
  bool done = false;

  static void run(void* arg) {
    sched::tsan_acquire(arg);
    static_cast<Interrupt*>(arg)->body();
    static_cast<Interrupt*>(arg)->done = true;
    sched::tsan_release(arg);
  }
};

}  // namespace

Suppressed::Suppressed(std::initializer_list<const char*> findings) {
  char message[256];
  for (const std::string known : findings)
    if (!add_suppression((known + " # test").c_str(), message, sizeof message)) {
      std::fprintf(stderr, "%s: %s\n", known.c_str(), message);
      std::abort();
    }
}
Suppressed::~Suppressed() { forget_suppressions(); }

std::string TestRun::operator()() {
  finding = kNothing;
  set_report_handler(print ? nullptr : catch_report);
  sched::ReplayDecider replay(preemptions.data(), preemptions.size());
  runtime_begin(cpus, &replay);
  bool goes_on = !set_up || run_on_main_thread(set_up);
  goes_on = goes_on && run_threads(*this);
  for (const Body& phase : tear_down) goes_on = goes_on && run_on_main_thread(phase);
  // The checks at the end run in a context, too, so that their findings can give up the run.
  if (goes_on) run_on_main_thread([] { runtime_end(0); });
  runtime_discard();
  set_report_handler(nullptr);
  return finding;
}

std::string TestRun::sweep(std::initializer_list<sched::Target> targets, const Body& check) {
  preemptions.clear();
  return sweep_on(*this, 0, targets.begin(), targets.end(), check);
}

std::string run_alone(Body body) {
  TestRun run;
  run.threads = {std::move(body)};
  return run();
}

void in_interrupt(const Body& body) {
  Interrupt interrupt{.body = body};
  const sched::Context& self = *sched::current();
  sched::tsan_release(&interrupt);
  sched::raise_irq(self.cpu, {Interrupt::run, &interrupt, self.tag});
  while (!interrupt.done) sched::point(sched::Point::kStep);  // a preemption may come before it
  sched::tsan_acquire(&interrupt);
}

}  // namespace kernel
