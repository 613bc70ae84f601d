#include "core/kernel/runtime.h"

#include "core/kernel/ledger.h"
#include "core/kernel/rcu.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/workqueue.h"

namespace kernel {

namespace {

void on_stuck(sched::Stuck stuck, const char* where, const char* text) {
  const Verdict verdict =
      stuck == sched::Stuck::kDeadlock ? Verdict::kDeadlock : Verdict::kLivelock;
  report(verdict, where, "%s\n%s",
         stuck == sched::Stuck::kDeadlock ? "no context can go on" : "the run does not end", text);
}

void reset(bool free_live) {
  reset_tasks();
  reset_object_numbers();
  ledger_reset();
  rcu_reset();
  workqueue_reset();
  slab_reset(free_live);
}

}  // namespace

void runtime_begin(unsigned cpus, sched::Decider* decider) {
  reset(false);
  sched::Config config;
  config.cpus = cpus;
  config.decider = decider;
  config.softirq.take = rcu_take_softirq;
  config.worker.take = workqueue_take_job;
  config.on_stuck = on_stuck;
  sched::begin(config);
}

// The ledger first: it says most about the cause.
void runtime_end(unsigned slots_taken) {
  ledger_check_empty();
  if (slots_taken > 0 && checks_enabled)
    report(Verdict::kSlotLeak, "seq64", "%u seq64 slots are still taken after device teardown",
           slots_taken);
  slab_check_empty();
}

void runtime_discard() { reset(true); }

}  // namespace kernel
