// What happened in a run so far, up to the order of steps that do not depend on each other: two
// prefixes with the same fingerprint differ only in that order, so the same can follow.
//
// Each context has a hash of all that happened before its present step: its own steps, and through
// the objects that it touched the steps of others. Two steps depend on each other if they touch
// one object and at least one of them writes. What steps touch besides what they say here must be
// protected by that: a data race on plain memory is invisible to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/sched/sched.h"

namespace sched {

// Which objects some steps touched; different objects may count as one.
struct Footprint {
  static constexpr unsigned kWords = 8;

  bool depends_on(const Footprint& other) const {
    uint64_t common = 0;
    for (unsigned i = 0; i < kWords; ++i)
      common |= (writes[i] & (other.reads[i] | other.writes[i])) | (reads[i] & other.writes[i]);
    return common != 0;
  }

  uint64_t reads[kWords] = {};
  uint64_t writes[kWords] = {};
};

class Fingerprint {
 public:
  // Contexts, and after them the executor itself, which lets time pass.
  static constexpr unsigned kActors = kContexts + 1;
  static constexpr unsigned kExecutor = kContexts;
  // Kinds of objects, each with numbers of their own.
  enum Class : unsigned {
    kLocks,
    kReferences,
    kWaits,
    kWorks,
    kReaders,
    kTime,
    kIrqLine,
    kClasses
  };
  static constexpr unsigned kObjects = 1024;  // a number beyond shares a place with another one

  void reset() {
    ++epoch_;
    sum_ = 0;
    location_count_ = 0;
    elsewhere_ = {};
    footprint_ = {};
    followed_ = kNobody;
    met_ = false;
    for (unsigned i = 0; i < kActors; ++i) actors_[i] = i + 1;
  }

  // The context goes a step; `what` tells different ones apart.
  void step(unsigned actor, uint64_t what) { set(actor, mix(actors_[actor], what)); }
  void read(unsigned actor, Class object_class, uint32_t object) {
    read(actor, at(object_class, object), number_of(object_class, object));
  }
  void write(unsigned actor, Class object_class, uint32_t object) {
    write(actor, at(object_class, object), number_of(object_class, object));
  }
  // A location is told apart by its address, until forget().
  void touch(unsigned actor, const void* location, bool writes);
  void forget(const void* start, size_t size);
  // From here on the context depends on all that `other` did.
  void join(unsigned actor, unsigned other) { set(actor, mix(actors_[actor], ~actors_[other])); }

  // A scheduling point as a step: what was done right before it, and what is done right after it.
  void before_point(unsigned actor, Point point, uint32_t object);
  // `location`: what an access() is to.
  void after_point(unsigned actor, Point point, uint32_t object, const void* location);

  uint64_t value() const { return sum_; }

  // What was touched since the last call.
  Footprint take_footprint() { return std::exchange(footprint_, {}); }
  // From here on the footprint is that of all others, until `actor` goes on.
  void follow(unsigned actor) {
    footprint_ = {};
    followed_ = actor;
  }
  // Whether it did.
  bool met() const { return met_; }

  static uint64_t mix(uint64_t hash, uint64_t value) {
    const uint64_t h = ((hash << 23 | hash >> 41) ^ value) * 0x9e3779b97f4a7c15;
    return h ^ (h >> 29);
  }

 private:
  struct Object {
    uint64_t written, reads;
    uint64_t epoch;
  };
  struct Location {
    const void* address;  // nullptr: freed
    Object object;
  };
  static constexpr unsigned kLocations = 1024;  // in a run; any more share one place

  static constexpr unsigned kNobody = ~0u;

  void set(unsigned actor, uint64_t hash) {
    if (actor == followed_) met_ = true;
    sum_ += mix(hash, actor) - mix(actors_[actor], actor);
    actors_[actor] = hash;
  }
  // Objects are numbered alike in two runs that began alike.
  void read(unsigned actor, Object& object, unsigned number) {
    if (!met_ && actor != followed_)
      footprint_.reads[number / 64 % Footprint::kWords] |= 1ull << number % 64;
    set(actor, mix(actors_[actor], object.written));
    object.reads += actors_[actor];  // a sum: reads commute
  }
  void write(unsigned actor, Object& object, unsigned number) {
    if (!met_ && actor != followed_)
      footprint_.writes[number / 64 % Footprint::kWords] |= 1ull << number % 64;
    set(actor, mix(mix(actors_[actor], object.written), object.reads));
    object.written = actors_[actor];
    object.reads = 0;
  }
  static unsigned number_of(Class object_class, uint32_t object) {
    return object_class * 59 + object;
  }
  Object& at(Class object_class, uint32_t object) {
    Object& place = objects_[object_class][object % kObjects];
    if (place.epoch != epoch_) place = {0, 0, epoch_};
    return place;
  }
  Object& at(const void* location, unsigned& number);

  uint64_t sum_ = 0;
  uint64_t epoch_ = 0;
  uint64_t actors_[kActors] = {};
  Object objects_[kClasses][kObjects] = {};
  // In the order of their first use, and a hash table of indices into it, with linear probing.
  Location locations_[kLocations] = {};
  unsigned location_count_ = 0;
  struct Slot {
    uint32_t index;
    uint64_t epoch;
  };
  Slot slots_[4 * kLocations] = {};
  Object elsewhere_ = {};
  Footprint footprint_;
  unsigned followed_ = kNobody;
  bool met_ = false;
};

}  // namespace sched
