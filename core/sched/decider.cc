#include "core/sched/decider.h"

namespace sched {

// splitmix64: a counter through a mixing function.
uint64_t Random::draw() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Target RandomDecider::decide(const Choice& choice) {
  if (choice.enabled == 0) return kStay;
  Mask enabled = choice.enabled;
  for (uint32_t skip = random_.below(count_of(enabled)); skip > 0; --skip) enabled &= enabled - 1;
  return static_cast<Target>(first_of(enabled));
}

PctDecider::PctDecider(uint64_t seed, unsigned depth, uint32_t length)
    : changes_(depth - 1), lowest_(kMaxDepth) {
  Random random(seed);
  for (unsigned i = 0; i < kTargets; ++i) {
    const unsigned j = random.below(i + 1);
    priority_[i] = priority_[j];
    priority_[j] = kMaxDepth + 1 + i;
  }
  for (unsigned i = 0; i < changes_; ++i) change_[i] = 1 + random.below(length);
}

Target PctDecider::decide(const Choice& choice) {
  for (unsigned i = 0; i < changes_; ++i)
    if (change_[i] == choice.points && choice.running != kStay)
      priority_[static_cast<unsigned>(choice.running)] = lowest_--;
  Target best = choice.waits ? kStay : choice.running;
  for (unsigned i = 0; i < kTargets; ++i) {
    const Target target = static_cast<Target>(i);
    if ((choice.enabled & bit(target)) == 0 || target == Target::kTimer) continue;
    if (best == kStay || priority_[i] > priority_[static_cast<unsigned>(best)]) best = target;
  }
  return best;
}

}  // namespace sched
