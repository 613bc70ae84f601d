#include "fuzz/targets/conflict_points.h"

#include "fuzz/targets/decision_points.h"

namespace {

constexpr unsigned kMaxTouches = 2048;  // those beyond are left out
constexpr unsigned kObjects = 1024;

struct Touch {
  uint32_t point;
  uint32_t object;
};
Touch touches[kMaxTouches];
unsigned touch_count;

// Who touched an object in this run.
struct Visitor {
  uint32_t run;
  uint8_t context;
  bool several;
};
Visitor visitors[kObjects];

uint32_t run;
uint32_t points;  // decision points so far
DecisionPoints decision_points;

void touch(uint32_t object, uint8_t context) {
  if (touch_count < kMaxTouches) touches[touch_count++] = {points, object};
  Visitor& visitor = visitors[object];
  if (visitor.run != run) visitor = {run, context, false};
  if (visitor.context != context) visitor.several = true;
}

}  // namespace

uint32_t conflict_event_kinds() { return DecisionPoints::kEvents; }

void note_conflicts(const sched::Event& event) {
  points += decision_points.at(event);
  if (event.kind == sched::EventKind::kPoint && event.object != 0 && decision_points.running())
    touch(event.object % kObjects, event.context);
}

void conflicts_begin() {
  ++run;
  touch_count = 0;
  points = 0;
  decision_points.begin();
}

void conflicts_end(const uint8_t* data, size_t size) {
  unsigned several = 0;
  for (unsigned i = 0; i < touch_count; ++i) several += visitors[touches[i].object].several;
  // Of too many, some of everywhere.
  const unsigned every = several / ConflictPoints::kMax + 1;
  unsigned seen = 0;
  ConflictPoints found{};
  for (unsigned i = 0; i < touch_count && found.count < ConflictPoints::kMax; ++i) {
    if (!visitors[touches[i].object].several || seen++ % every != 0) continue;
    if (found.count == 0 || found.points[found.count - 1] != touches[i].point)
      found.points[found.count++] = touches[i].point;
  }
  store_conflicts(data, size, found);
}
