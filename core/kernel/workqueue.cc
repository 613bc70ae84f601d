#include "core/kernel/workqueue.h"

#include "core/kernel/annotate.h"
#include "core/kernel/list.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

Work* queue_head;  // all pending works, oldest first
Work** queue_tail = &queue_head;
// What each worker runs. Only compared, never followed: a work may be freed while it runs.
Work* running[sched::kMaxWorkers];
Workqueue* running_on[sched::kMaxWorkers];
uint32_t works;  // initialised in this run

// For TSan: the end of a work happens before its next run and before the return of who waited for
// it, the end of any work of an ordered queue before the start of the next. Addresses of their own,
// because a work may be gone when it ends; several works may share one.
char finished[256];
char& finished_edge(const Work& work) { return finished[work.number % sizeof finished]; }

unsigned worker_of(const sched::Context& context) {
  return context.id - (sched::kContexts - sched::kMaxWorkers);
}

int worker_running(const Work& work) {
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i)
    if (running[i] == &work) return static_cast<int>(i);
  return -1;
}

bool may_start(const Work& work) {
  if (worker_running(work) >= 0) return false;  // a work never runs twice at a time
  if (!work.wq->ordered) return true;
  for (const Workqueue* wq : running_on)
    if (wq == work.wq) return false;
  return true;
}

void unlink(Work** at) {
  Work* work = *at;
  *at = work->next;
  if (queue_tail == &work->next) queue_tail = at;
  work->pending = false;
}

void run_work(void* arg) {
  Work& work = *static_cast<Work*>(arg);
  const unsigned worker = worker_of(*sched::current());
  Workqueue& wq = *work.wq;
  char& edge = finished_edge(work);
  running[worker] = &work;
  running_on[worker] = &wq;
  tsan_acquire(&work);
  tsan_acquire(&edge);
  if (wq.ordered) tsan_acquire(&wq);
  work.func(work);  // may free the work
  check_context_at_return(wq.name);
  tsan_release(&edge);
  if (wq.ordered) tsan_release(&wq);
  running[worker] = nullptr;
  running_on[worker] = nullptr;
  sched::wake_all(&work);
}

void check_initialised(const Work& work) {
  if (work.func == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "work", "a work is used before init");
}

void enqueue(Workqueue& wq, Work& work) {
  work.wq = &wq;
  work.next = nullptr;
  work.pending = true;
  *queue_tail = &work;
  queue_tail = &work.next;
}

void delay_over(sched::Timer* timer) {
  DelayedWork& delayed = *container_of(timer, DelayedWork, timer);
  enqueue(*delayed.work.wq, delayed.work);
}

void wait_until_idle(Work& work) {
  for (int worker; (worker = worker_running(work)) >= 0;) {
    const sched::Context& context =
        sched::context(sched::kContexts - sched::kMaxWorkers + static_cast<unsigned>(worker));
    sched::prepare_to_sleep();
    sched::sleep(&work, "work to finish", &context, sched::kForever);
  }
  tsan_acquire(&finished_edge(work));
}

}  // namespace

void init_work(Work& work, void (*func)(Work& work)) {
  work = {};
  work.func = func;
  work.number = ++works;
}

void init_delayed_work(DelayedWork& work, void (*func)(Work& work)) {
  init_work(work.work, func);
  work.timer = {};
  work.timer.fire = delay_over;
}

DelayedWork& to_delayed_work(Work& work) { return *container_of(&work, DelayedWork, work); }

bool queue_work(Workqueue& wq, Work& work) {
  check_initialised(work);
  sched::point(sched::Point::kQueueWork);
  if (work.pending || work.canceling > 0) return false;
  work.tag = sched::current()->tag;
  tsan_release(&work);
  enqueue(wq, work);
  return true;
}

bool queue_delayed_work(Workqueue& wq, DelayedWork& work, uint64_t delay) {
  check_initialised(work.work);
  sched::point(sched::Point::kQueueWork);
  if (work.work.pending || work.work.canceling > 0) return false;
  work.work.tag = sched::current()->tag;
  tsan_release(&work.work);
  if (delay == 0) {
    enqueue(wq, work.work);
    return true;
  }
  work.work.wq = &wq;
  work.work.pending = true;
  sched::timer_start(work.timer, sched::now() + delay);
  return true;
}

bool cancel_work(Work& work) {
  check_initialised(work);
  sched::point(sched::Point::kQueueWork);
  for (Work** at = &queue_head; *at != nullptr; at = &(*at)->next) {
    if (*at != &work) continue;
    unlink(at);
    return true;
  }
  return false;
}

bool cancel_delayed_work(DelayedWork& work) {
  const bool was_waiting = sched::timer_cancel(work.timer);
  if (was_waiting) work.work.pending = false;
  return cancel_work(work.work) || was_waiting;
}

bool cancel_work_sync(Work& work) {
  might_sleep("cancel_work_sync");
  ++work.canceling;
  const bool was_pending = cancel_work(work);
  wait_until_idle(work);
  --work.canceling;
  return was_pending;
}

bool cancel_delayed_work_sync(DelayedWork& work) {
  might_sleep("cancel_delayed_work_sync");
  ++work.work.canceling;
  const bool was_pending = cancel_delayed_work(work);
  wait_until_idle(work.work);
  --work.work.canceling;
  return was_pending;
}

bool delayed_work_pending(const DelayedWork& work) { return work.work.pending; }

bool workqueue_take_job(sched::Job* job) {
  for (Work** at = &queue_head; *at != nullptr; at = &(*at)->next) {
    Work* work = *at;
    if (!may_start(*work)) continue;
    unlink(at);
    *job = {run_work, work, work->tag};
    return true;
  }
  return false;
}

void workqueue_reset() {
  queue_head = nullptr;
  queue_tail = &queue_head;
  works = 0;
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i) {
    running[i] = nullptr;
    running_on[i] = nullptr;
  }
}

}  // namespace kernel
