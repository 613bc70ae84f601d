#include "core/kernel/runtime.h"

#include <cstdio>

#include "core/kernel/irq_work.h"
#include "core/kernel/ledger.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/rcu.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"
#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/workqueue.h"

namespace kernel {

namespace {

// Who waits for what, a line for each context that has something to do.
void describe_contexts(char* text, size_t capacity) {
  static const char* const kStates[] = {"idle", "running", "can run", "spins on ", "sleeps on "};
  size_t used = 0;
  text[0] = 0;
  for (unsigned id = 0; id < sched::kContexts && used < capacity; ++id) {
    const sched::Activity activity = sched::activity(id);
    if (activity.state == sched::Activity::State::kIdle) continue;
    const sched::Context& context = sched::context(id);
    const int n =
        std::snprintf(text + used, capacity - used, "  %s %s%s%s%s (%s)\n", context.name,
                      kStates[static_cast<unsigned>(activity.state)],
                      activity.what ? activity.what : "", activity.owner ? ", held by " : "",
                      activity.owner ? activity.owner->name : "", describe_operation(context.tag));
    if (n > 0) used += static_cast<size_t>(n);
  }
}

void on_stuck(sched::Stuck stuck, const char* where) {
  static char contexts[4096];
  describe_contexts(contexts, sizeof contexts);
  if (stuck == sched::Stuck::kDeadlock)
    report(Verdict::kDeadlock, where, "no context can go on\n%s", contexts);
  else
    report(Verdict::kLivelock, where, "the run used up its scheduling points\n%s", contexts);
  sched::abandon();
}

void reset(bool free_live) {
  reset_tasks();
  lockdep_reset();
  reset_object_numbers();
  ledger_reset();
  rcu_reset();
  workqueue_reset();
  irq_work_reset();
  slab_reset(free_live);
}

}  // namespace

void runtime_begin(unsigned cpus, sched::Decider* decider, uint64_t max_points) {
  reset(false);
  sched::Config config;
  config.cpus = cpus;
  config.decider = decider;
  config.max_points = max_points;
  config.softirq = {rcu_take_softirq, rcu_has_softirq};
  config.worker = {workqueue_take_job, workqueue_has_job};
  config.on_stuck = on_stuck;
  sched::begin(config);
}

// The ledger first: it says most about the cause. A leak that is suppressed explains what else is
// left, and is freed, so that LeakSanitizer does not find it again.
void runtime_end(unsigned slots_taken) {
  if (!checks_enabled) return;
  if (ledger_check_empty()) {
    if (slots_taken > 0)
      report(Verdict::kSlotLeak, "seq64", "%u seq64 slots are still taken after device teardown",
             slots_taken);
    slab_check_empty();
  }
  slab_reset(true);
}

void runtime_discard() { reset(true); }

}  // namespace kernel
