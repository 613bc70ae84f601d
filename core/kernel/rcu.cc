#include "core/kernel/rcu.h"

#include "core/kernel/annotate.h"
#include "core/kernel/completion.h"
#include "core/kernel/report.h"
#include "core/kernel/task.h"

namespace kernel {

namespace {

RcuHead* waiting;  // oldest first
RcuHead** waiting_tail = &waiting;
RcuHead* ready;
char grace_period;  // stands for the memory ordering of a grace period

// What a context did until it was seen out of a reader happens before the callbacks, even if it is
// a reader again when they run.
void release_all_but(sched::Mask readers) { sched::release_contexts(~readers, &grace_period); }

sched::Mask readers_now() {
  sched::Mask readers = 0;
  for (sched::Mask left = sched::busy_contexts(); left != 0; left &= left - 1) {
    const unsigned id = sched::first_of(left);
    const sched::Context& context = sched::context(id);
    if (context.kind == sched::Kind::kSoftirq || context.irq_off > 0 || context.preempt_off > 0 ||
        task(id).rcu_depth > 0)
      readers |= sched::Mask{1} << id;
  }
  return readers;
}

void rcu_do_batch(void*) {
  tsan_acquire(&grace_period);
  while (ready != nullptr) {
    RcuHead& head = *ready;
    ready = head.next;
    tsan_acquire(&head);
    sched::current()->tag = head.tag;
    sched::point(sched::Point::kCallback);
    head.func(head);
  }
}

bool is_in(const RcuHead* list, const RcuHead& head) {
  for (; list != nullptr; list = list->next)
    if (list == &head) return true;
  return false;
}

void init_head(RcuHead& head, void (*func)(RcuHead& head)) {
  head = {nullptr, func, readers_now(), sched::current()->tag};
  tsan_release(&head);
  release_all_but(head.readers);
}

// On the stack of who waits for a grace period.
struct Wait {
  RcuHead head;
  Completion over;
};

void wake_me(RcuHead& head) { complete(container_of(&head, Wait, head)->over); }

}  // namespace

void rcu_read_lock() {
  ++task().rcu_depth;
  sched::touch_readers();
}

void rcu_read_unlock() {
  Task& t = task();
  if (t.rcu_depth > 0)
    --t.rcu_depth;
  else if (checks_enabled)
    report(Verdict::kRcuMisuse, "rcu_read_unlock", "rcu_read_unlock() outside of an RCU reader");
  sched::point(sched::Point::kUnlock);
}

void rcu_assert_reader(const char* what) {
  if (checks_enabled && !in_atomic() && task().rcu_depth == 0)
    report(Verdict::kRcuMisuse, what, "%s needs an RCU reader", what);
}

void call_rcu(RcuHead& head, void (*func)(RcuHead& head)) {
  if (is_in(waiting, head) || is_in(ready, head)) {
    if (checks_enabled)
      report(Verdict::kRcuMisuse, "call_rcu", "call_rcu() of a head that waits for its callback");
    return;
  }
  init_head(head, func);
  *waiting_tail = &head;
  waiting_tail = &head.next;
}

// Its callback comes before all others, so that nobody takes them for done.
void synchronize_rcu() {
  if (task().rcu_depth > 0 && checks_enabled)
    report(Verdict::kRcuMisuse, "synchronize_rcu", "synchronize_rcu() within an RCU reader");
  Wait wait;
  init_completion(wait.over, "synchronize_rcu");
  init_head(wait.head, wake_me);
  wait.head.next = waiting;
  if (waiting == nullptr) waiting_tail = &wait.head.next;
  waiting = &wait.head;
  wait_for_completion(wait.over);
}

void rcu_barrier() {
  Wait wait;
  init_completion(wait.over, "rcu_barrier");
  init_head(wait.head, wake_me);
  *waiting_tail = &wait.head;
  waiting_tail = &wait.head.next;
  wait_for_completion(wait.over);
}

bool rcu_take_softirq(sched::Job* job) {
  if (waiting == nullptr) return false;
  const sched::Mask still_readers = readers_now();
  release_all_but(still_readers);
  for (RcuHead* head = waiting; head != nullptr; head = head->next) head->readers &= still_readers;
  if (waiting->readers != 0) return false;
  ready = waiting;
  RcuHead* last = waiting;
  while (last->next != nullptr && last->next->readers == 0) last = last->next;
  waiting = last->next;
  last->next = nullptr;
  if (waiting == nullptr) waiting_tail = &waiting;
  *job = {rcu_do_batch, nullptr, ready->tag};
  return true;
}

bool rcu_has_softirq() { return waiting != nullptr && (waiting->readers & readers_now()) == 0; }

void rcu_reset() {
  waiting = ready = nullptr;
  waiting_tail = &waiting;
}

}  // namespace kernel
