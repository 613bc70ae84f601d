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
void call(void* function) { (*static_cast<std::function<void()>*>(function))(); }

}  // namespace

std::optional<TestRun::Finding> TestRun::operator()() {
  caught.reset();
  set_report_handler(catch_report);
  sched::ReplayDecider replay(preemptions.data(), preemptions.size());
  runtime_begin(cpus, &replay);
  for (unsigned i = 0; i < threads.size(); ++i) sched::spawn(i, {call, &threads[i], i + 1});
  sched::set_preemptible(true);
  if (sched::run_all()) {
    // In a context, too, so that its findings can give up the run.
    sched::spawn(sched::kMainThread, {check_end, nullptr, 0});
    sched::run_all();
  }
  runtime_discard();
  set_report_handler(nullptr);
  return caught;
}

std::string to_string(const std::optional<TestRun::Finding>& finding) {
  if (!finding) return "nothing";
  return std::string(verdict_name(finding->verdict)) + (finding->where.empty() ? "" : " ") + finding->where;
}

std::string run_alone(std::function<void()> body) {
  TestRun run;
  run.threads = {std::move(body)};
  return to_string(run());
}

}  // namespace kernel
