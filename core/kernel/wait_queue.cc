#include "core/kernel/wait_queue.h"

#include "core/kernel/annotate.h"
#include "core/kernel/report.h"

namespace kernel {

namespace {

void check_initialised(const WaitQueueHead& head) {
  if (head.name == nullptr && checks_enabled)
    report(Verdict::kUseAfterDestroy, "waitqueue", "a wait queue is used before init");
}

// The kernel takes the queue's lock here.
void pass_lock(WaitQueueHead& head) {
  sched::touch(&head, true);
  tsan_acquire(&head);
  tsan_release(&head);
}

}  // namespace

void init_waitqueue_head(WaitQueueHead& head, const char* name) { head = {nullptr, name}; }

void wake_up(WaitQueueHead& head) {
  check_initialised(head);
  pass_lock(head);
  for (const WaitQueueEntry* entry = head.first; entry != nullptr; entry = entry->next)
    sched::wake(*entry->task);
  sched::point(sched::Point::kWake);
}

void wake_up_all(WaitQueueHead& head) { wake_up(head); }

bool waitqueue_active(const WaitQueueHead& head) {
  sched::access(sched::Point::kRead, &head);
  return head.first != nullptr;
}

void prepare_to_wait(WaitQueueHead& head, WaitQueueEntry& entry) {
  check_initialised(head);
  pass_lock(head);
  set_current_state();
  if (entry.queued) return;
  entry = {nullptr, sched::current(), true};
  WaitQueueEntry** at = &head.first;
  while (*at != nullptr) at = &(*at)->next;
  *at = &entry;
}

void finish_wait(WaitQueueHead& head, WaitQueueEntry& entry) {
  if (!entry.queued) return;
  sched::touch(&head, true);
  WaitQueueEntry** at = &head.first;
  while (*at != &entry) at = &(*at)->next;
  *at = entry.next;
  entry.queued = false;
}

}  // namespace kernel
