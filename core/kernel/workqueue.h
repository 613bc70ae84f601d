// Workqueues and delayed work. Work runs in process context, on a worker.
//
// The lock checker knows a running work as a lock that has the work's name, and its queue as
// another one: who waits for a work with a lock held that the work takes is reported, whether or
// not the work runs at the time. Names must be literals.
#pragma once

#include <cstdint>

#include "core/sched/sched.h"

namespace kernel {

struct Workqueue {
  const char* name;
  bool ordered;  // one work at a time, in the order of queueing
};

struct Work {
  void (*func)(Work& work);
  const char* name;  // the upstream field's
  Workqueue* wq;     // that it was queued on last
  Work* next;
  bool pending;        // queued, or waiting for its time
  uint32_t canceling;  // cancels that wait for its end: until then it cannot be queued
  uint32_t tag;        // the operation that queued it
  uint32_t number;     // of works in this run
  uint32_t instance;   // of queueings in this run, the last one; 0: none
};

struct DelayedWork {
  Work work;
  sched::Timer timer;
};

void init_work(Work& work, void (*func)(Work& work), const char* name);
void init_delayed_work(DelayedWork& work, void (*func)(Work& work), const char* name);
// The delayed work that contains `work`.
DelayedWork& to_delayed_work(Work& work);

// Queues the work unless it is pending already; false: it was. A running work may be queued again,
// unless somebody waits for its end with cancel_work_sync(). Any context.
bool queue_work(Workqueue& wq, Work& work);
// Queues the work after `delay` nanoseconds, at once if that is 0; false, and the old time stays:
// it was pending already.
bool queue_delayed_work(Workqueue& wq, DelayedWork& work, uint64_t delay);
// As above, but a pending one gets the new time; true: it was pending.
bool mod_delayed_work(Workqueue& wq, DelayedWork& work, uint64_t delay);

// Takes a pending work back; a running one goes on. True: it was pending. Any context.
bool cancel_work(Work& work);
bool cancel_delayed_work(DelayedWork& work);
// As above, and waits until it no longer runs. Afterwards it is neither running nor pending, even
// if it queues itself. May sleep.
bool cancel_work_sync(Work& work);
bool cancel_delayed_work_sync(DelayedWork& work);

// Waits for the end of the last queueing; a later one does not count, nor does a delayed work that
// waits for its time. True: it had to wait. May sleep.
bool flush_work(Work& work);
// The same; one that waits for its time is queued at once.
bool flush_delayed_work(DelayedWork& work);
// Waits for all that is queued or runs on `wq`; what is queued later does not count. May sleep.
void flush_workqueue(Workqueue& wq);

// Called before the memory of a work is freed: reports use-after-destroy if the work is pending. A
// running one may free itself. Mirrors debug_work_free, the kernel's debugging of objects.
void debug_work_free(const Work& work);
void debug_work_free(const DelayedWork& work);

// Pending: queued, or waiting for its time.
bool delayed_work_pending(const DelayedWork& work);

// Hands the executor the next work that may start.
bool workqueue_take_job(sched::Job* job);
bool workqueue_has_job();
// Starts a new run.
void workqueue_reset();

}  // namespace kernel
