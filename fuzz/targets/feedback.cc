#include "fuzz/targets/feedback.h"

#include <cstring>

#include "core/sched/observer.h"
#include "core/sched/sched.h"
#include "fuzz/targets/conflict_points.h"

// From the engine, or from the sanitizers.
extern "C" __attribute__((weak)) void __sanitizer_cov_trace_pc_guard(uint32_t* guard);

namespace {

constexpr unsigned kDepths = 3;  // two operations on the object at a time, three, more
constexpr unsigned kMeetings = kFeedbackKinds * kFeedbackKinds * kDepths;
constexpr unsigned kStates = 512;

// libFuzzer clears them before each run. ASan would put redzones between them.
__attribute__((used, section("__libfuzzer_extra_counters"),
               no_sanitize("address"))) uint8_t counters[kMeetings + kStates];

// For engines that count edges by guards (AFL++, honggfuzz): to them each counter is one more edge.
// They number the guards of the whole program when it starts; zero: the engine is another.
__attribute__((used, section("__sancov_guards"),
               no_sanitize("address"))) uint32_t guards[kMeetings + kStates];

void note(unsigned counter) {
  if (counters[counter] != 0) return;
  counters[counter] = 1;
  if (guards[counter] != 0) __sanitizer_cov_trace_pc_guard(&guards[counter]);
}

// An operation that touched an object, in a context that may still be at it.
struct Visit {
  uint32_t tag;
  uint8_t context;
};

struct Object {
  static constexpr unsigned kVisits = 4;

  uint32_t run;
  uint8_t latest;
  Visit visits[kVisits];
};
constexpr unsigned kObjects = 1024;
Object objects[kObjects];

uint32_t runs;
unsigned (*kind_of)(uint32_t tag);
uint32_t under_way[sched::kContexts];  // tag of the operation that a context works for

bool is_under_way(const Visit& visit) {
  return visit.tag != 0 && under_way[visit.context] == visit.tag;
}

// The place for the visit of the present operation: its own, or one that nobody needs any more.
unsigned place_of(const Object& object, const sched::Event& event) {
  unsigned place = (object.latest + 1) % Object::kVisits;
  for (unsigned i = 0; i < Object::kVisits; ++i) {
    const Visit& visit = object.visits[i];
    if (visit.context == event.context && visit.tag == event.tag) return i;
    if (!is_under_way(visit)) place = i;
  }
  return place;
}

void meet(const Visit& other, unsigned depth, const sched::Event& event) {
  const unsigned pair = kind_of(other.tag) * kFeedbackKinds + kind_of(event.tag);
  const unsigned deep = depth < kDepths ? depth - 1 : kDepths - 1;
  note(pair * kDepths + deep);
}

void touch(const sched::Event& event) {
  under_way[event.context] = event.tag;
  Object& object = objects[event.object % kObjects];
  if (object.run != runs) object = {runs, 0, {}};
  unsigned depth = 0;
  for (const Visit& visit : object.visits)
    depth += is_under_way(visit) && visit.context != event.context;
  const Visit& latest = object.visits[object.latest];
  if (is_under_way(latest) && latest.context != event.context) meet(latest, depth, event);
  object.latest = static_cast<uint8_t>(place_of(object, event));
  object.visits[object.latest] = {event.tag, event.context};
}

uint32_t mix(uint32_t hash, const char* text) {
  for (; text != nullptr && *text != 0; ++text)
    hash = (hash ^ static_cast<uint8_t>(*text)) * 16777619;
  return hash;
}

void look(const sched::Event& event) {
  note_conflicts(event);
  switch (event.kind) {
    case sched::EventKind::kPoint:
      if (event.object != 0 && event.tag != 0) touch(event);
      return;
    case sched::EventKind::kResult:
    case sched::EventKind::kEnd:
      under_way[event.context] = 0;
      return;
    case sched::EventKind::kState:
      note(kMeetings +
           mix(mix(mix(2166136261, event.what), event.from_role), event.role) % kStates);
      return;
    default:
      return;
  }
}

}  // namespace

void give_feedback(unsigned (*kinds)(uint32_t tag)) {
  using sched::bit;
  kind_of = kinds;
  sched::set_observer(look, conflict_event_kinds() | bit(sched::EventKind::kPoint) |
                                bit(sched::EventKind::kResult) | bit(sched::EventKind::kEnd) |
                                bit(sched::EventKind::kState));
}

void feedback_run_begins() {
  if (kind_of == nullptr) return;
  ++runs;
  if (guards[0] != 0) std::memset(counters, 0, sizeof counters);
  conflicts_begin();
  for (uint32_t& tag : under_way) tag = 0;
}

void feedback_run_ends(const uint8_t* data, size_t size) {
  if (kind_of != nullptr) conflicts_end(data, size);
}
