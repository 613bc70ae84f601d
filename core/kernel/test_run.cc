#include "core/kernel/test_run.h"

#include "core/kernel/runtime.h"

namespace kernel {

namespace {

std::optional<TestRun::Finding> caught;

void catch_report(Verdict verdict, const char* where) {
  caught = TestRun::Finding{verdict, where};
  sched::abandon();
}

void check_end(void*) { runtime_end(0); }
void call(void* function) { (*static_cast<TestRun::Body*>(function))(); }

bool run_on_main(sched::Job job) {
  sched::spawn(sched::kMainThread, job);
  return sched::run_all();
}

bool run_phases(TestRun& run) {
  if (run.set_up && !run_on_main({call, &run.set_up, 0})) return false;
  std::vector<sched::Job> irqs;
  for (TestRun::Body& irq : run.irqs) irqs.push_back({call, &irq, 0});
  const std::vector<uint8_t> irq_cpus(irqs.size(), 0);
  sched::set_irq_lane(irqs.data(), irq_cpus.data(), static_cast<unsigned>(irqs.size()));
  for (unsigned i = 0; i < run.threads.size(); ++i)
    sched::spawn(i, {call, &run.threads[i], i + 1});
  const uint64_t before = sched::trace().points;
  sched::set_preemptible(true);
  const bool ended = sched::run_all();
  sched::set_preemptible(false);
  run.points = sched::trace().points - before;
  if (!ended) return false;
  for (TestRun::Body& phase : run.tear_down)
    if (!run_on_main({call, &phase, 0})) return false;
  return true;
}

}  // namespace

std::optional<TestRun::Finding> TestRun::operator()() {
  caught.reset();
  set_report_handler(catch_report);
  sched::ReplayDecider replay(preemptions.data(), preemptions.size());
  runtime_begin(cpus, &replay);
  // In a context, too, so that its findings can give up the run.
  if (run_phases(*this)) run_on_main({check_end, nullptr, 0});
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

std::string sweep(TestRun& run, sched::Target first, sched::Target second,
                  const std::function<void()>& check) {
  auto once = [&](std::vector<sched::Preemption> preemptions) {
    run.preemptions = std::move(preemptions);
    const auto finding = run();
    if (!finding) {
      check();
      return std::string();
    }
    std::string text = to_string(finding) + " with preemptions after";
    for (const sched::Preemption& p : run.preemptions) text += " " + std::to_string(p.after);
    return text;
  };
  uint64_t points = 1;
  for (uint32_t a = 1; a <= points; ++a) {
    std::string found = once({{a, first}});
    points = run.points;
    for (uint32_t b = 1; found.empty() && a + b <= points; ++b) found = once({{a, first}, {b, second}});
    if (!found.empty()) return found;
  }
  return "nothing";
}

}  // namespace kernel
