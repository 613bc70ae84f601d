#include "core/kernel/workqueue.h"

#include <cstdio>

#include "core/kernel/annotate.h"
#include "core/kernel/list.h"
#include "core/kernel/lockdep.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

Work* queue_head;  // all pending works, oldest first
Work** queue_tail = &queue_head;
// What each worker runs. Only compared, never followed: a work may be freed while it runs.
Work* running[sched::kMaxWorkers];
Workqueue* running_on[sched::kMaxWorkers];
uint32_t running_instance[sched::kMaxWorkers];
uint32_t works;      // initialised in this run
uint32_t instances;  // queued in this run

// For TSan: the end of a work happens before its next run and before the return of who waited for
// it, the end of any work of an ordered queue before the start of the next, and of any queue before
// the return of who flushed the queue. Addresses of their own for works, because a work may be gone
// when it ends; several may share one.
char finished[256];
char& finished_edge(const Work& work) { return finished[work.number % sizeof finished]; }

unsigned worker_of(const sched::Context& context) {
  return context.id - (sched::kContexts - sched::kMaxWorkers);
}

const sched::Context& worker_context(unsigned worker) {
  return sched::context(sched::kContexts - sched::kMaxWorkers + worker);
}

// The worker that runs the work, or nullptr.
const sched::Context* worker_running(const Work& work) {
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i)
    if (running[i] == &work) return &worker_context(i);
  return nullptr;
}

bool may_start(const Work& work) {
  if (worker_running(work) != nullptr) return false;  // a work never runs twice at a time
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

// Tells who waits for the work or for its queue that something has come to an end.
void wake_waiters(const Work* work, const Workqueue& wq) {
  sched::wake_all(work);
  sched::wake_all(&wq);
}

void run_work(void* arg) {
  Work& work = *static_cast<Work*>(arg);
  const unsigned worker = worker_of(*sched::current());
  Workqueue& wq = *work.wq;
  const char* name = work.name;
  char& edge = finished_edge(work);
  running[worker] = &work;
  running_on[worker] = &wq;
  running_instance[worker] = work.instance;
  tsan_acquire(&work);
  tsan_acquire(&edge);
  if (wq.ordered) tsan_acquire(&wq);
  lock_acquire(wq.name, LockMode::kExclusive);
  lock_acquire(name, LockMode::kExclusive);
  work.func(work);  // may free the work
  lock_release(name);
  lock_release(wq.name);
  check_context_at_return(wq.name);
  tsan_release(&edge);
  tsan_release(&wq);
  running[worker] = nullptr;
  running_on[worker] = nullptr;
  wake_waiters(&work, wq);
}

void check_initialised(const Work& work) {
  if (work.func == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "work", "a work is used before init");
}

void enqueue(Workqueue& wq, Work& work) {
  work.wq = &wq;
  work.next = nullptr;
  work.pending = true;
  work.instance = ++instances;
  *queue_tail = &work;
  queue_tail = &work.next;
}

void delay_over(sched::Timer* timer) {
  DelayedWork& delayed = *container_of(timer, DelayedWork, timer);
  enqueue(*delayed.work.wq, delayed.work);
}

// Queues the work at its time. It is not pending, and nobody waits for its end in order to cancel.
void start(Workqueue& wq, DelayedWork& work, uint64_t delay) {
  work.work.tag = sched::current()->tag;
  tsan_release(&work.work);
  if (delay == 0) {
    enqueue(wq, work.work);
    return;
  }
  work.work.wq = &wq;
  work.work.pending = true;
  sched::timer_start(work.timer, sched::now() + delay);
}

bool take_back(Work& work) {
  for (Work** at = &queue_head; *at != nullptr; at = &(*at)->next) {
    if (*at != &work) continue;
    unlink(at);
    wake_waiters(&work, *work.wq);
    return true;
  }
  return false;
}

bool take_back(DelayedWork& work) {
  if (!sched::timer_cancel(work.timer)) return take_back(work.work);
  work.work.pending = false;
  return true;
}

// Who is going to wait takes the class that a running work holds, for a moment. A work that waits
// for itself is left to the executor, which finds a deadlock.
void depend_on(const char* name) {
  lock_acquire(name, LockMode::kExclusive);
  lock_release(name);
}

void depend_on(const Work& work) {
  if (worker_running(work) != sched::current()) depend_on(work.name);
}

void depend_on(const Workqueue& wq) {
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i)
    if (running_on[i] == &wq && &worker_context(i) == sched::current()) return;
  depend_on(wq.name);
}

void wait_until_idle(Work& work) {
  while (const sched::Context* worker = worker_running(work)) {
    sched::prepare_to_sleep();
    sched::sleep(&work, work.name, worker, sched::kForever);
  }
  tsan_acquire(&finished_edge(work));
}

bool is_queued(uint32_t instance) {
  for (const Work* work = queue_head; work != nullptr; work = work->next)
    if (work->instance == instance) return true;
  return false;
}

bool is_running(uint32_t instance) {
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i)
    if (running[i] != nullptr && running_instance[i] == instance) return true;
  return false;
}

// The worker that runs something of `wq` that was queued no later than `last`.
const sched::Context* worker_running_on(const Workqueue& wq, uint32_t last) {
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i)
    if (running_on[i] == &wq && running_instance[i] <= last) return &worker_context(i);
  return nullptr;
}

bool is_queued_on(const Workqueue& wq, uint32_t last) {
  for (const Work* work = queue_head; work != nullptr; work = work->next)
    if (work->wq == &wq && work->instance <= last) return true;
  return false;
}

}  // namespace

void init_work(Work& work, void (*func)(Work& work), const char* name) {
  work = {};
  work.func = func;
  work.name = name;
  work.number = ++works;
}

void init_delayed_work(DelayedWork& work, void (*func)(Work& work), const char* name) {
  init_work(work.work, func, name);
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
  start(wq, work, delay);
  return true;
}

bool mod_delayed_work(Workqueue& wq, DelayedWork& work, uint64_t delay) {
  check_initialised(work.work);
  sched::point(sched::Point::kQueueWork);
  const bool was_pending = take_back(work);
  if (work.work.canceling == 0) start(wq, work, delay);
  return was_pending;
}

bool cancel_work(Work& work) {
  check_initialised(work);
  sched::point(sched::Point::kQueueWork);
  return take_back(work);
}

bool cancel_delayed_work(DelayedWork& work) {
  check_initialised(work.work);
  sched::point(sched::Point::kQueueWork);
  return take_back(work);
}

bool cancel_work_sync(Work& work) {
  check_initialised(work);
  might_sleep("cancel_work_sync");
  depend_on(work);
  ++work.canceling;
  const bool was_pending = cancel_work(work);
  wait_until_idle(work);
  --work.canceling;
  return was_pending;
}

bool cancel_delayed_work_sync(DelayedWork& work) {
  check_initialised(work.work);
  might_sleep("cancel_delayed_work_sync");
  depend_on(work.work);
  ++work.work.canceling;
  const bool was_pending = cancel_delayed_work(work);
  wait_until_idle(work.work);
  --work.work.canceling;
  return was_pending;
}

bool flush_work(Work& work) {
  check_initialised(work);
  might_sleep("flush_work");
  depend_on(work);
  sched::point(sched::Point::kQueueWork);
  const uint32_t instance = work.instance;
  const char* name = work.name;
  char& edge = finished_edge(work);  // the work may be gone when it ends
  const bool has_to_wait = is_queued(instance) || is_running(instance);
  if (has_to_wait && work.wq->ordered && worker_running(work) != sched::current())
    depend_on(work.wq->name);
  while (is_queued(instance) || is_running(instance)) {
    sched::prepare_to_sleep();
    sched::sleep(&work, name, worker_running(work), sched::kForever);
  }
  tsan_acquire(&edge);
  return has_to_wait;
}

bool flush_delayed_work(DelayedWork& work) {
  check_initialised(work.work);
  might_sleep("flush_delayed_work");
  if (sched::timer_cancel(work.timer)) enqueue(*work.work.wq, work.work);
  return flush_work(work.work);
}

void flush_workqueue(Workqueue& wq) {
  might_sleep("flush_workqueue");
  depend_on(wq);
  sched::point(sched::Point::kQueueWork);
  const uint32_t last = instances;
  for (;;) {
    const sched::Context* worker = worker_running_on(wq, last);
    if (worker == nullptr && !is_queued_on(wq, last)) break;
    sched::prepare_to_sleep();
    sched::sleep(&wq, wq.name, worker, sched::kForever);
  }
  tsan_acquire(&wq);
}

void debug_work_free(const Work& work) {
  if (!work.pending || !checks_enabled) return;
  char where[64];
  std::snprintf(where, sizeof where, "work %s", work.name);
  report(Verdict::kUseAfterDestroy, where, "the memory of %s is freed, but it will run", where);
}

void debug_work_free(const DelayedWork& work) { debug_work_free(work.work); }

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

bool workqueue_has_job() {
  for (const Work* work = queue_head; work != nullptr; work = work->next)
    if (may_start(*work)) return true;
  return false;
}

void workqueue_reset() {
  queue_head = nullptr;
  queue_tail = &queue_head;
  works = instances = 0;
  for (unsigned i = 0; i < sched::kMaxWorkers; ++i) {
    running[i] = nullptr;
    running_on[i] = nullptr;
  }
}

}  // namespace kernel
