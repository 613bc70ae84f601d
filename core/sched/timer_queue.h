// Armed timers in the order in which they fire.
#pragma once

#include "core/sched/sched.h"

namespace sched {

class TimerQueue {
 public:
  // Arms the timer for `timer.expires`; equal times fire in the order of arming.
  void insert(Timer& timer);
  // Disarms; false: it was not armed.
  bool remove(Timer& timer);
  // Takes the next one out, disarmed; nullptr: none is armed.
  Timer* pop();
  bool any() const { return first_ != nullptr; }
  // Forgets all timers without touching them: they may be gone.
  void clear() { first_ = nullptr; }

 private:
  Timer* first_ = nullptr;
};

}  // namespace sched
