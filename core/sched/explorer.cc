#include "core/sched/explorer.h"

#include "core/sched/sched.h"

namespace sched {

Explorer::States::Entry& Explorer::States::find(uint64_t state) {
  const size_t mask = entries_.size() - 1;
  size_t at = state & mask;
  while (entries_[at].tried != 0 && entries_[at].state != state) at = (at + 1) & mask;
  return entries_[at];
}

void Explorer::States::grow() {
  std::vector<Entry> old(entries_.empty() ? 4096 : entries_.size() * 2);
  old.swap(entries_);
  for (const Entry& entry : old)
    if (entry.tried != 0) find(entry.state) = entry;
}

bool Explorer::States::enter(uint64_t state, unsigned left) {
  if (used_ * 2 >= entries_.size()) grow();
  Entry& entry = find(state);
  if (entry.tried > left) return false;
  used_ += entry.tried == 0;
  entry = {state, static_cast<uint8_t>(left + 1)};
  return true;
}

Explorer::Schedule Explorer::extended(Schedule schedule, Preemption last) {
  schedule.list[schedule.count++] = last;
  return schedule;
}

uint32_t Explorer::Search::next() {
  if (position < schedule.count) return schedule.list[position].after;
  return left > 0 && !done ? 1 : kNever;
}

Target Explorer::Search::decide(const Choice& choice) {
  past = choice.past;
  const Context& self = *current();
  if (position < schedule.count) {
    position_points = choice.points;
    const Target to = schedule.list[position++].to;
    if (prune && left == 0 && position == schedule.count) past->follow(self.id);
    return to;
  }
  if (prune) {
    const Footprint step = past->take_footprint();
    if (!places.empty()) places.back().step = step;
    if (!states.enter(choice.state, left)) {
      done = true;
      ++cuts;
      return kStay;
    }
  }
  const Mask same = choice.waits ? bit(choice.otherwise) : 0;
  const uint8_t atomic = (self.irq_off > 0 ? 2 : 0) | (self.preempt_off > 0 ? 1 : 0);
  places.push_back(
      {choice.points - position_points, choice.enabled & ~same, self.id, choice.waits, atomic, {}});
  return kStay;
}

void Explorer::begin(const Schedule& schedule) {
  search_.schedule = schedule;
  search_.left = preemptions_ - schedule.count;
  search_.position = 0;
  search_.position_points = 0;
  search_.done = false;
  search_.places.clear();
  ++runs_;
}

// Whether the preemption at this place comes to the same as at the next one: what is done between
// the two places depends on nothing that others do before the preempted context goes on.
bool Explorer::same_as_latest(size_t index, unsigned target) const {
  if (!search_.prune || latest_[target].place != index + 1) return false;
  const Place& place = places_[index];
  const Place& later = places_[index + 1];
  return !place.waits && !later.waits && place.context == later.context &&
         place.atomic == later.atomic && !place.step.depends_on(latest_[target].between);
}

// Walks on to the next leaf of the present parent; false: there is none.
bool Explorer::begin_leaf() {
  for (; places_left_ > 0; --places_left_, target_ = 0) {
    const size_t index = places_left_ - 1;
    while (target_ < kTargets) {
      const unsigned target = target_++;
      if ((places_[index].branches >> target & 1) == 0) continue;
      if (same_as_latest(index, target)) {
        latest_[target].place = index;
        ++skipped_;
        continue;
      }
      leaf_ = &latest_[target];
      leaf_->place = index;
      begin(extended(parent_, {places_[index].after, static_cast<Target>(target)}));
      return true;
    }
  }
  return false;
}

Decider* Explorer::next() {
  if (runs_ == 0) {
    begin({});
    return &search_;
  }
  if (leaf_ != nullptr) {
    if (search_.prune) leaf_->between = search_.past->take_footprint();
    leaf_ = nullptr;
  } else if (search_.left == 1) {
    parent_ = search_.schedule;
    places_.swap(search_.places);
    places_left_ = places_.size();
    target_ = 0;
    for (Leaf& leaf : latest_) leaf = {};
  } else {
    for (const Place& place : search_.places)
      for (unsigned target = 0; target < kTargets; ++target)
        if (place.branches >> target & 1)
          deeper_.push_back(extended(search_.schedule, {place.after, static_cast<Target>(target)}));
  }
  if (begin_leaf()) return &search_;
  if (position_ == level_.size()) {
    level_.swap(deeper_);
    deeper_.clear();
    position_ = 0;
    if (level_.empty()) return nullptr;
  }
  begin(level_[position_++]);
  return &search_;
}

}  // namespace sched
