#include "core/kernel/irq_work.h"

#include "core/kernel/annotate.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"
#include "core/sched/sched.h"

namespace kernel {

namespace {

// What a context queued, oldest first. One interrupt is under way while there is something in it.
struct Queue {
  IrqWork* head;
  IrqWork** tail;
};
Queue queues[sched::kContexts];

void clear(Queue& queue) { queue = {nullptr, &queue.head}; }

void run_queue(void* arg) {
  Queue& queue = *static_cast<Queue*>(arg);
  IrqWork* next = queue.head;
  clear(queue);
  while (next != nullptr) {
    IrqWork& work = *next;
    next = work.next;
    work.pending = false;
    sched::current()->tag = work.tag;
    tsan_acquire(&work);
    sched::point(sched::Point::kCallback);
    work.func(work);
    check_context_at_return("irq_work");
    tsan_release(&work);
    work.busy = work.pending;  // it may have queued itself again
    sched::wake_all(&work);
  }
}

void check_initialised(const IrqWork& work) {
  if (work.func == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "irq_work", "an irq_work is used before init");
}

}  // namespace

void init_irq_work(IrqWork& work, void (*func)(IrqWork& work)) {
  work = {};
  work.func = func;
}

bool irq_work_queue(IrqWork& work) {
  check_initialised(work);
  if (work.pending) return false;
  const sched::Context& self = *sched::current();
  Queue& queue = queues[self.id];
  if (queue.head == nullptr) sched::raise_irq(self.cpu, {run_queue, &queue, self.tag});
  work.next = nullptr;
  work.pending = work.busy = true;
  work.tag = self.tag;
  tsan_release(&work);
  *queue.tail = &work;
  queue.tail = &work.next;
  sched::point(sched::Point::kQueueWork);
  return true;
}

void irq_work_sync(IrqWork& work) {
  check_initialised(work);
  might_sleep("irq_work_sync");
  while (work.busy) {
    sched::prepare_to_sleep();
    sched::sleep(&work, "irq_work", nullptr, sched::kForever);
  }
  tsan_acquire(&work);
}

void irq_work_reset() {
  for (Queue& queue : queues) clear(queue);
}

}  // namespace kernel
