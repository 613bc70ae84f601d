#include "core/sched/decider.h"

namespace sched {

bool ReplayDecider::next(Preemption& preemption) {
  if (position_ == count_) return false;
  preemption = list_[position_++];
  return true;
}

bool RandomDecider::next(Preemption& preemption) {
  preemption.after = 1 + static_cast<uint32_t>(draw() % longest_);
  preemption.to = static_cast<Target>(draw() % kTargets);
  return true;
}

// splitmix64: a counter through a mixing function; any seed will do, zero included.
uint64_t RandomDecider::draw() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace sched
