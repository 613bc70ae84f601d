#include "core/sched/timer_queue.h"

namespace sched {

void TimerQueue::insert(Timer& timer) {
  Timer** at = &first_;
  while (*at != nullptr && (*at)->expires <= timer.expires) at = &(*at)->next;
  timer.next = *at;
  timer.armed = true;
  *at = &timer;
}

bool TimerQueue::remove(Timer& timer) {
  if (!timer.armed) return false;
  Timer** at = &first_;
  while (*at != &timer) at = &(*at)->next;
  *at = timer.next;
  timer.armed = false;
  return true;
}

Timer* TimerQueue::pop() {
  Timer* timer = first_;
  if (timer == nullptr) return nullptr;
  first_ = timer->next;
  timer->armed = false;
  return timer;
}

}  // namespace sched
