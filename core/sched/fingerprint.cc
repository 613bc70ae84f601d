#include "core/sched/fingerprint.h"

namespace sched {

Fingerprint::Object& Fingerprint::at(const void* location, unsigned& number) {
  constexpr unsigned kMask = 4 * kLocations - 1;
  uint64_t at = mix(reinterpret_cast<uintptr_t>(location), 0) & kMask;
  for (; slots_[at].epoch == epoch_; at = (at + 1) & kMask) {
    number = slots_[at].index;
    if (locations_[number].address == location) return locations_[number].object;
  }
  number = location_count_;
  if (location_count_ == kLocations) return elsewhere_;
  slots_[at] = {location_count_, epoch_};
  Location& fresh = locations_[location_count_++];
  fresh = {location, {}};
  return fresh.object;
}

void Fingerprint::touch(unsigned actor, const void* location, bool writes) {
  unsigned number = 0;
  Object& object = at(location, number);
  number += kClasses * 59;
  if (writes)
    write(actor, object, number);
  else
    read(actor, object, number);
}

void Fingerprint::forget(const void* start, size_t size) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(start);
  for (unsigned i = 0; i < location_count_; ++i)
    if (reinterpret_cast<uintptr_t>(locations_[i].address) - first < size)
      locations_[i].address = nullptr;
}

// A lock is released, somebody is woken, and a reader ends before the point.
void Fingerprint::before_point(unsigned actor, Point point, uint32_t object) {
  if (point == Point::kWake) write(actor, kWaits, 0);
  if (point != Point::kUnlock) return;
  read(actor, kReaders, 0);
  if (object != 0) write(actor, kLocks, object);
}

// Threads have user memory of their own: copies of it do not depend on each other. Who holds a
// spinlock or has interrupts off is a reader.
void Fingerprint::after_point(unsigned actor, Point point, uint32_t object, const void* location) {
  step(actor, static_cast<uint64_t>(point));
  switch (point) {
    case Point::kLock:
      read(actor, kReaders, 0);
      return write(actor, kLocks, object);
    case Point::kXarray:
      return read(actor, kLocks, object);
    case Point::kRead:
      if (object != 0) return read(actor, kLocks, object);
      [[fallthrough]];
    case Point::kWrite:
    case Point::kAtomic:
      if (object != 0) return write(actor, kReferences, object);
      if (location != nullptr) return touch(actor, location, point != Point::kRead);
      return write(actor, kWaits, 0);
    case Point::kWait:
      return write(actor, kWaits, 0);
    case Point::kQueueWork:
      return write(actor, kWorks, 0);
    case Point::kIrqDisable:
    case Point::kIrqEnable:
      return read(actor, kReaders, 0);
    case Point::kStep:
    case Point::kUserCopy:
    case Point::kUnlock:
    case Point::kWake:
    case Point::kAlloc:
    case Point::kFree:
    case Point::kCallback:
      return;
  }
}

}  // namespace sched
